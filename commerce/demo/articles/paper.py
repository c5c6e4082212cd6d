"""Paper and desk."""

from commerce.demo.article import Article, Named, Piece, Said

PAPER = [
    Article(
        "linen-notebook",
        "paper",
        (
            Piece("LL-NOTEBOOK-PLAIN", 1600, 1850, units=110, grams=320, name=Named("Plain", "Blanko")),
            Piece("LL-NOTEBOOK-LINED", 1600, 1850, units=95, grams=320, name=Named("Lined", "Liniert")),
        ),
        Said(
            "Linen notebook",
            "Sewn so that it lies flat; 160 pages that take ink.",
            "A red notebook with a lark and a pencil beside it",
        ),
        Said(
            "Notizbuch in Leinen",
            "Fadengeheftet, damit es flach liegt; 160 Seiten, die Tinte mögen.",
            "Ein rotes Notizbuch mit einer Lerche, daneben ein Bleistift",
        ),
    ),
    Article(
        "pencils-box-of-six",
        "paper",
        (Piece("LL-PENCILS-SIX", 900, 1050, units=180, grams=90),),
        Said(
            "Pencils, box of six",
            "Cedar, soft enough to sketch with, in a sliding box.",
            "Six coloured pencils in a wooden box",
        ),
        Said(
            "Bleistifte, sechs im Kästchen",
            "Zedernholz, weich genug zum Skizzieren, im Schiebekästchen.",
            "Sechs bunte Stifte in einem Holzkästchen",
        ),
    ),
    Article(
        "letterpress-cards",
        "paper",
        (Piece("LL-CARDS-PRESS", 1350, 1550, units=140, grams=160),),
        Said(
            "Letterpress cards, set of eight",
            "Lanterns and leaves, printed on an 1890 press, with envelopes.",
            "Two printed cards and an envelope",
        ),
        Said(
            "Buchdruckkarten, acht Stück",
            "Laternen und Blätter, auf einer Presse von 1890 gedruckt, mit Umschlägen.",
            "Zwei gedruckte Karten und ein Umschlag",
        ),
    ),
    Article(
        "wax-seal-set",
        "paper",
        (Piece("LL-WAX-SEAL", 2450, 2800, units=36, grams=240),),
        Said(
            "Wax seal set",
            "A brass lark on a walnut handle and two sticks of red wax.",
            "A seal stamp, wax and a sealed envelope",
        ),
        Said(
            "Siegelset",
            "Eine Lerche aus Messing am Nussbaumgriff und zwei Stangen rotes Wachs.",
            "Ein Siegelstempel, Wachs und ein versiegelter Umschlag",
        ),
    ),
    Article(
        "paper-star-garland",
        "paper",
        (Piece("LL-STAR-GARLAND", 1800, 2100, units=75, grams=130),),
        Said(
            "Paper star garland",
            "Three metres of folded stars, flat in their envelope until December.",
            "Three folded paper stars on a string",
        ),
        Said(
            "Sternengirlande aus Papier",
            "Drei Meter gefaltete Sterne, bis Dezember flach im Umschlag.",
            "Drei gefaltete Papiersterne an einer Schnur",
        ),
    ),
    Article(
        "year-of-birds-calendar",
        "paper",
        (Piece("LL-CALENDAR-BIRDS", 1500, 1750, units=64, grams=280),),
        Said(
            "A year of birds, calendar",
            "Twelve neighbours, drawn from the window.",
            "A wall calendar with a bird on a branch",
        ),
        Said(
            "Ein Jahr Vögel, Kalender",
            "Zwölf Nachbarn, vom Fenster aus gezeichnet.",
            "Ein Wandkalender mit einem Vogel auf einem Zweig",
        ),
    ),
]
