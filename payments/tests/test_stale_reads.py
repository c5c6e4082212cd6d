"""An answer that was overtaken on its way to us changes nothing that is known better; finality is believed always."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from core import clock
from payments.providers.base import ProviderUpdate, UpdateStatus
from payments.providers.registry import adapter_for
from tests.journeys.buyers import answer_bank, cancel, hold_funds
from tests.journeys.facts import charges, fault, held, learn, lose_webhooks, moves, operations, taken, violations
from tests.shop import Shop

HALF = timedelta(milliseconds=500)


@pytest.fixture(autouse=True)
def _sound(shop: Shop) -> Iterator[None]:
    lose_webhooks(shop)
    yield
    assert violations(shop) == []


def look(shop: Shop) -> ProviderUpdate:
    """This will ask the provider and keep the answer for later, as a slow worker does; then time passes."""
    update = adapter_for(shop.account).retrieve(str(shop.attempt().provider_reference))
    shop.pass_time(seconds=1)
    return update


def claimed(update: ProviderUpdate, status: UpdateStatus, **more: object) -> ProviderUpdate:
    """This will return the update with another status."""
    return replace(update, status=status, authorized_minor=0, **more)  # type: ignore[arg-type]


def held_after_a_challenge(shop: Shop) -> tuple[ProviderUpdate, ProviderUpdate]:
    """This will let funds be held at the second try; returns what was seen of the challenge and of its failure."""
    order = hold_funds(shop, card="pm_card_authenticationRequired")
    challenged = look(shop)
    answer_bank(shop, order, result="fail")
    failed = look(shop)
    shop.confirm(order)
    learn(shop, look(shop))
    assert shop.order().state == "payment_authorized"
    return challenged, failed


class TestOvertaken:
    @pytest.mark.parametrize("which", [0, 1], ids=["challenged", "failed"])
    def test_a_read_from_before_the_authorization_moves_nothing_back(self, shop: Shop, which: int) -> None:
        stale = held_after_a_challenge(shop)[which]

        learn(shop, stale)

        attempt = shop.attempt()
        assert (attempt.status, attempt.authorized_minor, attempt.failure_code) == ("authorized", 1999, "")
        assert shop.order().state == "payment_authorized"
        assert "payment_failed" not in moves(shop)
        assert held(shop) == [1999]

    @pytest.mark.parametrize("status", ["failed", "processing", "requires_action"])
    def test_nor_does_one_whose_question_overlapped(self, shop: Shop, status: UpdateStatus) -> None:
        hold_funds(shop)
        known = look(shop)
        learn(shop, replace(known, answered_at=known.answered_at + 2 * HALF))

        learn(shop, claimed(known, status, observed_at=known.answered_at + HALF, answered_at=clock.now()))

        assert (shop.attempt().status, shop.order().state) == ("authorized", "payment_authorized")

    def test_a_read_from_before_the_closing_does_not_reopen_the_payment(self, shop: Shop) -> None:
        order = hold_funds(shop)
        stale = look(shop)
        cancel(shop, order)
        shop.work()
        assert shop.order().state == "cancelled"

        learn(shop, stale)

        attempt = shop.attempt()
        assert (attempt.status, attempt.is_dead, attempt.authorized_minor) == ("voided", True, 0)
        assert operations("void") == ["succeeded"]

    def test_an_older_hold_does_not_undo_a_withdrawal(self, shop: Shop) -> None:
        hold_funds(shop)
        stale = look(shop)
        learn(shop, claimed(look(shop), "failed"))
        assert shop.order().state == "payment_failed"

        learn(shop, stale)

        assert (shop.attempt().status, shop.order().state) == ("failed", "payment_failed")

    def test_the_saved_answer_to_a_repeated_key_is_as_old_as_its_first_call(self, shop: Shop) -> None:
        fault(shop, "timeout_after", "payment_intents.create")
        # The replay's answer is the challenge Stripe saved with the key; by then the hold is known.
        order = hold_funds(shop, card="pm_card_authenticationRequired")
        attempt = shop.attempt()
        first_call = attempt.created_at

        assert order["status"] == "action_required"
        assert attempt.answered_at is not None
        assert attempt.observed_at == first_call < attempt.answered_at


class TestStillLearned:
    def test_a_withdrawal_asked_for_later_is_believed(self, shop: Shop) -> None:
        hold_funds(shop)

        shop.pass_time(seconds=1)
        learn(shop, claimed(look(shop), "failed"))

        assert (shop.attempt().status, shop.order().state) == ("failed", "payment_failed")

    def test_the_end_is_believed_however_old_the_question(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        shop.confirm(order)
        captured = look(shop)
        learn(shop, claimed(look(shop), "processing", captured_minor=0))
        assert shop.attempt().status == "processing"

        learn(shop, captured)

        assert (shop.attempt().status, shop.attempt().captured_minor) == ("captured", 1999)
        assert (taken(shop), charges(shop)) == ([1999], 1)

    def test_a_challenge_is_not_hidden_by_an_overlapping_look_from_before_it(self, shop: Shop) -> None:
        order = shop.start(shop.a_cart()).json()
        before = adapter_for(shop.account).retrieve(str(shop.attempt().provider_reference))
        shop.confirm(order, card="pm_card_authenticationRequired")
        learn(shop, adapter_for(shop.account).retrieve(before.provider_reference))
        assert shop.attempt().next_action is not None

        learn(shop, before)

        assert shop.attempt().next_action is not None

    def test_without_bounds_the_machine_alone_decides(self, shop: Shop) -> None:
        hold_funds(shop)
        attempt = shop.attempt()
        type(attempt).objects.filter(pk=attempt.pk).update(observed_at=None, answered_at=None)

        learn(shop, claimed(look(shop), "failed"))

        assert shop.attempt().status == "failed"
