"""Which language to show: what was asked for, what the shop speaks, and where its texts are looked for. Pure."""

import re
from collections.abc import Iterable, Sequence

from babel import Locale, UnknownLocaleError

# What `?locale=` and a contact's locale may be: a language and perhaps a country. Written with a hyphen in our rows.
LOCALE = re.compile(r"[a-z]{2,3}([-_][A-Z]{2})?")
LOCALE_MAX_CHARACTERS = 6
# A header longer than any browser's is read as far as this.
TAGS_MAX = 16
TAG = re.compile(r"([A-Za-z]{2,3})(?:-[A-Za-z]{4})?(?:-([A-Za-z]{2}))?(?:-[A-Za-z0-9]+)*")
WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def writable(locale: str) -> str:
    """This will return the locale if texts and amounts can be written in it, else its language, else ""."""
    for tried in (locale, language_of(locale)):
        try:
            Locale.parse(tried.replace("_", "-"), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
        return tried
    return ""


def language_of(locale: str) -> str:
    """This will return the locale without its country."""
    return re.split("[-_]", locale)[0]


def accepted_locales(header: str) -> tuple[str, ...]:
    """This will return what Accept-Language asks for, the most wanted first. Source: RFC 9110, 12.5.4."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(",")[:TAGS_MAX]:
        tag, _, parameter = (piece.strip() for piece in part.partition(";"))
        found, weight = TAG.fullmatch(tag), WEIGHT.fullmatch(parameter)
        if found is None or (parameter and weight is None):
            continue
        language, country = found.groups()
        locale = f"{language.lower()}-{country.upper()}" if country else language.lower()
        wanted.append((float(weight[1]) if weight else 1.0, locale))
    # The sort keeps the header's order among equals.
    return tuple(locale for weight, locale in sorted(wanted, key=lambda each: -each[0]) if weight)


def choose_locale(asked: Iterable[str], *, own: str, others: Sequence[str]) -> str:
    """This will return the first locale asked for whose language the shop speaks, else the shop's own.

    `own` is the locale the catalog is typed in, `others` those it has translations in.
    """
    spoken = {language_of(locale) for locale in (own, *others)}
    chosen = (writable(locale) for locale in asked if language_of(locale) in spoken)
    return next((locale.replace("_", "-") for locale in chosen if locale), own)


def text_locales(locale: str, *, own: str) -> tuple[str, ...]:
    """This will return whose translations to look for, the nearest first: de-AT, then de, then what was typed in.

    What was typed in is in the shop's own locale and needs no translation, so the search ends where it is reached.
    """
    chain = dict.fromkeys((locale.replace("_", "-"), language_of(locale)))
    typed_in = {own.replace("_", "-"), language_of(own)}
    nearest = list(chain)
    end = next((index for index, each in enumerate(nearest) if each in typed_in), len(nearest))
    return tuple(nearest[:end])
