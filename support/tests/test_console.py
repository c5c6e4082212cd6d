"""The console's lists and pages: what they show, what they never show, and what they cost."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import Picture, ProductText, Stock
from core.cause import system
from core.db import transaction
from core.tests.factories import NOW
from ledger.models import Posting
from ledger.services import post_sale
from ledger.tests.factories import a_sale
from orders.models import Hold, HoldReason, Order, RefusedTransition
from orders.tests.factories import an_order, an_order_in
from payments.models import Operation, PaymentAttempt
from payments.services import NewAttempt, open_attempt
from support.admin import site
from support.admin.console import ExactlySearched, ReadOnlyAdmin
from support.admin.pages import PAGES_MAX
from support.tests.factories import address_of
from webhooks import services as inbox
from webhooks.models import Delivery, Event
from webhooks.tests.factories import an_event, an_open_payment, event_body, make_account, paid_intent

pytestmark = [pytest.mark.usefixtures("database", "provider_key"), pytest.mark.pains("K2")]

QUERIES_MAX = 12
LISTS = {
    f"/console/{model._meta.app_label}/{model._meta.model_name}/": model_admin
    for model, model_admin in site._registry.items()
}


def text_of(answer: Any) -> str:
    """The page as it is read: tags and runs of blanks left out."""
    main = answer.content.decode().partition('id="content"')[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main))


def a_filled_shop(count: int) -> None:
    """Orders with an attempt and an operation each, held every other time, events delivered twice, postings."""
    account = make_account()
    for index in range(count):
        order = an_order(account.channel)
        with transaction("test"):
            open_attempt(order, NewAttempt(account=account, method="card"), cause=system("checkout", now=NOW))
        body = event_body(f"evt_{index}", about={"id": f"pi_{index}", "object": "payment_intent"})
        event = an_event(account, body)
        Delivery.objects.create(
            account=account, received_at=NOW, headers={}, body_sha256="", event_ids=[event.pk], trace_id="trc_1"
        )
        if index % 2:
            Hold.objects.create(order=order, reason=HoldReason.MANUAL, opened_by="staff:usr_1", opened_at=NOW)
        with transaction("test"):
            post_sale(a_sale(account.channel, order_public_id=order.public_id), cause=system("checkout", now=NOW))


class TestLists:
    def test_cost_the_same_with_no_row_and_with_thirty(self, console: Client) -> None:
        def costs() -> dict[str, int]:
            counted = {}
            for address in LISTS:
                with CaptureQueriesContext(connection) as queries:
                    assert console.get(address).status_code == 200, address
                counted[address] = len(queries)
            return counted

        empty = costs()
        a_filled_shop(30)

        assert costs() == empty
        assert max(empty.values()) <= QUERIES_MAX

    def test_never_count_a_table(self, console: Client) -> None:
        a_filled_shop(2)

        with CaptureQueriesContext(connection) as queries:
            for address in LISTS:
                console.get(address)
                console.get(address, {"q": "S-1"})

        whole = re.compile(r"^SELECT COUNT\(\*\)", re.IGNORECASE)
        assert [query["sql"] for query in queries if whole.search(query["sql"])] == []

    def test_counts_deliveries(self, console: Client) -> None:
        a_filled_shop(1)

        rows = console.get("/console/webhooks/event/").context["cl"].result_list

        assert [row.deliveries_count for row in rows] == [2]

    def test_go_on_for_as_many_pages_as_there_are(self, console: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(LISTS["/console/orders/order/"], "list_per_page", 2)
        for _ in range(5):
            an_order()

        pages = [text_of(console.get("/console/orders/order/", {"p": page})) for page in (1, 2, 3)]

        assert "Rows 1 to 2; there are more" in pages[0]
        assert "Rows 3 to 4; there are more" in pages[1]
        assert "Row 5 " in pages[2]

    @pytest.mark.parametrize("page", ["0", "-1", str(PAGES_MAX + 1), "9" * 30, "x"])
    def test_a_page_that_is_none_leads_to_one_that_is(self, console: Client, page: str) -> None:
        assert console.get("/console/orders/order/", {"p": page}).status_code in {200, 302}

    @pytest.mark.pains("K3")
    def test_every_admin_reads_its_relations_at_once_and_offers_no_choice_of_rows(self) -> None:
        for address, model_admin in LISTS.items():
            shown = {
                field.name for field in model_admin.model._meta.get_fields() if isinstance(field, models.ForeignKey)
            }
            joined = {path.partition("__")[0] for path in _paths(model_admin)}
            assert shown & set(model_admin.list_display) <= joined, address
            assert isinstance(model_admin, ReadOnlyAdmin), address
            assert list(model_admin.inlines) == [], address
            assert not shown & {name for name in model_admin.list_filter if isinstance(name, str)}, address


def _paths(model_admin: Any) -> tuple[str, ...]:
    return tuple(model_admin.list_select_related or ())


class TestNothingIsEdited:
    @pytest.mark.pains("J5")
    def test_not_by_a_superuser_with_a_form_of_their_own(self, console: Client, staff: User) -> None:
        assert staff.is_superuser
        a_filled_shop(1)
        rows: list[models.Model] = [
            Order.objects.get(), PaymentAttempt.objects.get(), Operation.objects.get(), Event.objects.get(),
            Posting.objects.get(), Stock.objects.get(),
        ]  # fmt: skip
        before = [type(row).objects.filter(pk=row.pk).values().get() for row in rows]  # type: ignore[attr-defined]

        for row in rows:
            forged = {"state": "paid", "status": "succeeded", "total_minor": 1, "amount_minor": 1, "held": 0}
            page = console.get(address_of(row))
            assert console.post(address_of(row), forged).status_code == 403
            assert console.post(address_of(row).replace("change", "delete"), {"post": "yes"}).status_code == 403
            assert console.post(address_of(row).replace(f"{row.pk}/change", "add"), forged).status_code == 403
            inputs = re.findall(r"<(?:input|select|textarea)[^>]*>", page.content.decode())
            assert [each for each in inputs if "csrfmiddlewaretoken" not in each] == []

        assert [type(row).objects.filter(pk=row.pk).values().get() for row in rows] == before  # type: ignore[attr-defined]

    def test_no_admin_may_add_change_or_delete(self) -> None:
        for model_admin in LISTS.values():
            overriding = [
                name for name in ("has_add_permission", "has_change_permission", "has_delete_permission")
                if getattr(type(model_admin), name) is not getattr(ReadOnlyAdmin, name)
            ]  # fmt: skip
            assert overriding == []
            assert model_admin.actions is None


class TestOrders:
    def names_of(self, order: Order) -> dict[str, str]:
        attempt = order.attempts.get()
        PaymentAttempt.objects.filter(pk=attempt.pk).update(provider_reference="pi_found")
        Operation.objects.filter(attempt=attempt).update(provider_reference="ch_found")
        return {
            "number": order.number, "public id": order.public_id, "cart": order.cart_id, "payment": "pi_found",
            "operation": "ch_found",
        }  # fmt: skip

    def test_are_found_by_each_of_their_names_and_by_no_part_of_one(self, console: Client) -> None:
        order = an_open_payment(make_account()).order
        an_order(order.channel)

        for kind, name in self.names_of(order).items():
            found = console.get("/console/orders/order/", {"q": f" {name} "})
            assert [row.pk for row in found.context["cl"].result_list] == [order.pk], kind
            assert len(console.get("/console/orders/order/", {"q": name[:-1]}).context["cl"].result_list) == 0, kind

    def test_are_listed_with_their_state_in_words_total_and_holds(self, console: Client) -> None:
        order = an_order_in("payment_pending")
        Hold.objects.create(order=order, reason=HoldReason.RISK_REVIEW, opened_by="system:risk", opened_at=NOW)
        Hold.objects.create(
            order=order, reason=HoldReason.MANUAL, opened_by="staff:1", opened_at=NOW, released_by="staff:2",
            released_at=NOW,
        )  # fmt: skip

        page = console.get("/console/orders/order/")

        html = page.content.decode()
        assert '<span class="state state-wait"><span aria-hidden="true">●</span> Payment pending</span>' in html
        assert '<span class="amount">£20.00</span>' in html
        assert "Risk review" in text_of(page)
        assert "21 Nov 2026, 12:00" in text_of(page)
        assert page.context["cl"].result_list[0].hold_reasons == ["risk_review"]

    def test_are_filtered_by_state_and_hold(self, console: Client) -> None:
        held, free = an_order(), an_order_in("payment_failed")
        Hold.objects.create(order=held, reason=HoldReason.MANUAL, opened_by="staff:1", opened_at=NOW)

        def rows(**filters: str) -> list[int]:
            return [row.pk for row in console.get("/console/orders/order/", filters).context["cl"].result_list]

        assert rows(held="yes") == [held.pk]
        assert rows(held="no") == rows(state__exact="payment_failed") == [free.pk]


class TestOrderPage:
    def test_says_first_how_the_order_stands(self, console: Client) -> None:
        order = an_order_in(
            "paid", due_minor=2000, captured_minor=2500, excess_minor=500, excess_returned_minor=100, paid_at=NOW
        )
        Hold.objects.create(order=order, reason=HoldReason.STOCK_REVIEW, opened_by="system:1", opened_at=NOW)

        page = text_of(console.get(address_of(order)))

        assert (
            f"✓ Paid Order {order.number} is paid: £20.00 was taken. £4.00 more was taken than is due and is owed back."
            " £1.00 beyond what is due has gone back. It is held (stock review)"
        ) in page
        assert page.index("is paid: £20.00") < page.index("Money") < page.index("What happened")

    def test_shows_lines_timeline_attempt_books_units_events_and_refusals(self, console: Client) -> None:
        account = make_account()
        attempt = an_open_payment(account)
        order = attempt.order
        event = an_event(account, event_body(about=paid_intent(attempt)))
        inbox.process(event.pk, now=NOW + timedelta(seconds=5))
        RefusedTransition.objects.create(
            order_public_id=order.public_id, from_state="paid", transition="expired", detail="It is paid.",
            actor="system:sweep", trace_id="trc_1", recorded_at=NOW,
        )  # fmt: skip

        page = text_of(console.get(address_of(order)))

        order.refresh_from_db()
        assert order.state == "paid"
        for evidence in (
            "is paid: £19.99 was taken", "Mug · Red", "Order placed", "Provider payment succeeded", "✓ Paid",
            attempt.public_id, "Authorize", "asset:clearing:stripe:main", "Sale", "Committed",
            "payment_intent.succeeded", "evt_1", "It is paid.",
        ):  # fmt: skip
            assert evidence in page, evidence
        assert page.index("Order placed") < page.index("Provider payment succeeded")
        assert "system:webhook · stripe · evt_1" in page

    def test_masks_the_contact(self, console: Client) -> None:
        page = console.get(address_of(an_order())).content.decode()

        assert "a•••@example.com" in page
        assert "••• 018" in page
        assert "ada@example.com" not in page.lower()
        assert "7946" not in page

    def test_costs_the_same_however_much_happened(self, console: Client) -> None:
        account = make_account()
        busy = an_open_payment(account).order
        bare = an_order(account.channel)
        for index in range(30):
            RefusedTransition.objects.create(
                order_public_id=busy.public_id, from_state="draft", transition=f"t{index}", detail="No.",
                actor="system:test", trace_id="trc_1", recorded_at=NOW,
            )  # fmt: skip
            event = an_event(account, event_body(f"evt_{index}"))
            Event.objects.filter(pk=event.pk).update(order_public_id=busy.public_id)

        counted = []
        for order in (bare, busy):
            with CaptureQueriesContext(connection) as queries:
                assert console.get(address_of(order)).status_code == 200
            counted.append(len(queries))

        assert counted[0] == counted[1] < 35

    def test_escapes_what_customers_wrote(self, console: Client) -> None:
        order = an_order()
        Order.objects.filter(pk=order.pk).update(cancel_requested_at=NOW, cancel_requested_by="customer:<b>1",
                                                 cancel_reason="<script>alert(1)</script>")  # fmt: skip

        page = console.get(address_of(order))

        assert "<script>alert" not in page.content.decode()
        assert "&lt;script&gt;alert(1)" in page.content.decode()
        assert "unsafe" not in page.headers["Content-Security-Policy"]


class TestFirstPage:
    def test_begins_with_what_needs_a_person_and_orders(self, console: Client) -> None:
        page = text_of(console.get("/console/"))

        places = [page.index(words) for words in ("For people to decide", "Cases", "Orders and their money", "Coupons")]
        assert places == sorted(places)

    def test_filters_are_written_as_the_lists_are(self, console: Client) -> None:
        an_order()

        page = text_of(console.get("/console/orders/order/"))

        assert "Payment pending" in page
        assert "Payment Pending" not in page


class TestOtherPages:
    def test_an_attempt_keeps_its_client_secret_to_itself(self, console: Client) -> None:
        attempt = an_open_payment(make_account())
        PaymentAttempt.objects.filter(pk=attempt.pk).update(
            client_secret="pi_1_secret_sesame", next_action={"url": "https://bank.example/sesame"}
        )

        pages = [console.get(address_of(row)).content.decode() for row in (attempt, attempt.order)]

        assert not any("sesame" in page for page in pages)

    def test_an_operation_hides_what_was_sent_and_secrets_in_the_answer(self, console: Client) -> None:
        operation = an_open_payment(make_account()).operations.get()
        Operation.objects.filter(pk=operation.pk).update(answer={"id": "pi_1", "deep": [{"client_secret": "sesame"}]})

        page = console.get(address_of(operation)).content.decode()

        assert "pi_1" in page
        assert "sesame" not in page

    def test_a_posting_shows_both_sides(self, console: Client) -> None:
        account = make_account()
        attempt = an_open_payment(account)
        inbox.process(an_event(account, event_body(about=paid_intent(attempt))).pk, now=NOW)

        page = text_of(console.get(address_of(Posting.objects.get(event="sale"))))

        assert "asset:receivable:customer £19.99" in page
        assert "income:sales" in page

    def test_stock_shows_available_held_and_committed(self, console: Client) -> None:
        an_open_payment(make_account())

        page = console.get("/console/catalog/stock/").content.decode()

        cells = {name: re.findall(rf'field-{name}_units"><span class="amount">(\d+)', page) for name in
                 ("available", "held", "committed")}  # fmt: skip
        assert cells == {"available": ["9"], "held": ["1"], "committed": ["0"]}

    def test_an_article_shows_its_pictures_and_its_other_names(self, console: Client) -> None:
        an_open_payment(make_account())
        stock = Stock.objects.select_related("variant__product").get()
        product = stock.variant.product
        Picture.objects.create(
            product=product, position=1, path="demo/lark-mug.svg", width=400, height=500, alt="A mug"
        )
        ProductText.objects.create(product=product, locale="de", name="Becher")

        page = console.get(address_of(stock)).content.decode()

        assert '<img src="/static/demo/lark-mug.svg" alt="A mug" width="96" height="120">' in page
        assert "de: Becher" in page

    def test_every_exact_search_is_served_by_lookups(self, console: Client) -> None:
        a_filled_shop(1)
        terms: dict[str, Callable[[], str]] = {
            "/console/payments/paymentattempt/": lambda: Order.objects.get().number,
            "/console/payments/operation/": lambda: Order.objects.get().public_id,
            "/console/webhooks/event/": lambda: "evt_0",
            "/console/ledger/posting/": lambda: Order.objects.get().public_id,
            "/console/orders/orderevent/": lambda: Order.objects.get().number,
        }

        searched = {address for address, admin in LISTS.items() if isinstance(admin, ExactlySearched)}
        assert searched - {"/console/orders/order/"} == set(terms)
        for address, term in terms.items():
            assert len(console.get(address, {"q": term()}).context["cl"].result_list) == 1, address
            assert len(console.get(address, {"q": "nothing"}).context["cl"].result_list) == 0, address
