"""Every article of the demo shop. The last made is shown first."""

from commerce.demo.article import Named, Shelf
from commerce.demo.articles.by_wire import BY_WIRE
from commerce.demo.articles.garden import GARDEN
from commerce.demo.articles.home import HOME
from commerce.demo.articles.kitchen import KITCHEN
from commerce.demo.articles.light import LIGHT
from commerce.demo.articles.little_ones import LITTLE_ONES
from commerce.demo.articles.paper import PAPER

SHELVES = [
    Shelf("light", 10, Named("Light and scent", "Licht und Duft")),
    Shelf("kitchen", 20, Named("Kitchen and table", "Küche und Tisch")),
    Shelf("home", 30, Named("Home", "Wohnen")),
    Shelf("garden", 32, Named("Garden and balcony", "Garten und Balkon")),
    Shelf("paper", 34, Named("Paper and desk", "Papier und Schreibtisch")),
    Shelf("little-ones", 36, Named("For little ones", "Für die Kleinen")),
    Shelf("gifts-and-courses", 40, Named("Gifts and courses", "Geschenke und Kurse")),
]
ARTICLES = [*GARDEN, *PAPER, *LITTLE_ONES, *HOME, *KITCHEN, *BY_WIRE, *LIGHT]

# Two lists of a few articles each, in a currency without decimals and in one with three.
YEN = {
    "LL-BELL-WIND": 5200,
    "LL-INCENSE-OUD": 5900,
    "LL-LARK-MUG": 2800,
    "LL-TEAPOT": 9600,
    "LL-TOWELS-LINEN": 3300,
    "LL-NOTEBOOK-PLAIN": 3200,
    "LL-WAX-SEAL": 4900,
    "LL-PATTERN-MOBILE": 1200,
}
DINARS = {
    "LL-INCENSE-OUD": 11_750,
    "LL-LANTERN-BRASS": 13_750,
    "LL-CANDLE-FIG": 7_370,
    "LL-LARK-MUG": 5_500,
    "LL-BLANKET-MOSS": 35_250,
    "LL-CLOCK-MANTEL": 46_900,
    "LL-HONEY": 4_620,
    "LL-PATTERN-MOBILE": 2_370,
}
PRICE_LISTS = {"JPY": YEN, "KWD": DINARS}
