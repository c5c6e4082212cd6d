"""Public ids and order numbers: unguessable, prefixed, readable aloud."""

import secrets

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Crockford's check symbols: the 32 digits plus five more, because 37 is the smallest prime above 32.
CHECK = CROCKFORD + "*~$=U"


def _encode(number: int, *, length: int) -> str:
    characters = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        characters.append(CROCKFORD[digit])
    return "".join(reversed(characters))


def new_public_id(prefix: str) -> str:
    """This will return `prefix_` and 26 Crockford characters of 128 random bits, for example `ord_0J5…`."""
    return f"{prefix}_{_encode(secrets.randbits(128), length=26)}"


def new_order_number() -> str:
    """This will return ten random Crockford characters and their check character, for people to read out.

    One whose check character is a sign is drawn again: `7K2M04XTWC*` reads like a footnote, and nobody can say it.
    """
    value = secrets.randbits(50)
    while not CHECK[value % 37].isalnum():
        value = secrets.randbits(50)
    return _encode(value, length=10) + CHECK[value % 37]


def is_order_number(text: str) -> bool:
    """This will tell whether `text` is an order number without a typing error.

    Source: https://www.crockford.com/base32.html
    """
    if len(text) != 11 or any(character not in CROCKFORD for character in text[:10]):
        return False
    value = 0
    for character in text[:10]:
        value = value * 32 + CROCKFORD.index(character)
    return text[10] == CHECK[value % 37]


def new_token() -> str:
    """This will return a secret of 256 bits for a URL-safe header."""
    return secrets.token_urlsafe(32)
