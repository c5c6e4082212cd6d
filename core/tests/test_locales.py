"""Which language is shown: what a browser asks for, what the shop speaks, and where texts are looked for."""

import pytest

from core.locales import accepted_locales, choose_locale, text_locales, writable


class TestAcceptedLocales:
    @pytest.mark.parametrize(
        ("header", "wanted"),
        [
            ("", ()),
            ("de", ("de",)),
            ("en-GB,en;q=0.9,de;q=0.8", ("en-GB", "en", "de")),
            ("en;q=0.5, de-at;q=0.8", ("de-AT", "en")),
            ("de, fr, en", ("de", "fr", "en")),
            ("de;q=0, en", ("en",)),
            ("*, de;q=0.1", ("de",)),
            ("zh-Hant-TW, DE-de", ("zh-TW", "de-DE")),
            ("de-1996", ("de",)),
            ("de;q=2, en;level=1, ;, fr;q=x, 1, \x00", ()),
        ],
    )
    def test_reads_the_header_as_browsers_write_it(self, header: str, wanted: tuple[str, ...]) -> None:
        assert accepted_locales(header) == wanted

    def test_reads_no_further_than_any_browser_writes(self) -> None:
        assert len(accepted_locales(",".join(["de"] * 10_000))) == 16


class TestChooseLocale:
    @pytest.mark.parametrize(
        ("asked", "chosen"),
        [
            ((), "en-GB"),
            (("fr", "es-MX"), "en-GB"),
            (("fr", "de-AT", "en"), "de-AT"),
            (("en-US",), "en-US"),
            (("de_CH",), "de-CH"),
            # Nobody writes amounts for a country that is none; the language stays.
            (("de-XX",), "de"),
        ],
    )
    def test_is_the_first_whose_language_the_shop_speaks(self, asked: tuple[str, ...], chosen: str) -> None:
        assert choose_locale(asked, own="en-GB", others=["de"]) == chosen


class TestTextLocales:
    @pytest.mark.parametrize(
        ("locale", "looked_for"),
        [
            ("de-AT", ("de-AT", "de")),
            ("de_AT", ("de-AT", "de")),
            ("de", ("de",)),
            ("en-GB", ()),
            ("en", ()),
            ("en-US", ("en-US",)),
        ],
    )
    def test_go_from_the_nearest_until_what_was_typed_in(self, locale: str, looked_for: tuple[str, ...]) -> None:
        assert text_locales(locale, own="en-GB") == looked_for


class TestWritable:
    @pytest.mark.parametrize(
        ("locale", "written"), [("de-AT", "de-AT"), ("de-XX", "de"), ("xx-YY", ""), ("en_GB", "en_GB")]
    )
    def test_is_what_amounts_can_be_written_in(self, locale: str, written: str) -> None:
        assert writable(locale) == written
