"""Rooms."""

from commerce.demo.article import Article, Named, Piece, Said

HOME = [
    Article(
        "moss-blanket",
        "home",
        (Piece("LL-BLANKET-MOSS", 8900, 10400, units=25, grams=1300),),
        Said(
            "Moss blanket",
            "Lambswool in three greens, woven on a narrow loom and fringed.",
            "Three folded green blankets with a fringe",
        ),
        Said(
            "Moosdecke",
            "Lammwolle in drei Grüntönen, auf schmalem Webstuhl gewebt, mit Fransen.",
            "Drei gefaltete grüne Decken mit Fransen",
        ),
    ),
    Article(
        "oak-coat-hook",
        "home",
        (Piece("LL-HOOK-OAK", 1200, 1400, units=3, grams=180),),
        Said(
            "Oak coat hook",
            "A branch fork, sanded and oiled. No two are alike.",
            "A hook made of a branch, with a red coat on it",
        ),
        Said(
            "Garderobenhaken aus Eiche",
            "Eine Astgabel, geschliffen und geölt. Keine gleicht der anderen.",
            "Ein Haken aus einem Ast, an dem ein roter Mantel hängt",
        ),
    ),
    Article(
        "porcelain-wind-bell",
        "home",
        (Piece("LL-BELL-WIND", 2600, 3000, units=30, grams=150),),
        Said(
            "Porcelain wind bell",
            "A clear note in a light wind. Made in Arita; priced in yen as well.",
            "A white porcelain bell hanging from a branch",
        ),
        Said(
            "Windglocke aus Porzellan",
            "Ein klarer Ton bei leichtem Wind. In Arita gemacht; auch in Yen.",
            "Eine weiße Porzellanglocke an einem Zweig",
        ),
    ),
    Article(
        "willow-basket",
        "home",
        (Piece("LL-BASKET-WILLOW", 3800, 4400, units=32, grams=700),),
        Said(
            "Willow basket",
            "Woven wet and left to dry for a month. Carries wood or washing.",
            "A willow basket with a round handle",
        ),
        Said(
            "Weidenkorb",
            "Nass geflochten und einen Monat getrocknet. Trägt Holz oder Wäsche.",
            "Ein Weidenkorb mit rundem Henkel",
        ),
    ),
    Article(
        "round-mirror",
        "home",
        (Piece("LL-MIRROR-ROUND", 7200, 8300, units=0, grams=2600),),
        Said(
            "Round mirror",
            "Bevelled glass in a steamed beech hoop, on a leather strap.",
            "A round mirror in which a potted plant is seen",
        ),
        Said(
            "Runder Spiegel",
            "Facettiertes Glas in einem Reif aus gedämpfter Buche, am Lederriemen.",
            "Ein runder Spiegel, in dem eine Topfpflanze zu sehen ist",
        ),
    ),
    Article(
        "terracotta-vase",
        "home",
        (Piece("LL-VASE-TERRACOTTA", 3400, 3900, units=26, grams=1500),),
        Said(
            "Terracotta vase",
            "Coiled by hand, banded in white slip, glazed inside.",
            "A red clay vase with dried grasses",
        ),
        Said(
            "Terrakottavase",
            "Von Hand aufgebaut, weiß gebändert, innen glasiert.",
            "Eine rote Tonvase mit trockenen Gräsern",
        ),
    ),
    Article(
        "wool-cushion",
        "home",
        (
            Piece("LL-CUSHION-45", 4200, 4850, units=40, grams=600, name=Named("45 × 45 cm", "45 × 45 cm")),
            Piece("LL-CUSHION-60", 5600, 6450, units=4, grams=950, name=Named("60 × 60 cm", "60 × 60 cm")),
        ),
        Said(
            "Wool cushion",
            "A pattern from Shetland, four pompoms, filled with feathers.",
            "A square cushion with zigzags and pompoms",
        ),
        Said(
            "Wollkissen",
            "Ein Muster aus Shetland, vier Bommeln, mit Federn gefüllt.",
            "Ein quadratisches Kissen mit Zickzack und Bommeln",
        ),
    ),
    Article(
        "mantel-clock",
        "home",
        (Piece("LL-CLOCK-MANTEL", 11800, 13600, units=9, grams=1900),),
        Said(
            "Mantel clock",
            "Eight days on one winding, and a tick you will miss elsewhere.",
            "A wooden clock with a round brass-rimmed face",
        ),
        Said(
            "Kaminuhr",
            "Acht Tage mit einem Aufzug, und ein Ticken, das man anderswo vermisst.",
            "Eine Holzuhr mit rundem Zifferblatt im Messingrand",
        ),
    ),
]
