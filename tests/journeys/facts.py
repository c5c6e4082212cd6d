"""What a journey is judged by: the provider's truth, our rows and the invariants. Nothing here counts calls."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from catalog.models import Stock
from core import clock
from core.cause import Cause, system
from ledger.selectors import trial_balance
from orders.models import OrderEvent
from orders.selectors import open_holds
from orders.services import order_transaction
from oversight.models import Case
from oversight.services import actor_name
from payments import services as payments
from payments.models import Operation
from payments.providers.base import ProviderUpdate
from payments.providers.registry import adapter_for, config_of, use_adapter
from payments.providers.stripe import StripeAdapter
from reconciliation.invariants import ALWAYS, find_violations, provider
from sandbox.in_process import SandboxTransport
from tests.shop import Shop

TRUTH_KINDS = ("intent", "charge", "refund", "balance_transaction")


def moves(shop: Shop) -> list[str]:
    """This will return the states the only order went through."""
    return list(OrderEvent.objects.filter(kind="transition").order_by("sequence").values_list("to_state", flat=True))


def taken(shop: Shop) -> list[int]:
    """This will return what the provider took, payment by payment, in the order they were opened."""
    return [intent["amount_received"] for intent in shop.truth("intent")]


def held(shop: Shop) -> list[int]:
    """This will return what the provider holds without having taken it."""
    return [intent["amount_capturable"] for intent in shop.truth("intent")]


def given_back(shop: Shop) -> list[int]:
    """This will return the refunds that arrived or are on their way at the provider."""
    return [row["amount"] for row in shop.truth("refund") if row["status"] in {"pending", "succeeded"}]


def calls(shop: Shop) -> list[dict[str, Any]]:
    """This will return every call of the provider's API, oldest first."""
    answer = shop.sandbox.handle("GET", "http://sandbox.localhost/_control/calls", {}, b"")
    assert isinstance(answer.body, bytes)
    return list(json.loads(answer.body)["calls"])


def charges(shop: Shop) -> int:
    """This will return how many charges succeeded at the provider, released holds included."""
    return sum(row["status"] == "succeeded" for row in shop.truth("charge"))


def shelf(sku: str = "MUG-RED") -> tuple[int, int, int]:
    """This will return available, held and sold units."""
    stock = Stock.objects.get(variant__sku=sku)
    return stock.available, stock.held, stock.committed


def holds(shop: Shop) -> list[str]:
    """This will return the open holds of the only order."""
    return open_holds(shop.order())


def cases() -> list[str]:
    """This will return the types of open cases."""
    return sorted(Case.objects.exclude(status="resolved").values_list("type", flat=True))


def operations(kind: str) -> list[str]:
    """This will return the statuses of all operations of a kind, oldest first."""
    return list(Operation.objects.filter(kind=kind).order_by("id").values_list("status", flat=True))


def fault(shop: Shop, kind: str, operation: str = "*", *, times: int | None = 1, **more: Any) -> None:
    """This will let the provider's next calls of that operation go wrong; `times` None is until it is cleared."""
    shop.sandbox.engine.faults.add({"kind": kind, "operation": operation, "times": times, **more})


def by(user: User) -> Cause:
    """This will return the cause of what somebody does in the console now."""
    return Cause(actor=actor_name(user), source="console", now=clock.now())


def take_back(shop: Shop, *, refunded: int) -> None:
    """This will refund a part in the dashboard and have the bank take the rest back; nobody hears of it yet."""
    reference = shop.truth("intent")[0]["id"]
    unheard(shop, "refunds", payment_intent=reference, amount=refunded)
    unheard(shop, "reversals", payment_intent=reference)


def unheard(shop: Shop, path: str, **content: Any) -> Any:
    """This will make or move something at the provider; what it says of that is not delivered yet."""
    body = json.dumps(content).encode()
    answer = shop.sandbox.handle("POST", f"http://sandbox.localhost/_control/{path}", {}, body)
    assert answer.status < 300, answer.body
    return answer


def control(shop: Shop, path: str, **content: Any) -> Any:
    """This will make or move something at the provider, and let it tell us."""
    answer = unheard(shop, path, **content)
    shop.deliver()
    return answer


def lose_webhooks(shop: Shop) -> None:
    """This will lose every webhook from now on; the provider believes they arrived."""
    shop.sandbox.engine.webhook_faults.add({"kind": "drop"})


def prune_keys(shop: Shop) -> None:
    """This will make the provider forget keys older than a day: they then run again as new."""
    shop.sandbox.handle("POST", "http://sandbox.localhost/_control/prune_keys", {}, b"{}")


def with_wrong_key(shop: Shop) -> None:
    """This will let us call with an API key the provider does not know."""
    config = config_of(shop.account)
    wrong = type(config)(config.account_id, "sk_test_wrong", "", config.api_base, config.is_livemode)
    use_adapter(shop.account, StripeAdapter(wrong, inner=SandboxTransport(shop.sandbox)))


def with_right_key(shop: Shop) -> None:
    """This will let us call with our own API key again."""
    adapter = StripeAdapter(config_of(shop.account), inner=SandboxTransport(shop.sandbox))
    use_adapter(shop.account, adapter)


def wait(shop: Shop, *, rounds: int = 1, **span: float) -> None:
    """This will let time pass and beat sweep, so often."""
    for _ in range(rounds):
        shop.pass_time(**span)
        shop.sweep()


def ask(shop: Shop) -> None:
    """This will ask the provider about every attempt, as a sweep or a member of staff does."""
    for attempt in shop.order().attempts.select_related("account__channel", "order"):
        payments.ask_provider(attempt, cause=system("sweep", now=clock.now()))
    shop.work()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """This will return what was logged as an error: a sweep or worker that crashed on a row and went on."""
    return [
        record.getMessage()
        for when in ("setup", "call")
        for record in caplog.get_records(when)
        if record.levelno >= logging.ERROR
    ]


def voided_though_it_will_pay(shop: Shop) -> None:
    """This will make us believe that the payment is closed while the provider still works on it."""
    attempt = shop.attempt()
    update = adapter_for(shop.account).retrieve(str(attempt.provider_reference))
    closed = replace(update, status="voided", provider_status="canceled", can_still_capture=False)
    learn(shop, closed)


def learn(shop: Shop, update: ProviderUpdate) -> None:
    """This will put an update through the funnel, as a webhook does."""
    with order_transaction("test"):
        payments.apply_update(update, account=shop.account, cause=system("webhook", now=clock.now()))
    shop.work()


def _records(shop: Shop) -> Iterator[dict[str, Any]]:
    for kind in TRUTH_KINDS:
        yield from shop.truth(kind)


def violations(shop: Shop, *, skipping: Sequence[str] = ()) -> list[str]:
    """This will return every broken invariant, ours and against the provider's truth."""
    truth = provider.read_truth(_records(shop), since=clock.now() + timedelta(days=1))
    found = [*find_violations(ALWAYS, now=clock.now()), *provider.differences(truth)]
    return [str(one) for one in found if one.invariant not in skipping]


def assert_sound(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """This will fail unless no error was logged, every invariant holds and the books balance."""
    assert errors(caplog) == []
    assert violations(shop) == []
    rows = trial_balance(legal_entity=shop.channel.legal_entity, is_livemode=False)
    assert sum(row.amount_minor for row in rows) == 0
