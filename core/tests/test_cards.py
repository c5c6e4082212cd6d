"""What passes for a card number, and what only looks like one."""

import pytest

from core.cards import holds_card_number, places_of_card_numbers


class TestRecognises:
    @pytest.mark.parametrize(
        "text",
        [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "4242.4242.4242.4242",
            "4242_4242_4242_4242",
            "4242\u00a04242\u20074242\u202f4242",
            "4242\u20134242\u20134242\u20134242",
            "４２４２４２４２４２４２４２４２",
            "my card is 4000-0027-6000-3184.",
            "order 12 4242 4242 4242 4242 12/30",
            "card4242424242424242",
            "pm_4242424242424242",
            "4242424242424242@example.com",
            "+4242424242424242",
            "378282246310005",
            "3782 822463 10005",
            "30569309025904",
            "4222222222222",
            "6011000990139424",
            "3530111333300000",
            "2223003122003222",
            "5555555555554444",
            "6362970000457013",
            "6205500000000000004",
        ],
    )
    def test_a_card_number(self, text: str) -> None:
        assert holds_card_number(text)


class TestLetsPass:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Order 1234567890123456",
            "4242424242424241",
            "4242 4242 4242",
            "1764028800007",  # milliseconds
            "GA1.1.412345678.1764028800",
            "4006381333931",  # a barcode
            "+4915123456789",
            "+44 7911 123456",
            "0000000000000000",
            "5555555555555555555",
            "prod_4E6YHZ3W00",
            "cart_7W4H2C1D3E4F5G6H7J8K9M0N1P",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        assert not holds_card_number(text)


class TestPlaces:
    def test_are_named_without_repeating_the_number(self) -> None:
        body = {
            "contact": {"name": "4242 4242 4242 4242", "4242424242424242": "x"},
            "lines": [{"note": 4242424242424242}, {"sku": "4242424242424242"}],
            "browser": {"sku": "4242424242424242"},
            "amount": 4242424242424242.0,
            "is_gift": True,
            "nothing": None,
        }

        assert sorted(places_of_card_numbers(body)) == [
            "amount",
            "browser.sku",
            "contact",
            "contact.name",
            "lines[0].note",
        ]
