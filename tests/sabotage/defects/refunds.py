"""Mistakes about money that goes back: refunds, disputes, and what the books say of them."""

from tests.journeys.test_foreign_money import TestKronur
from tests.sabotage.planting import Defect, Edit, Lost

REFUNDS = {"refund_by_rule": 4, "start": 2, "confirm": 2}
FUNNEL = "payments.services.funnel"
PLAN, REQUEST = "payments.services.refunding.plan", "payments.services.refunding.request"

DEFECTS = (
    Defect(
        "refund key per click",
        "Who clicks again asks for another refund: nobody compares what they saw with what there is.",
        (
            Edit(
                f"{PLAN}._require_refundable",
                "    if wish.last_known_refund_id != newest:\n"
                "        raise RefundsChanged(order_id=order.public_id, last_refund_id=newest)\n",
                "",
            ),
        ),
        more={
            "refund_by_rule": 10,
            "refund_as_staff": 4,
            "fill_cart": 3,
            "start": 3,
            "confirm": 3,
            "charge_twice": 0,
        },
        mood="even",
    ),
    Defect(
        "row deleted on time-out",
        "A try to pay without an answer is thrown away, and no trigger forbids it.",
        (
            Edit(
                "payments.services.operations.record_answer",
                "    order = lock_order(operation.order.public_id)\n",
                "    order = lock_order(operation.order.public_id)\n"
                '    if answer.ending == "unknown" and operation.kind == OperationKind.AUTHORIZE:\n'
                "        attempt_id = operation.attempt_id\n"
                "        Operation.objects.filter(attempt_id=attempt_id).delete()\n"
                "        models.PaymentAttempt.objects.filter(pk=attempt_id).delete()\n"
                "        return None\n",
                uses={"models": "payments.models"},
            ),
            Lost("payments_operation_no_delete"),
            Lost("payments_paymentattempt_no_delete"),
        ),
        is_played_to_the_end=True,
        more={"provider_fault": 3},
    ),
    Defect(
        "remainder lost",
        "A refund of everything is cut off to whole units of ten, and what is left over goes nowhere.",
        (
            Edit(
                "orders.refunding.sharing.refund_shares",
                "    limit = left.total_minor\n",
                "    limit = left.total_minor - left.total_minor % 10\n",
            ),
        ),
        more=REFUNDS,
    ),
    Defect(
        "times a hundred without need",
        "Every currency is taken to be written by the provider as we write it.",
        (Edit("payments.providers.stripe_wire.to_wire", "WIRE_FACTORS.get(currency.upper(), 1)", "1"),),
        race=TestKronur().test_are_paid_and_given_back_whole_though_the_provider_writes_them_in_hundredths,
    ),
    Defect(
        "capture after expiry",
        "Held funds are asked for though their time is over.",
        (
            Edit(
                "payments.services.capture.request_capture",
                "attempt.capture_before <= cause.now",
                "attempt.capture_before is None",
            ),
        ),
        more={"start_held": 6, "take_held_funds": 6, "days_pass": 6},
    ),
    Defect(
        "dispute ignored",
        "Money is given back while the customer's bank may give it back as well.",
        (
            Edit(
                f"{PLAN}.require_undisputed",
                "    if not is_override and any(",
                "    if False and any(",
            ),
        ),
        more={"refund_as_staff": 12, "dispute": 5, "start": 2, "confirm": 2},
    ),
    Defect(
        "refund posted twice",
        "A refund that arrived is booked for the operation and for the row.",
        (
            Edit(
                "ledger.services.refunds.post_refund_succeeded",
                "    return _settle(",
                '    _settle(refund, f"{event}_too", credit=_clearing_of(refund), cause=cause)\n    return _settle(',
            ),
        ),
        more=REFUNDS,
    ),
    Defect(
        "fee with the wrong sign",
        "A fee of a dispute is booked as if it had been given back.",
        (Edit("payments.services.disputes._post", "if fee > 0 else", "if fee < 0 else"),),
        more={"dispute": 4, "start": 2, "confirm": 2},
    ),
    Defect(
        "loss posted, money kept in dispute",
        "What a lost dispute held is booked as given back to us as well.",
        (
            Edit(
                "payments.services.disputes._post",
                "        ledger.post_dispute_lost(_posting(order, row), cause=cause)\n",
                "        ledger.post_dispute_lost(_posting(order, row), cause=cause)\n"
                "        ledger.post_dispute_won(_posting(order, row), cause=cause)\n",
            ),
        ),
        more={"dispute": 6, "start": 2, "confirm": 2},
    ),
    Defect(
        "balance not restored on failure",
        "A refund that failed goes on counting as given back.",
        (
            Edit(
                "payments.services.refunding.shares.given_of",
                "if refund.status in COUNTED_REFUNDS",
                "if True",
            ),
        ),
        more={"refund_by_rule": 25, "refund_is_slow": 12, "start": 6, "confirm": 6, "start_held": 0, "cancel": 0},
    ),
    Defect(
        "external refund ignored",
        "What is given back in the provider's dashboard is nobody's business.",
        (
            Edit(
                f"{FUNNEL}._record_external_refunds",
                "    scene.known_operations =",
                "    return False\n    scene.known_operations =",
            ),
        ),
        more={"dashboard_refund": 6, "start": 2, "confirm": 2},
        is_played_to_the_end=True,
    ),
    Defect(
        "taken back in part",
        "A posting that takes back another leaves a penny of it, and no trigger forbids it.",
        (
            Edit(
                "ledger.services.reversals._swapped",
                "-entry.amount_minor, entry.attempt_public_id",
                "-entry.amount_minor + (1 if entry.amount_minor > 1 else -1), entry.attempt_public_id",
            ),
            Lost("ledger_posting_reversal_exact"),
        ),
        more={**REFUNDS, "provider_fault": 3, "reversal": 3},
    ),
    Defect(
        "reversal not heard",
        "Money that the bank took back goes on counting as ours.",
        (
            Edit(
                "payments.services.learn._take_in_captured",
                "            attempt.captured_minor = left_minor\n        # That charge is over",
                "        # That charge is over",
            ),
        ),
        more={"reversal": 6, "start": 2, "confirm": 2},
        is_played_to_the_end=True,
    ),
)
