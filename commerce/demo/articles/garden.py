"""Garden and balcony."""

from commerce.demo.article import Article, Named, Piece, Said

GARDEN = [
    Article(
        "copper-watering-can",
        "garden",
        (Piece("LL-CAN-COPPER", 5400, 6200, units=20, grams=1250),),
        Said(
            "Copper watering can",
            "Three litres, a rose as fine as drizzle, and a handle for each hand.",
            "A copper watering can pouring",
        ),
        Said(
            "Gießkanne aus Kupfer",
            "Drei Liter, eine Brause fein wie Niesel, und ein Griff für jede Hand.",
            "Eine gießende Kupferkanne",
        ),
    ),
    Article(
        "ash-handled-trowel",
        "garden",
        (Piece("LL-TROWEL", 1900, 2200, units=70, grams=310),),
        Said(
            "Ash-handled trowel",
            "Forged in one piece, with a thong to hang it by.",
            "A hand trowel in a heap of earth beside a seedling",
        ),
        Said(
            "Pflanzkelle mit Eschengriff",
            "Aus einem Stück geschmiedet, mit einer Schlaufe zum Aufhängen.",
            "Eine Pflanzkelle in einem Häufchen Erde neben einem Keimling",
        ),
    ),
    Article(
        "cedar-bird-box",
        "garden",
        (Piece("LL-BIRD-BOX", 2800, 3250, units=44, grams=1400),),
        Said(
            "Cedar bird box",
            "The hole is for tits: 28 mm, and no perch for magpies.",
            "A wooden bird box with a tit looking out",
        ),
        Said(
            "Nistkasten aus Zeder",
            "Das Loch ist für Meisen: 28 mm, ohne Stange für Elstern.",
            "Ein hölzerner Nistkasten, aus dem eine Meise schaut",
        ),
    ),
    Article(
        "herb-pots-three",
        "garden",
        (Piece("LL-HERB-POTS", 2300, 2650, units=38, grams=2100),),
        Said(
            "Herb pots, set of three",
            "Clay pots with sage, rosemary and chives, labelled in enamel.",
            "Three clay pots with herbs",
        ),
        Said(
            "Kräutertöpfe, drei Stück",
            "Tontöpfe mit Salbei, Rosmarin und Schnittlauch, mit Emailleschildchen.",
            "Drei Tontöpfe mit Kräutern",
        ),
    ),
    Article(
        "garden-twine-in-a-tin",
        "garden",
        (Piece("LL-TWINE-TIN", 1100, 1250, units=130, grams=340),),
        Said(
            "Garden twine in a tin",
            "A hundred metres of jute that pull from the top and never roll away.",
            "A green tin of garden twine",
        ),
        Said(
            "Gartenschnur in der Dose",
            "Hundert Meter Jute, von oben gezogen, die nie davonrollen.",
            "Eine grüne Dose mit Gartenschnur",
        ),
    ),
    Article(
        "cottage-garden-seeds",
        "garden",
        (
            Piece(
                "LL-SEEDS-DAY", 450, 520, units=300, grams=20, name=Named("Marigold and tulip", "Ringelblume und Tulpe")
            ),
            Piece("LL-SEEDS-NIGHT", 450, 520, units=5, grams=20, name=Named("Evening stock", "Abendlevkoje")),
        ),
        Said("Cottage garden seeds", "Two packets, gathered by hand last September.", "Two packets of flower seeds"),
        Said(
            "Bauerngarten-Samen", "Zwei Tütchen, im letzten September von Hand gesammelt.", "Zwei Tütchen Blumensamen"
        ),
    ),
]
