"""What people type as an address or number, and what is made of it."""

import pytest

from accounts.addresses import AddressInvalid, PhoneInvalid, PostalAddress, normalised, prefixed, require_complete


def refused_fields(address: PostalAddress) -> list[str]:
    """This will return the fields an address is refused for."""
    with pytest.raises(AddressInvalid) as refused:
        require_complete(normalised(address))
    errors = refused.value.facts["errors"]
    assert isinstance(errors, list)
    return sorted(error["field"] for error in errors)


class TestPostcode:
    @pytest.mark.parametrize(
        ("country", "typed", "written"),
        [
            ("GB", "sw1a1aa", "SW1A 1AA"),
            ("GB", " SW1A  1aa ", "SW1A 1AA"),
            ("GB", "m1 1ae", "M1 1AE"),
            ("CA", "k1a0b6", "K1A 0B6"),
            ("CA", "K1A-0B6", "K1A 0B6"),
            ("NL", "1234ab", "1234 AB"),
            ("IE", "a65f4e2", "A65 F4E2"),
            ("SE", "11455", "114 55"),
            ("PL", "00950", "00-950"),
            ("PT", "2725079", "2725-079"),
            ("BR", "40301 110", "40301-110"),
            ("JP", "1540023", "154-0023"),
            ("DE", "10115", "10115"),
            ("US", "22162-1010", "22162-1010"),
            ("US", "95014", "95014"),
            ("AE", "anything", "ANYTHING"),
        ],
    )
    def test_is_written_as_its_country_writes_it(self, country: str, typed: str, written: str) -> None:
        assert normalised(PostalAddress(country=country, postcode=typed)).postcode == written

    @pytest.mark.parametrize(
        ("country", "typed"), [("GB", "12345"), ("DE", "1011"), ("DE", "SW1A 1AA"), ("US", "9501"), ("JP", "15400231")]
    )
    def test_of_another_shape_is_refused_by_name(self, country: str, typed: str) -> None:
        with pytest.raises(AddressInvalid) as refused:
            normalised(PostalAddress(country=country, postcode=typed))

        assert [error["field"] for error in refused.value.facts["errors"]] == ["postcode"]  # type: ignore[attr-defined]


class TestRegion:
    @pytest.mark.parametrize("typed", ["CA", "ca", "California", "CALIFORNIA"])
    def test_becomes_its_code(self, typed: str) -> None:
        assert normalised(PostalAddress(country="US", region=typed)).region == "CA"

    def test_of_another_country_is_refused(self) -> None:
        with pytest.raises(AddressInvalid):
            normalised(PostalAddress(country="US", region="Bavaria"))

    def test_is_free_where_there_are_no_codes(self) -> None:
        assert normalised(PostalAddress(country="GB", region="Kent")).region == "Kent"


class TestCountry:
    @pytest.mark.parametrize("country", ["", "XX", "ZZ", "GBR", "gb"])
    def test_must_exist(self, country: str) -> None:
        assert refused_fields(PostalAddress(country=country)) == ["country"]


class TestComplete:
    def test_names_everything_that_is_missing(self) -> None:
        assert refused_fields(PostalAddress(country="GB")) == ["city", "line1", "postcode"]
        assert refused_fields(PostalAddress(country="US", line1="1 Main St")) == ["city", "postcode", "region"]

    def test_needs_no_postcode_where_there_are_none(self) -> None:
        address = PostalAddress(country="AE", line1="Corniche Road 1", city="Abu Dhabi", region="Abu Dhabi")

        assert require_complete(normalised(address)) == address

    def test_names_stand_under_the_address_they_belong_to(self) -> None:
        with pytest.raises(AddressInvalid) as refused:
            prefixed("billing", lambda: require_complete(PostalAddress(country="DE", line1="x", city="Berlin")))

        assert [error["field"] for error in refused.value.facts["errors"]] == ["billing.postcode"]  # type: ignore[attr-defined]


class TestPhone:
    @pytest.mark.parametrize(
        ("typed", "country", "kept"),
        [
            ("020 7946 0018", "GB", "+442079460018"),
            ("+44 20 7946 0018", "DE", "+442079460018"),
            ("(212) 555-0123", "US", "+12125550123"),
            ("", "GB", ""),
        ],
    )
    def test_becomes_e164(self, typed: str, country: str, kept: str) -> None:
        assert normalised(PostalAddress(country=country, phone=typed)).phone == kept

    @pytest.mark.parametrize("typed", ["12", "call me", "+44 1", "0" * 40])
    def test_nobody_can_call_is_refused(self, typed: str) -> None:
        with pytest.raises(PhoneInvalid):
            normalised(PostalAddress(country="GB", phone=typed))
