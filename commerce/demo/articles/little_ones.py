"""For little ones."""

from commerce.demo.article import Article, Piece, Said

LITTLE_ONES = [
    Article(
        "pull-along-lark",
        "little-ones",
        (Piece("LL-PULL-LARK", 2700, 3100, units=42, grams=480),),
        Said(
            "Pull-along lark",
            "Nods its head at every turn of the wheels. Beech and water-based paint.",
            "A red wooden bird on wheels with a string",
        ),
        Said(
            "Lerche zum Nachziehen",
            "Nickt bei jeder Drehung der Räder. Buche und Farbe auf Wasserbasis.",
            "Ein roter Holzvogel auf Rädern mit Schnur",
        ),
    ),
    Article(
        "stacking-rings",
        "little-ones",
        (Piece("LL-RINGS", 2000, 2300, units=66, grams=560),),
        Said("Stacking rings", "Five rings and a ball; they fit in every order.", "A tower of coloured wooden rings"),
        Said(
            "Stapelringe",
            "Fünf Ringe und eine Kugel; sie passen in jeder Reihenfolge.",
            "Ein Turm aus bunten Holzringen",
        ),
    ),
    Article(
        "knitted-hare",
        "little-ones",
        (Piece("LL-HARE", 3100, 3600, units=24, grams=220),),
        Said(
            "Knitted hare", "Alpaca, in dungarees with pockets. Washable, in case.", "A knitted hare in red dungarees"
        ),
        Said(
            "Gestrickter Hase",
            "Alpaka, in Latzhose mit Taschen. Waschbar, für alle Fälle.",
            "Ein gestrickter Hase in roter Latzhose",
        ),
    ),
    Article(
        "humming-top",
        "little-ones",
        (Piece("LL-TOP-HUMMING", 1750, 2000, units=58, grams=410),),
        Said("Humming top", "Tin, pumped by hand; it sings a fifth.", "A red and cream humming top with stars"),
        Said(
            "Brummkreisel",
            "Blech, von Hand gepumpt; er singt eine Quinte.",
            "Ein rot-cremefarbener Brummkreisel mit Sternen",
        ),
    ),
    Article(
        "village-blocks",
        "little-ones",
        (Piece("LL-BLOCKS-VILLAGE", 3600, 4150, units=30, grams=1350),),
        Said(
            "Village blocks",
            "Fourteen houses, a church and a tower that never falls the same way twice.",
            "A village of painted wooden blocks",
        ),
        Said(
            "Dorf aus Klötzen",
            "Vierzehn Häuser, eine Kirche und ein Turm, der nie zweimal gleich umfällt.",
            "Ein Dorf aus bemalten Holzklötzen",
        ),
    ),
    Article(
        "storm-kite",
        "little-ones",
        (Piece("LL-KITE-STORM", 2900, 3350, units=5, grams=350),),
        Said(
            "Storm kite",
            "Ripstop and ash, with forty metres of line. For wind you can lean on.",
            "A red and yellow kite among clouds",
        ),
        Said(
            "Sturmdrachen",
            "Ripstop und Esche, mit vierzig Metern Schnur. Für Wind, an den man sich lehnen kann.",
            "Ein rot-gelber Drachen zwischen Wolken",
        ),
    ),
]
