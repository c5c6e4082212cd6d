"""One piece of news told many times at the same moment: at the door, to the workers, and under other names."""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from core import clock
from ledger.models import Posting
from orders.models import OrderEvent, RefusedTransition
from sandbox.dialects.stripe.signing import signature_header
from sandbox.engine.deliveries import OutgoingDelivery
from tests.concurrency.threads import at_once
from tests.journeys.facts import charges, given_back, moves, shelf, taken
from tests.shop import Shop
from webhooks import selectors, services
from webhooks.models import Event

pytestmark = [pytest.mark.pains("C2"), pytest.mark.usefixtures("sound")]

TIMES = 10


@pytest.fixture(autouse=True)
def _refused_by_nobody(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert "IntegrityError" not in caplog.text


def news_of_success(shop: Shop) -> OutgoingDelivery:
    """This will let a customer pay and return what the provider is about to tell of it, signed."""
    assert shop.confirm(shop.start(shop.a_cart()).json()) == 200
    due = shop.sandbox.engine.due_deliveries(clock.now().timestamp(), limit=1000)
    return next(one for one in due if json.loads(one.body)["type"] == "payment_intent.succeeded")


def arrive(shop: Shop, news: OutgoingDelivery) -> int:
    """This will deliver, and process at once what has been stored by then. Returns how the door answered."""
    answer = shop.post_delivery(news.headers, news.body)
    for event_id in Event.objects.values_list("pk", flat=True):
        services.process(event_id, now=clock.now())
    return int(answer.status_code)


def effects(shop: Shop) -> tuple[object, ...]:
    """This will return what must be there once."""
    order = shop.order()
    money = (order.captured_minor, order.excess_minor, order.returned_minor, taken(shop), charges(shop))
    return moves(shop), money, given_back(shop), shelf(), Posting.objects.count(), OrderEvent.objects.count()


class TestOneEvent:
    def test_ten_times_at_once_and_ten_times_later_is_taken_each_time_and_has_one_effect(self, shop: Shop) -> None:
        news = news_of_success(shop)

        first = at_once([partial(arrive, shop, news)] * TIMES)
        shop.work()
        once = effects(shop)
        later = at_once([partial(arrive, shop, news)] * TIMES)

        assert first + later == [200] * 2 * TIMES
        assert once[:4] == (["draft", "payment_pending", "paid"], (1999, 0, 0, [1999], 1), [], (9, 0, 1))
        assert effects(shop) == once
        event = Event.objects.get()
        assert (event.status, selectors.count_deliveries(event.pk)) == ("processed", 2 * TIMES)
        assert RefusedTransition.objects.count() == 0


class TestManyEvents:
    def test_that_tell_the_same_total_at_once_set_it_and_add_nothing(self, shop: Shop) -> None:
        told = json.loads(news_of_success(shop).body)
        others = [self.as_another(told, number=number) for number in range(TIMES)]

        answers = at_once([partial(arrive, shop, other) for other in others])
        shop.work()

        assert answers == [200] * TIMES
        assert list(Event.objects.values_list("status", flat=True)) == ["processed"] * TIMES
        assert effects(shop)[:4] == (["draft", "payment_pending", "paid"], (1999, 0, 0, [1999], 1), [], (9, 0, 1))
        assert Posting.objects.filter(event="sale").count() == 1

    def as_another(self, told: dict[str, object], *, number: int) -> OutgoingDelivery:
        """This will tell the same under a name of its own, signed."""
        body = json.dumps({**told, "id": f"evt_again_{number}"}).encode()
        signature = signature_header(body, secrets=("whsec_sandbox",), signed_at=int(clock.now().timestamp()))
        return OutgoingDelivery(id="", url="", headers={"stripe-signature": signature}, body=body)
