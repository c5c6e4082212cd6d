"""Light and scent."""

from commerce.demo.article import Article, Piece, Said

LIGHT = [
    Article(
        "harbour-lantern",
        "light",
        (Piece("LL-LANTERN-BRASS", 3450, 3995, units=40, grams=900),),
        Said(
            "Harbour lantern",
            "Brushed brass and wavy glass, for a tea light or an evening outside.",
            "A brass lantern with a candle burning behind its glass",
        ),
        Said(
            "Hafenlaterne",
            "Gebürstetes Messing und welliges Glas, für ein Teelicht oder einen Abend draußen.",
            "Eine Messinglaterne, hinter deren Glas eine Kerze brennt",
        ),
    ),
    Article(
        "fig-and-cedar-candle",
        "light",
        (Piece("LL-CANDLE-FIG", 1850, 2150, units=200, grams=380),),
        Said(
            "Fig and cedar candle",
            "Rapeseed wax in a jar to keep. Burns for forty hours.",
            "A candle in a brown jar with a fig on its label",
        ),
        Said(
            "Kerze Feige und Zeder",
            "Rapswachs in einem Glas, das man behält. Brennt vierzig Stunden.",
            "Eine Kerze in einem braunen Glas mit einer Feige auf dem Etikett",
        ),
    ),
    Article(
        "oud-incense-box",
        "light",
        (Piece("LL-INCENSE-OUD", 2950, 3400, units=35, grams=120),),
        Said(
            "Oud incense box",
            "Twelve slow sticks in a cedar box; priced in Kuwaiti dinars as well.",
            "An open wooden box of incense, one stick glowing",
        ),
        Said(
            "Räucherkästchen Oud",
            "Zwölf langsame Stäbchen in einem Kästchen aus Zedernholz; auch in Kuwait-Dinar.",
            "Ein offenes Holzkästchen mit Räucherstäbchen, eines glimmt",
        ),
    ),
    Article(
        "beeswax-tapers",
        "light",
        (Piece("LL-TAPERS-BEESWAX", 1250, 1450, units=150, grams=260),),
        Said(
            "Beeswax tapers, pair",
            "Dipped by hand, still joined at the wick. They smell of August.",
            "Two golden tapers joined by one wick, in a paper band",
        ),
        Said(
            "Bienenwachskerzen, Paar",
            "Von Hand gezogen und am Docht noch verbunden. Sie duften nach August.",
            "Zwei goldene Kerzen an einem Docht, in einer Banderole",
        ),
    ),
    Article(
        "paper-moon-lamp",
        "light",
        (Piece("LL-LAMP-MOON", 6400, 7400, units=18, grams=1450),),
        Said(
            "Paper moon lamp",
            "A globe of mulberry paper on three beech legs, warm as a full moon.",
            "A round paper lamp on three wooden legs",
        ),
        Said(
            "Papiermondlampe",
            "Eine Kugel aus Maulbeerpapier auf drei Buchenbeinen, warm wie ein Vollmond.",
            "Eine runde Papierlampe auf drei Holzbeinen",
        ),
    ),
    Article(
        "matches-in-a-bottle",
        "light",
        (Piece("LL-MATCHES", 950, 1100, units=240, grams=180),),
        Said(
            "Matches in a bottle",
            "A hundred long ones; strike them on the label.",
            "A corked glass bottle full of red-headed matches",
        ),
        Said(
            "Streichhölzer in der Flasche",
            "Hundert lange; angerissen werden sie am Etikett.",
            "Eine verkorkte Glasflasche voller roter Streichhölzer",
        ),
    ),
    Article(
        "brass-chamberstick",
        "light",
        (Piece("LL-CHAMBERSTICK", 2200, 2550, units=45, grams=520),),
        Said(
            "Brass chamberstick",
            "To carry upstairs. The saucer catches every drop.",
            "A lit candle in a brass holder with a ring to hold it by",
        ),
        Said(
            "Handleuchter aus Messing",
            "Um ihn die Treppe hinaufzutragen. Der Teller fängt jeden Tropfen.",
            "Eine brennende Kerze in einem Messingleuchter mit Griffring",
        ),
    ),
    Article(
        "amber-oil-lamp",
        "light",
        (Piece("LL-LAMP-AMBER", 4200, 4850, units=22, grams=1100),),
        Said(
            "Amber oil lamp",
            "Mouth-blown glass, a flat wick and a wheel to turn it by.",
            "An oil lamp with an amber base and a glass chimney",
        ),
        Said(
            "Bernsteinfarbene Öllampe",
            "Mundgeblasenes Glas, ein flacher Docht und ein Rädchen dazu.",
            "Eine Öllampe mit bernsteinfarbenem Fuß und Glaszylinder",
        ),
    ),
]
