"""What comes by wire: codes, files to print, seats. Nothing of it is weighed."""

from commerce.demo.article import Article, Named, Piece, Said

BY_WIRE = [
    Article(
        "gift-card",
        "gifts-and-courses",
        (
            Piece("LL-GIFT-25", 2500, 2900, units=100_000, name=Named("£25", "25 £")),
            Piece("LL-GIFT-50", 5000, 5800, units=100_000, name=Named("£50", "50 £")),
        ),
        Said(
            "Gift card",
            "A code by e-mail, good for anything in the shop and for five years.",
            "A red gift card with a golden bow",
        ),
        Said(
            "Gutschein",
            "Ein Code per E-Mail, gültig für alles im Laden und fünf Jahre lang.",
            "Eine rote Gutscheinkarte mit goldener Schleife",
        ),
        tax_category="voucher",
    ),
    Article(
        "printable-mobile-pattern",
        "gifts-and-courses",
        (Piece("LL-PATTERN-MOBILE", 600, 700, units=100_000),),
        Said(
            "Paper lark mobile, printable pattern",
            "Four pages to print, cut and fold, with a film that shows how.",
            "A printed sheet with a lark to cut out, and scissors",
        ),
        Said(
            "Lerchen-Mobile, Bastelbogen zum Drucken",
            "Vier Seiten zum Drucken, Schneiden und Falten, mit einem Film dazu.",
            "Ein Druckbogen mit einer Lerche zum Ausschneiden und einer Schere",
        ),
    ),
    Article(
        "printable-folded-village",
        "gifts-and-courses",
        (Piece("LL-PATTERN-VILLAGE", 750, 850, units=100_000),),
        Said(
            "Folded village, printable pattern",
            "Seven houses for the window sill, with windows to light from behind.",
            "A printed sheet of houses and one folded house",
        ),
        Said(
            "Gefaltetes Dorf, Bastelbogen zum Drucken",
            "Sieben Häuser für das Fensterbrett, deren Fenster man von hinten beleuchtet.",
            "Ein Druckbogen mit Häusern und ein gefaltetes Haus",
        ),
    ),
    Article(
        "wreath-making-course",
        "gifts-and-courses",
        (Piece("LL-COURSE-WREATH", 4800, 5600, units=12, name=Named("One seat", "Ein Platz")),),
        Said(
            "Wreath-making course",
            "An evening in the workshop: willow, moss, the garden.",
            "A wreath of leaves and berries with a red bow",
        ),
        Said(
            "Kranzbinde-Kurs",
            "Ein Abend in der Werkstatt: Weide, Moos, der Garten.",
            "Ein Kranz aus Blättern und Beeren mit roter Schleife",
        ),
    ),
    Article(
        "candle-pouring-course",
        "gifts-and-courses",
        (Piece("LL-COURSE-CANDLE", 3900, 4500, units=8, name=Named("One seat", "Ein Platz")),),
        Said(
            "Candle-pouring course",
            "A Saturday morning, three scents, and two candles to take home.",
            "Wax being poured from a jug into a glass",
        ),
        Said(
            "Kerzengieß-Kurs",
            "Ein Samstagvormittag, drei Düfte und zwei Kerzen zum Mitnehmen.",
            "Wachs wird aus einem Krug in ein Glas gegossen",
        ),
    ),
]
