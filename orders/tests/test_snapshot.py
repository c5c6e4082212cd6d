"""The snapshot's hash, against vectors computed elsewhere, and what goes into it."""

import hashlib

import pytest

from orders.snapshot import SnapshotContext, build_snapshot, hash_snapshot
from orders.tests.factories import a_snapshot

# SHA-256 over RFC 8785 text written out by hand, so that a change of library or of our code is seen.
GOLDEN = "v1:3f7111874ba509e1df48fdc284a2fff5110bae44f19ef17c4a49ed255351700f"
VECTORS = [
    ({}, "{}"),
    ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
    ({"a": [1, True, None, "x"], "": 0}, '{"":0,"a":[1,true,null,"x"]}'),
    ({"price": 1999, "name": "Café – 5 €"}, '{"name":"Café – 5 €","price":1999}'),
    ({"é": 1, "e": 2, "z": 3, "€": 4, "😀": 5, "ﬀ": 6}, '{"e":2,"z":3,"é":1,"€":4,"😀":5,"ﬀ":6}'),
    ({"control": '\u0000\b\t\n\f\r"\\\u001f/'}, '{"control":"\\u0000\\b\\t\\n\\f\\r\\"\\\\\\u001f/"}'),
    ({"n": [0, -0.0, 1.0, 1e21, 1e-7, 0.1, 333333333.33333329]}, '{"n":[0,0,1,1e+21,1e-7,0.1,333333333.3333333]}'),
]


class TestHash:
    @pytest.mark.parametrize(("snapshot", "text"), VECTORS, ids=range(len(VECTORS)))
    def test_is_sha_256_over_canonical_json(self, snapshot: dict[str, object], text: str) -> None:
        assert hash_snapshot(snapshot) == "v1:" + hashlib.sha256(text.encode()).hexdigest()

    def test_golden_values(self) -> None:
        assert hash_snapshot({}) == "v1:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        assert hash_snapshot(a_snapshot()) == GOLDEN

    def test_depends_on_every_figure(self) -> None:
        assert hash_snapshot(a_snapshot(total_minor=2001)) != hash_snapshot(a_snapshot())


class TestBuild:
    def test_holds_what_receipts_refunds_and_tax_need_and_no_person(self) -> None:
        context = SnapshotContext(
            country="GB",
            country_label="United Kingdom",
            postcode_prefix="SW1",
            locale="en-GB",
            terms_version="2026-11",
            contact_digest="d" * 64,
        )

        built = build_snapshot(a_snapshot(discounts=[]), context)

        assert built["provider_amount"] == {"amount_minor": 2000, "currency": "GBP"}
        assert (built["schema_version"], built["terms_version"], built["country_label"]) == (
            2,
            "2026-11",
            "United Kingdom",
        )
        assert {"coupon_code", "promotions", "buyer_tax_id", "address_basis", "region"} <= set(built)
        assert not {"email", "name", "phone", "address", "contact"} & set(built)
