"""Closed periods in the console, and postings that came late or take others back."""

from datetime import timedelta

import pytest
from django.test import Client

from ledger import services
from ledger.models import Period
from ledger.tests.factories import (
    NOON,
    TWO_DAYS_LATER,
    a_cause,
    a_channel,
    a_movement,
    a_sale,
    an_account,
    close,
    posted,
)
from support.tests.factories import address_of
from support.tests.test_console import text_of

pytestmark = pytest.mark.usefixtures("database")


class TestClosedPeriods:
    def test_show_what_each_account_came_to(self, console: Client) -> None:
        posted(services.post_sale, a_sale(an_account(a_channel()).channel))
        period = close()

        listed = text_of(console.get("/console/ledger/period/"))
        page = text_of(console.get(address_of(period)))

        assert "2026-06-15" in listed
        assert "asset:receivable:customer test £12.00 £0.00 £12.00" in page
        assert period.totals_sha256 in page

    def test_are_closed_elsewhere(self, console: Client) -> None:
        a_channel()
        close()

        assert console.post(address_of(Period.objects.get()), {"closed_by": "me"}).status_code == 403


class TestPostings:
    def test_say_that_they_came_late_and_what_they_take_back(self, console: Client) -> None:
        account = an_account(a_channel())
        wrong = posted(services.post_capture, a_movement(account))
        close()
        late = posted(
            services.post_capture,
            a_movement(account, source_id="op_2"),
            cause=a_cause(now=TWO_DAYS_LATER, occurred_at=NOON),
        )
        reversal = posted(
            services.reverse, wrong.public_id, reason="twice", cause=a_cause(now=NOON + timedelta(days=3))
        )

        page = text_of(console.get(address_of(late)))
        assert "Late for: 15 Jun 2026" in page
        assert wrong.public_id in text_of(console.get(address_of(reversal)))
        found = console.get("/console/ledger/posting/", {"q": wrong.public_id}).context["cl"].result_list
        assert {posting.public_id for posting in found} == {wrong.public_id, reversal.public_id}
