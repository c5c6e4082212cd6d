"""What customers see: a word, a sentence and a way on for every combination, and never a wrong promise."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from orders.display import (
    CHOOSE_FOR_REST,
    CHOOSE_HOW_TO_PAY,
    PAY_IF_KEPT_AGAIN,
    REST_FAILED,
    SENTENCES,
    NextAction,
    Phase,
    Shown,
    Situation,
    Word,
    show,
)
from orders.models import OrderState
from orders.models.money import BEFORE_PAYMENT, CANCELLED_STATES, PAID_STATES

ATTEMPTS = (
    "",
    "created",
    "requires_action",
    "awaiting_funds",
    "partially_funded",
    "processing",
    "authorized",
    "partially_captured",
    "captured",
    "failed",
    "voided",
    "expired",
    "reversed",
)
PAYING = {NextAction.PAY, NextAction.CONFIRM, NextAction.RETRY_PAYMENT}


def combinations() -> Iterator[Situation]:
    """This will yield every situation there is."""
    flags = product((False, True), repeat=10)
    for state, attempt, chosen in product(OrderState, ATTEMPTS, list(flags)):
        yield Situation(state, attempt, *chosen)


SHOWN: list[tuple[Situation, Shown]] = [(situation, show(situation)) for situation in combinations()]


def of(*states: OrderState) -> list[tuple[Situation, Shown]]:
    return [(situation, shown) for situation, shown in SHOWN if situation.state in states]


class TestTotality:
    def test_every_combination_has_a_word_a_sentence_and_a_phase(self) -> None:
        assert len(SHOWN) == len(OrderState) * len(ATTEMPTS) * 2**10
        for _, shown in SHOWN:
            assert isinstance(shown.word, Word)
            assert isinstance(shown.phase, Phase)
            others = {CHOOSE_HOW_TO_PAY, PAY_IF_KEPT_AGAIN, REST_FAILED, CHOOSE_FOR_REST}
            assert shown.sentence in {SENTENCES[shown.word], *others}

    def test_every_word_has_a_sentence(self) -> None:
        assert set(SENTENCES) == set(Word)

    def test_who_must_wait_is_told_when_to_ask_again(self) -> None:
        for situation, shown in SHOWN:
            if NextAction.WAIT in shown.next_actions:
                assert shown.poll_after_ms, situation


class TestPromises:
    @pytest.mark.pains("A8")
    def test_nobody_is_asked_to_pay_what_is_paid_ending_held_or_in_doubt(self) -> None:
        for situation, shown in SHOWN:
            is_payable = situation.state in BEFORE_PAYMENT
            is_open = is_payable and not situation.is_cancel_requested and not situation.is_held
            if not is_open or situation.is_outcome_unknown:
                assert not PAYING & set(shown.next_actions), situation

    def test_paid_is_only_said_of_paid_orders(self) -> None:
        for situation, shown in SHOWN:
            if shown.word in {Word.PAID, Word.PREPARING, Word.PARTLY_SHIPPED, Word.DELIVERED}:
                assert situation.state in PAID_STATES

    def test_paid_orders_are_never_shown_as_unpaid(self) -> None:
        unpaid = {Word.PAYMENT_FAILED, Word.ACTION_REQUIRED, Word.PROCESSING, Word.EXPIRED, Word.CANCELLING}
        shown_so = [situation for situation, shown in of(*PAID_STATES) if shown.word in unpaid]
        assert all(situation.is_cancel_requested for situation in shown_so)

    def test_not_charged_is_only_said_when_nothing_is_in_doubt(self) -> None:
        for situation, shown in SHOWN:
            if "have not been charged" in shown.sentence and situation.state != OrderState.EXPIRED:
                assert not situation.is_outcome_unknown, situation

    def test_an_unknown_outcome_is_shown_as_processing(self) -> None:
        for situation, shown in of(OrderState.DRAFT, OrderState.PAYMENT_PENDING, OrderState.PAYMENT_FAILED):
            if situation.is_outcome_unknown and not situation.is_held and not situation.is_cancel_requested:
                assert shown.word is Word.PROCESSING

    def test_a_bank_is_only_named_when_it_asks_something(self) -> None:
        waiting = Situation(state=OrderState.PAYMENT_PENDING, attempt="requires_action")

        assert "bank" not in show(waiting).sentence
        assert "bank" in show(replace(waiting, has_next_action=True)).sentence

    def test_who_has_paid_a_part_is_never_told_that_nothing_was_charged(self) -> None:
        for situation, shown in SHOWN:
            is_asked_to_pay = PAYING & set(shown.next_actions) and situation.state is not OrderState.EXPIRED
            if situation.is_part_paid and is_asked_to_pay:
                assert "charged" not in shown.sentence
                assert "rest" in shown.sentence or shown.word in {Word.ACTION_REQUIRED, Word.WAITING_FOR_CONFIRMATION}

    def test_cancelled_orders_offer_to_order_again(self) -> None:
        for situation, shown in of(*CANCELLED_STATES):
            assert shown.phase is Phase.CANCELLED
            assert shown.next_actions == (NextAction.ORDER_AGAIN,)
            assert shown.word is (Word.REFUND_PENDING if situation.is_give_back_open else Word.CANCELLED)

    def test_a_hold_is_under_review_until_the_order_has_ended(self) -> None:
        ended = {*CANCELLED_STATES, OrderState.CLOSED}
        for situation, shown in SHOWN:
            if situation.is_held and situation.state not in ended:
                assert shown.word is Word.UNDER_REVIEW
                assert shown.next_actions == ()


class TestTable:
    @pytest.mark.parametrize(
        ("situation", "word", "actions"),
        [
            (Situation(OrderState.DRAFT), Word.PREPARING_CHECKOUT, ["wait"]),
            (Situation(OrderState.DRAFT, "created", is_outcome_unknown=True), Word.PROCESSING, ["wait", "cancel"]),
            (Situation(OrderState.PAYMENT_PENDING, "requires_action"), Word.ACTION_REQUIRED, ["pay", "cancel"]),
            (
                Situation(OrderState.PAYMENT_PENDING, "requires_action", has_next_action=True),
                Word.ACTION_REQUIRED,
                ["confirm", "cancel"],
            ),
            (
                Situation(OrderState.PAYMENT_PENDING, "requires_action", has_customer_finished=True),
                Word.WAITING_FOR_CONFIRMATION,
                ["wait"],
            ),
            (Situation(OrderState.PAYMENT_PENDING, "processing"), Word.PROCESSING, ["wait", "cancel"]),
            (Situation(OrderState.PAYMENT_FAILED, "failed"), Word.PAYMENT_FAILED, ["retry_payment", "cancel"]),
            (
                Situation(OrderState.PAYMENT_FAILED, "failed", has_customer_finished=True),
                Word.WAITING_FOR_CONFIRMATION,
                ["wait", "retry_payment", "cancel"],
            ),
            (Situation(OrderState.PAYMENT_AUTHORIZED, "authorized"), Word.UNDER_REVIEW, ["cancel"]),
            (Situation(OrderState.PAYMENT_PENDING, is_cancel_requested=True), Word.CANCELLING, ["wait"]),
            (Situation(OrderState.EXPIRED, "voided"), Word.EXPIRED, ["retry_payment", "order_again"]),
            (Situation(OrderState.EXPIRED, "voided", has_coupon=True), Word.EXPIRED, ["order_again"]),
            (Situation(OrderState.EXPIRED, is_outcome_unknown=True), Word.EXPIRED, ["order_again"]),
            (Situation(OrderState.PAID, "captured"), Word.PAID, []),
            (Situation(OrderState.PAID, "captured", is_held=True), Word.UNDER_REVIEW, []),
            (Situation(OrderState.REFUNDED, "captured"), Word.REFUNDED, []),
            (Situation(OrderState.CLOSED, "captured"), Word.COMPLETED, []),
        ],
    )
    def test_rows(self, situation: Situation, word: Word, actions: list[str]) -> None:
        shown = show(situation)

        assert (shown.word, list(shown.next_actions)) == (word, actions)


class TestALaterTry:
    @pytest.mark.parametrize(
        ("attempt", "word"),
        [("requires_action", "action_required"), ("processing", "processing"), ("failed", "payment_failed")],
    )
    def test_is_what_is_shown_of_an_order_whose_payment_failed(self, attempt: str, word: str) -> None:
        shown = show(Situation(OrderState.PAYMENT_FAILED, attempt=attempt, has_next_action=True))

        assert shown.word == word

    def test_changes_nothing_where_taking_held_funds_failed(self) -> None:
        assert show(Situation(OrderState.CAPTURE_FAILED, attempt="requires_action")).word == "payment_failed"
