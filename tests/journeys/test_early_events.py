"""News that comes too soon: before our own answer, before our own commit, and before there is anything to say."""

from collections.abc import Callable, Iterator

import pytest
from django.core import mail

from core import clock, killpoints
from orders.models import Order, RefusedTransition
from payments.models import Operation, PaymentAttempt
from tests.concurrency.threads import at_once
from tests.journeys.buyers import hold_funds
from tests.journeys.facts import assert_sound, charges, held, moves, shelf, taken
from tests.shop import WIRING, Shop
from webhooks.models import Event

CALL = "call:POST:payment_intents"


@pytest.fixture(autouse=True)
def _sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert_sound(shop, caplog)


def once_at(point: str, act: Callable[[], object]) -> Callable[[str], None]:
    """This will return a hook that acts when `point` is reached for the first time."""
    reached: list[str] = []

    def hook(passed: str) -> None:
        if passed == point and not reached:
            reached.append(point)
            act()

    return hook


def what_became_of_news() -> set[str]:
    """This will return how what the provider told of payments has ended."""
    return set(Event.objects.filter(type__startswith="payment_intent.").values_list("status", flat=True))


@pytest.mark.pains("C7")
class TestBeforeOurOwnAnswer:
    @pytest.mark.parametrize("point", [f"{CALL}:during", f"{CALL}:after", "tx:checkout.start.finish:begin"])
    @pytest.mark.parametrize(
        ("card", "states", "units"),
        [
            ("pm_card_visa", ["draft", "payment_pending", "paid"], (9, 0, 1)),
            ("pm_card_chargeDeclined", ["draft", "payment_pending", "payment_failed"], (9, 1, 0)),
            ("pm_card_authenticationRequired", ["draft", "payment_pending"], (9, 1, 0)),
            ("pm_card_lateSuccess", ["draft", "payment_pending"], (9, 1, 0)),
            ("", ["draft", "payment_pending"], (9, 1, 0)),
        ],
    )
    def test_an_event_finds_its_payment_and_our_answer_finds_nothing_left_to_do(
        self, shop: Shop, card: str, states: list[str], units: tuple[int, int, int], point: str
    ) -> None:
        met: list[tuple[set[str], list[str], int]] = []

        def hear() -> None:
            assert shop.deliver() > 0
            met.append((what_became_of_news(), moves(shop), shop.order().version))

        with killpoints.listen(once_at(point, hear)):
            answer = shop.start(shop.a_cart(), token=card)

        [(statuses, moves_by_then, version_by_then)] = met
        assert (statuses, moves_by_then) == ({"processed"}, states)
        assert (answer.status_code, moves(shop), shop.order().version) == (201, states, version_by_then)
        assert RefusedTransition.objects.count() == 0
        assert (shelf(), sum(taken(shop))) == (units, 1999 if "paid" in states else 0)

    def test_also_where_funds_are_held(self, shop: Shop) -> None:
        with killpoints.listen(once_at(f"{CALL}:during", shop.deliver)):
            hold_funds(shop)

        assert moves(shop) == ["draft", "payment_pending", "payment_authorized"]
        assert (held(shop), what_became_of_news()) == ([1999], {"processed"})

    def test_our_reference_is_there_for_everybody_before_the_provider_is_called(self, shop: Shop) -> None:
        seen: list[list[tuple[str, str, str]]] = []

        def look() -> None:
            rows = Operation.objects.values_list("kind", "status", "attempt__public_id")
            seen.extend(at_once([lambda: list(rows.all())]))

        with killpoints.listen(once_at(f"{CALL}:before", look)):
            shop.start(shop.a_cart(), token="pm_card_visa")

        assert seen == [[("authorize", "sent", PaymentAttempt.objects.get().public_id)]]
        assert [row["metadata"]["attempt_id"] for row in shop.truth()] == [PaymentAttempt.objects.get().public_id]


@pytest.mark.pains("C9")
class TestBeforeThereIsAnythingToSay:
    def test_news_of_a_stranger_s_payment_makes_no_order_no_number_and_no_mail(self, shop: Shop) -> None:
        form = b"amount=500&currency=gbp&payment_method_types[]=card&confirm=true&payment_method=pm_card_lateSuccess"
        headers = {
            "Authorization": f"Bearer {WIRING['STRIPE_SECRET_KEY']}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        assert shop.sandbox.handle("POST", "http://sandbox.localhost/v1/payment_intents", headers, form).status == 200

        assert shop.deliver() >= 2

        assert {"payment_intent.created", "payment_intent.processing"} <= set(
            Event.objects.values_list("type", flat=True)
        )
        assert set(Event.objects.values_list("status", flat=True)) <= {"parked", "ignored"}
        assert (Order.objects.count(), mail.outbox, shelf()) == (0, [], (10, 0, 0))

    @pytest.mark.parametrize("card", ["", "pm_card_authenticationRequired", "pm_card_lateSuccess"])
    def test_news_of_our_own_payment_finishes_nothing_and_the_number_stays_the_order_s(
        self, shop: Shop, card: str
    ) -> None:
        order = shop.start(shop.a_cart(), token=card).json()
        version = shop.order().version

        for _ in range(2):
            shop.deliver()
            Event.objects.update(status="received", next_try_at=clock.now())
            shop.work()

        placed = shop.order()
        assert Event.objects.filter(type="payment_intent.created", status="processed").exists()
        assert (placed.number, placed.version) == (order["order"]["number"], version)
        assert moves(shop) == ["draft", "payment_pending"]
        assert (charges(shop), shelf(), mail.outbox) == (0, (9, 1, 0), [])
