"""A webhook event's page: bytes of strangers, shown as text and nothing else."""

import json

import pytest
from django.test import Client

from core.ids import new_public_id
from core.tests.factories import NOW
from support.tests.factories import address_of
from webhooks import services as inbox
from webhooks.models import Delivery, Event
from webhooks.tests.factories import an_event, event_body, make_account

LIST = "/console/webhooks/event/"
pytestmark = pytest.mark.usefixtures("database", "provider_key")


class TestEvents:
    @pytest.mark.pains("C1")
    def test_of_no_use_to_us_are_listed_with_their_reason_and_not_as_processed(self, console: Client) -> None:
        account = make_account()
        unknown = an_event(account, event_body("evt_unknown", type="customer.created"))
        inbox.process(unknown.pk, now=NOW)
        an_event(account, event_body("evt_waiting"))

        listed = {
            status: [row.event_key for row in console.get(LIST, {"status__exact": status}).context["cl"].result_list]
            for status in ("ignored", "processed", "received")
        }

        assert listed == {"ignored": ["evt_unknown"], "processed": [], "received": ["evt_waiting"]}
        assert "customer.created does not concern us" in console.get(address_of(unknown)).content.decode()


class TestEventPage:
    def shown(self, console: Client, body: bytes, headers: dict[str, str] | None = None) -> str:
        account = make_account()
        event = an_event(account, event_body())
        other = Event.objects.create(
            **{
                **Event.objects.filter(pk=event.pk).values().get(), "id": None, "public_id": new_public_id("evt"),
                "event_key": "evt_shown",
            }
        )  # fmt: skip
        Delivery.objects.create(
            account=account, received_at=NOW, headers=headers or {}, body=body, body_sha256="5a",
            event_ids=[other.pk], trace_id="trc_1",
        )  # fmt: skip
        page = console.get(address_of(other))
        assert page.status_code == 200
        return page.content.decode()

    def test_shows_bytes_as_text_that_runs_nowhere(self, console: Client) -> None:
        page = self.shown(console, b'<script>alert(1)</script>\xff\x00\x1b[31m\xe2\x80\xae"</pre><img src=x>')

        assert "&lt;script&gt;alert(1)&lt;/script&gt;\\xff\\x00\\x1b[31m\\u202e&quot;&lt;/pre&gt;&lt;img" in page
        assert "<img src=x" not in page

    def test_cuts_them_at_64_kibibytes(self, console: Client) -> None:
        page = self.shown(console, b"x" * 65536 + b"y" * 10)

        assert "65,546 bytes, of which the first 65,536 are shown" in page
        assert "xxxy" not in page

    @pytest.mark.parametrize("cut", [False, True])
    def test_hides_secrets_in_them(self, console: Client, cut: bool) -> None:
        body = json.dumps({"client_secret": 'pi_1_secret_"sesame', "payment_token": "tok_sesame", "amount": 5}).encode()

        page = self.shown(console, body[: body.index(b"tok_sesame") + 8] if cut else body)

        assert "sesame" not in page
        assert "tok_ses" not in page
        assert "&quot;client_secret&quot;: &quot;hidden&quot;" in page

    def test_shows_the_headers_it_may(self, console: Client) -> None:
        page = self.shown(console, b"{}", {"content-type": "application/json", "stripe-signature": "t=1,v1=abcdef"})

        assert "content-type: application/json" in page
        assert "stripe-signature: hidden" in page
        assert "abcdef" not in page
