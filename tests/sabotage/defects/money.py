"""Mistakes about money and state: totals, holds, compensation, history."""

from tests.sabotage.planting import Defect, Edit

REST_IS_THERE = Edit(
    "payments.services.funnel._is_short",
    "    return is_over and is_known",
    "    return False and is_over and is_known",
)
REST_LAPSES = {"fill_cart": 4, "start_held": 2, "rest_lapses": 40, "cancel": 0.2}

DEFECTS = (
    Defect(
        "amount added instead of set",
        "What a provider says it took is added at each hearing.",
        (
            Edit(
                "payments.services.learn._take_in_captured",
                "    attempt.captured_minor = max(attempt.captured_minor, attempt.kept_minor + update.captured_minor)",
                "    attempt.captured_minor += update.captured_minor",
            ),
        ),
    ),
    Defect(
        "late failure overwrites paid",
        "Whatever is heard last counts, also when it was seen first.",
        (
            Edit(
                "payments.services.learn.take_in",
                'if may_move("attempt", attempt.status, update.status) and _is_news(attempt, update):',
                "if True:",
            ),
            Edit(
                "payments.services.learn._take_in_captured",
                "    attempt.captured_minor = max(attempt.captured_minor, attempt.kept_minor + update.captured_minor)",
                "    attempt.captured_minor = update.captured_minor",
            ),
        ),
        more={"old_news": 8},
    ),
    Defect(
        "capture amount not compared",
        "The provider's amount is believed without a look at what was asked for.",
        (
            Edit(
                "payments.services.learn.mismatch_of",
                "    if update.amount_minor != attempt.amount_minor:",
                '    return ""\n    if update.amount_minor != attempt.amount_minor:',
            ),
        ),
        more={"start_held": 8, "fill_cart": 2, "work_in_dashboard": 8},
    ),
    Defect(
        "rest of a payment forgotten",
        "A part was taken and what was left of the hold is gone; the order goes on waiting for it.",
        (
            REST_IS_THERE,
            Edit("payments.services.settle._is_over_in_part", "    return is_over and", "    return False and"),
        ),
        more=REST_LAPSES,
        mood="held",
    ),
    Defect(
        "rest not asked for",
        "A part was taken and what was left of the hold is gone; the order ends and its customer was never asked.",
        (REST_IS_THERE,),
        more=REST_LAPSES,
        mood="held",
    ),
    Defect(
        "excess kept",
        "What was taken beyond the amount due is known as such, and stays.",
        (
            Edit(
                "payments.services.settle._owed_to_customer",
                "    owed = attempt.excess_minor - attempt.excess_returned_minor\n",
                "    owed = 0\n",
            ),
        ),
        more={"paid_twice": 10},
    ),
    Defect(
        "second charge passed over",
        "What the provider says of a payment that it made twice is left out, and nobody is told.",
        (
            Edit(
                "payments.services.funnel._is_passed_over",
                "            mismatches.hold(scene.order, scene.attempt, update, foreign, cause=scene.cause)\n",
                "            pass\n",
            ),
        ),
        more={"charge_twice": 10, "start": 2, "confirm": 2},
    ),
    Defect(
        "second charge taken for the first",
        "Of two payments under one attempt each is taken for the one we know.",
        (
            Edit(
                "payments.services.learn.foreign_of",
                "    if attempt.provider_reference not in {None, update.provider_reference}:\n"
                '        return "two payments at the provider carry the same attempt"\n',
                "",
            ),
        ),
        more={"charge_twice": 10, "start": 2, "confirm": 2},
    ),
    Defect(
        "hold ignored",
        "Held funds are taken although somebody said that the order has to wait.",
        (
            Edit(
                "payments.services.capture.request_capture",
                "    if open_holds(order):\n"
                '        raise NotCapturable(detail="An open hold blocks the capture.", order_id=order_id)\n',
                "",
            ),
        ),
        more={"start_held": 5, "put_on_hold": 10, "take_held_funds": 4},
    ),
    Defect(
        "history in another transaction",
        "An order's history row is written once its new state is durable, by whoever is still alive then.",
        (
            Edit(
                "orders.services.change._write",
                "    event_of(order, because, from_state=from_state, to_state=to_state).save(force_insert=True)",
                "    event = event_of(order, because, from_state=from_state, to_state=to_state)\n"
                "    db.run_after_commit(lambda: event.save(force_insert=True))",
                uses={"db": "core.db"},
            ),
        ),
    ),
    Defect(
        "excess taken for payment",
        "A second payment of the same order is counted as if it were due.",
        (
            Edit(
                "payments.services.learn.mark_excess",
                "    room = max(0, order.due_minor - accepted_by_others - accepted_before)\n",
                "    room = attempt.captured_minor\n",
            ),
        ),
        more={"paid_twice": 15, "fill_cart": 4},
        mood="kept",
    ),
)
