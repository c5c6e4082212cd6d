"""Kitchen and table."""

from commerce.demo.article import Article, Piece, Said

KITCHEN = [
    Article(
        "lark-mug",
        "kitchen",
        (Piece("LL-LARK-MUG", 1400, 1650, units=120, grams=420),),
        Said(
            "Lark mug",
            "Stoneware, thrown by hand, with a lark that shows when the tea is gone.",
            "A cream mug with a red lark on it",
        ),
        Said(
            "Lerchenbecher",
            "Steinzeug, von Hand gedreht, mit einer Lerche, die erscheint, wenn der Tee getrunken ist.",
            "Ein cremefarbener Becher mit einer roten Lerche",
        ),
    ),
    Article(
        "linen-tea-towels-pair",
        "kitchen",
        (Piece("LL-TOWELS-LINEN", 1650, 1900, units=90, grams=240),),
        Said(
            "Linen tea towels, pair",
            "Washed linen, one plain and one striped; better every year.",
            "Two linen towels hanging from a rail",
        ),
        Said(
            "Geschirrtücher aus Leinen, Paar",
            "Gewaschenes Leinen, eines schlicht und eines gestreift; jedes Jahr besser.",
            "Zwei Leinentücher an einer Stange",
        ),
    ),
    Article(
        "ash-bread-board",
        "kitchen",
        (Piece("LL-BOARD-ASH", 3200, 3700, units=60, grams=1100),),
        Said(
            "Ash bread board",
            "Cut from one plank, with a groove for the crumbs.",
            "A wooden board with a slice of bread and a knife",
        ),
        Said(
            "Brotbrett aus Esche",
            "Aus einem Stück geschnitten, mit einer Rille für die Krümel.",
            "Ein Holzbrett mit einer Scheibe Brot und einem Messer",
        ),
    ),
    Article(
        "stoneware-teapot",
        "kitchen",
        (Piece("LL-TEAPOT", 4800, 5500, units=28, grams=1200),),
        Said(
            "Stoneware teapot",
            "Four cups, a bamboo handle and a spout that does not drip.",
            "A round red teapot with a bamboo handle",
        ),
        Said(
            "Teekanne aus Steinzeug",
            "Vier Tassen, ein Bambusgriff und eine Tülle, die nicht tropft.",
            "Eine runde rote Teekanne mit Bambusgriff",
        ),
    ),
    Article(
        "honey-jar-and-dipper",
        "kitchen",
        (Piece("LL-HONEY", 1150, 1350, units=160, grams=520),),
        Said(
            "Honey jar and dipper",
            "Heather honey from the moor, with a dipper of beech.",
            "A jar of honey with a wooden dipper",
        ),
        Said(
            "Honigglas mit Löffel",
            "Heidehonig aus dem Moor, mit einem Honiglöffel aus Buche.",
            "Ein Glas Honig mit einem hölzernen Honiglöffel",
        ),
        tax_category="food",
    ),
    Article(
        "enamel-milk-jug",
        "kitchen",
        (Piece("LL-JUG-ENAMEL", 2400, 2750, units=55, grams=640),),
        Said(
            "Enamel milk jug",
            "A litre and a half, rimmed in red, with a sprig of rowan.",
            "A white enamel jug with red rim and rowan berries",
        ),
        Said(
            "Milchkrug aus Emaille",
            "Anderthalb Liter, mit rotem Rand und einem Zweig Vogelbeeren.",
            "Ein weißer Emaillekrug mit rotem Rand und Vogelbeeren",
        ),
    ),
    Article(
        "maple-rolling-pin",
        "kitchen",
        (Piece("LL-PIN-MAPLE", 2100, 2450, units=48, grams=780),),
        Said(
            "Maple rolling pin",
            "Heavy enough to do the work for you; handles dipped in red.",
            "A rolling pin with red handles on a sheet of dough",
        ),
        Said(
            "Nudelholz aus Ahorn",
            "Schwer genug, um die Arbeit selbst zu tun; die Griffe sind rot getaucht.",
            "Ein Nudelholz mit roten Griffen auf ausgerolltem Teig",
        ),
    ),
    Article(
        "speckled-breakfast-bowl",
        "kitchen",
        (Piece("LL-BOWL-SPECKLED", 1700, 1950, units=84, grams=460),),
        Said(
            "Speckled breakfast bowl",
            "Deep enough for porridge and berries, freckled like an egg.",
            "A speckled bowl filled with porridge and berries",
        ),
        Said(
            "Gesprenkelte Frühstücksschale",
            "Tief genug für Haferbrei und Beeren, gesprenkelt wie ein Ei.",
            "Eine gesprenkelte Schale mit Haferbrei und Beeren",
        ),
    ),
    Article(
        "egg-cups-pair",
        "kitchen",
        (Piece("LL-EGG-CUPS", 1300, 1500, units=96, grams=210),),
        Said(
            "Egg cups, pair", "One red, one white, so that nobody takes yours.", "Two egg cups, one with an opened egg"
        ),
        Said(
            "Eierbecher, Paar",
            "Einer rot, einer weiß, damit niemand deinen nimmt.",
            "Zwei Eierbecher, in einem ein geöffnetes Ei",
        ),
    ),
]
