"""Numbers of businesses: one way to write each, nothing that cannot be right, and whose tax is whose."""

import random
import string

import pytest

from accounts.tax_ids import TaxIdInvalid, accounts_for_tax, normalised_tax_id

GERMAN, AUSTRIAN, FRENCH, GREEK = "DE136695976", "ATU13585627", "FR40303265045", "EL094259216"
BRITISH, NORTHERN_IRISH, SWISS = "GB980780684", "XI980780684", "CHE107787577IVA"
SEED = 20_261_124


class TestWriting:
    @pytest.mark.parametrize(
        ("typed", "country", "kept"),
        [
            ("DE136695976", "DE", GERMAN),
            ("de 136 695 976", "DE", GERMAN),
            ("136.695.976", "DE", GERMAN),
            ("DE-136695976", "AT", GERMAN),
            ("U13585627", "AT", AUSTRIAN),
            ("AT U 135 85 627", "DE", AUSTRIAN),
            ("FR 40 303 265 045", "FR", FRENCH),
            ("094259216", "GR", GREEK),
            ("GR 094259216", "GR", GREEK),
            ("EL094259216", "DE", GREEK),
            ("428.759.497", "BE", "BE0428759497"),
            ("NL4495445B01", "NL", "NL004495445B01"),
            ("980 7806 84", "GB", BRITISH),
            ("GD001", "GB", "GBGD001"),
            ("980780684", "IM", BRITISH),
            ("XI 980 7806 84", "GB", NORTHERN_IRISH),
            ("FR 53 0000 04605", "MC", "FR53000004605"),
            ("CHE-107.787.577 IVA", "CH", SWISS),
            ("NO 995 525 828 MVA", "NO", "NO995525828MVA"),
            ("", "DE", ""),
        ],
    )
    def test_keeps_the_country_s_letters_and_no_blanks(self, typed: str, country: str, kept: str) -> None:
        assert normalised_tax_id(typed, country=country) == kept
        assert normalised_tax_id(kept, country=country) == kept

    @pytest.mark.parametrize(
        ("typed", "country"),
        [
            ("DE136695978", "DE"),  # the check digit
            ("ATU13585626", "AT"),
            ("GB980780685", "GB"),
            ("DE13669597", "DE"),  # too short
            ("DE1366959760", "DE"),
            ("U13585627", "DE"),  # an Austrian number without its letters
            ("094259216", "DE"),
            ("EU528003646", "DE"),  # a seller's, of the one-stop shop
            ("IM0400000026", "DE"),
            ("12-3456789", "US"),  # nothing we could check
            ("XX123456789", "XX"),
            ("DE", "DE"),
            ("DE١٣٦٦٩٥٩٧٦", "DE"),
            ("DE136695976'--", "DE"),
            ("-", "DE"),
            ("none", "DE"),
        ],
    )
    def test_what_cannot_be_right_is_refused(self, typed: str, country: str) -> None:
        with pytest.raises(TaxIdInvalid):
            normalised_tax_id(typed, country=country)

    def test_whatever_is_typed_is_refused_or_written_for_good(self) -> None:
        source = random.Random(SEED)
        countries = ["DE", "AT", "BE", "BG", "CH", "CZ", "ES", "GB", "GR", "IE", "IT", "MC", "NL", "NO", "RO", "US"]
        kept = 0
        for _ in range(4_000):
            country = source.choice(countries)
            signs = source.choice([string.digits, string.digits + "AB", string.ascii_letters + "+*/ ½ß\u0660"])
            typed = source.choice(["", country]) + "".join(
                source.choices(signs, k=source.choice([3, 8, 9, 9, 10, 11, 14]))
            )
            try:
                written = normalised_tax_id(typed, country=country)
            except TaxIdInvalid:
                continue
            kept += 1
            assert normalised_tax_id(written, country="US") == written
            assert written[:2].isalpha()
            assert len(written) <= 32

        # Some fit by chance: the loop has tried something.
        assert kept > 20, f"seed {SEED}"


class TestWhoseTaxItIs:
    @pytest.mark.parametrize(
        ("tax_id", "home", "destination", "is_theirs"),
        [
            (AUSTRIAN, "DE", "AT", True),
            (FRENCH, "DE", "AT", True),  # any member's number is good in the union
            (GREEK, "DE", "GR", True),
            (GERMAN, "DE", "DE", False),  # at home
            (GERMAN, "DE", "AT", False),  # the shop's own country gave the number
            (AUSTRIAN, "DE", "DE", False),  # the goods stay at home
            (AUSTRIAN, "AT", "DE", False),
            (SWISS, "DE", "AT", False),  # not of the union
            (SWISS, "DE", "CH", True),
            (AUSTRIAN, "DE", "CH", False),  # an export, whoever buys
            (AUSTRIAN, "GB", "AT", True),  # a shop outside the union
            (BRITISH, "DE", "AT", False),
            (NORTHERN_IRISH, "DE", "AT", True),
            (NORTHERN_IRISH, "DE", "GB", True),
            (NORTHERN_IRISH, "GB", "AT", False),
            (BRITISH, "GB", "GB", False),
            ("", "DE", "AT", False),
            (AUSTRIAN, "", "AT", False),  # a shop that did not say where it is
        ],
    )
    def test_is_the_buyer_s_only_across_a_border(
        self, tax_id: str, home: str, destination: str, is_theirs: bool
    ) -> None:
        assert accounts_for_tax(tax_id, home_country=home, destination=destination) is is_theirs
