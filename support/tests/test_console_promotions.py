"""The console's lists of promotions, their codes and their uses."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import services
from catalog.models import Coupon
from catalog.pricing.coupons import Buyer
from catalog.services import Figures
from catalog.tests.factories import a_coupon
from core.db import transaction
from core.models import SalesChannel
from core.tests.factories import NOW, a_channel
from support.tests.factories import address_of

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.pains("K2")]

LISTS = [f"/console/catalog/{name}/" for name in ("promotion", "coupon", "couponuse")]


def text_of(answer: Any) -> str:
    """The page as it is read: tags and runs of blanks left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode().partition('id="content"')[2]))


def a_used_coupon(channel: SalesChannel, number: int) -> Coupon:
    """A code with limits, held by one order."""
    figures = {"GBP": Figures(minimum_minor=2000)}
    coupon = a_coupon(channel, f"CODE{number:02}", figures=figures, uses_max=1000, uses_per_customer_max=1)
    buyer = Buyer(contact_digest=f"someone-{number}")
    with transaction("test"):
        services.redeem(owner_id=f"ord_{number}", coupon_ids=[coupon.pk], buyer=buyer, channel=channel, now=NOW)
    return coupon


class TestLists:
    def test_cost_the_same_with_one_row_and_with_thirty(self, console: Client) -> None:
        channel = a_channel()

        def costs() -> dict[str, int]:
            counted = {}
            for address in LISTS:
                with CaptureQueriesContext(connection) as queries:
                    assert console.get(address).status_code == 200, address
                counted[address] = len(queries)
            return counted

        a_used_coupon(channel, 0)
        few = costs()
        for number in range(1, 30):
            a_used_coupon(channel, number)

        assert costs() == few

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("promotion", "Promotion CODE00 Percent 10 % from £20.00 1 1,000 in all, 1 per customer"),
            ("coupon", "CODE00 Promotion CODE00 everybody as its promotion"),
            ("couponuse", "CODE00 Promotion CODE00 ord_0"),
        ],
    )
    def test_say_what_counts(self, console: Client, name: str, shown: str) -> None:
        a_used_coupon(a_channel(), 0)

        page = console.get(f"/console/catalog/{name}/")

        assert shown in text_of(page)
        (row, *_) = page.context["cl"].result_list
        assert console.get(address_of(row)).status_code == 200
