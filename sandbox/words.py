"""Sets of words, written as prose writes them."""


def words(text: str) -> frozenset[str]:
    """This will return the words of `text`."""
    return frozenset(text.split())
