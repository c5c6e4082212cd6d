"""Mistakes in attempts, operations, history and the books, some behind a guard of the database that is lost too."""

from tests.sabotage.planting import Defect, Edit, Lost

APPLY_UPDATE = "payments.services.funnel.apply_update"
MARK_PAID = "orders.services.pay.mark_paid"

DEFECTS = (
    Defect(
        "webhooks leave paying to others",
        "What a webhook brings is noted, and the order is not moved by it.",
        (
            Edit(
                APPLY_UPDATE,
                "will_be_paid = not mismatch and",
                'will_be_paid = not mismatch and cause.source != "webhook" and',
            ),
        ),
    ),
    Defect(
        "a penny owed after payment",
        "What is due changes once the order is paid, and no constraint forbids it.",
        (
            Edit(
                MARK_PAID,
                "    sale = sale_of(order)\n",
                '    order.due_minor += 1\n    order.save(update_fields=["due_minor"])\n    sale = sale_of(order)\n',
            ),
            Lost("orders_paid_means_accepted_is_due"),
        ),
        more={"start": 3, "confirm": 3},
        mood="even",
    ),
    Defect(
        "time of payment not saved",
        "An order is paid and does not say since when.",
        (Edit(MARK_PAID, 'also = ["paid_at", "expires_at",', 'also = ["expires_at",'),),
    ),
    Defect(
        "fulfillment asked for in passing",
        "A paid order is marked for fulfillment without its state being moved.",
        (
            Edit(
                MARK_PAID,
                "    order.expires_at = None\n",
                "    order.expires_at = None\n    order.is_fulfillment_requested = True\n",
            ),
            Edit(
                MARK_PAID,
                'also = ["paid_at",',
                'also = ["is_fulfillment_requested", "paid_at",',
            ),
        ),
    ),
    Defect(
        "facts without history",
        "What is beside the state makes a new version of the order and no history row, and no trigger forbids it.",
        (
            Edit(
                "orders.services.change._write",
                "    event_of(order, because, from_state=from_state, to_state=to_state).save(force_insert=True)",
                "    if to_state:\n"
                "        event_of(order, because, from_state=from_state, to_state=to_state).save(force_insert=True)",
            ),
            Lost("orders_order_state_is_history"),
            Lost("orders_history_no_gap"),
        ),
    ),
    Defect(
        "history says where it went twice",
        "A history row names the new state as the old one too.",
        (Edit("orders.services.change.move", "from_state=source", "from_state=order.state"),),
    ),
    Defect(
        "each move is told twice",
        "A move writes its history row and a second one that says the same, and no trigger forbids it.",
        (
            Edit(
                "orders.services.change._write",
                "    event_of(order, because, from_state=from_state, to_state=to_state).save(force_insert=True)",
                "    event_of(order, because, from_state=from_state, to_state=to_state).save(force_insert=True)\n"
                "    if to_state:\n"
                "        order.version += 1\n"
                '        order.save(update_fields=["version"])\n'
                "        event_of(order, because, from_state=from_state, to_state=to_state).save(force_insert=True)",
            ),
            Lost("orders_history_no_gap"),
        ),
    ),
    Defect(
        "facts written as transitions",
        "What is beside the state is written into the history of states.",
        (
            Edit(
                "orders.services.change.record_fact",
                "    _write(order, because, columns=list(also))",
                "    _write(order, because, columns=list(also), from_state=order.state, to_state=order.state)",
            ),
        ),
    ),
    Defect(
        "columns not brought up to date",
        "What went back is noted with the attempt and not with its order.",
        (
            Edit(
                "payments.services.funnel.apply_refund",
                "    set_order_money(order, scene.attempts, _because(scene, Reason.CAPTURE_REVERSED))\n",
                "",
            ),
        ),
        more={"cancel": 6, "confirm": 2, "provider_fault": 2},
    ),
    Defect(
        "old attempt stays current",
        "A new card does not make the old one's attempt give way, and no index forbids it.",
        (
            Edit(
                "checkout.services.resume._open_new",
                "        payments.retire_attempt(order, current, cause=cause)\n",
                "",
            ),
            Lost("payments_attempt_one_current"),
        ),
        more={"pay_again": 4},
    ),
    Defect(
        "currency taken for granted",
        "Operations are written in euros.",
        (Edit("payments.services.attempts.insert_operation", "currency=attempt.currency,", 'currency="EUR",'),),
    ),
    Defect(
        "paid, and paid again",
        "An order that is paid takes another card, and no trigger forbids it.",
        (
            Edit(
                "checkout.services.resume._takes_payment",
                "    return OrderState(order.state) in BEFORE_PAYMENT and order.state != OrderState.PAYMENT_AUTHORIZED",
                "    return True",
            ),
            Edit(
                "payments.services.attempts.open_attempt",
                "amount_minor=order.due_minor - order.accepted_minor",
                "amount_minor=order.due_minor",
            ),
            Edit(
                "checkout.services.resume._open_new",
                "        if current.can_capture:\n            raise PaymentBeingVerified(order_id=order.public_id)\n",
                "",
            ),
            Lost("payments_attempt_none_after_paid"),
        ),
        # While a refund is under way, another card is refused for that.
        more={
            "pay_again": 5,
            "confirm": 2,
            "seconds_pass": 2,
            "ask_refund": 0,
            "refund_by_rule": 0,
            "refund_as_staff": 0,
        },
    ),
    Defect(
        "a penny more",
        "Attempts ask for more than is due.",
        (
            Edit(
                "payments.services.attempts.open_attempt",
                "amount_minor=order.due_minor - order.accepted_minor",
                "amount_minor=order.due_minor - order.accepted_minor + 1",
            ),
        ),
    ),
    Defect(
        "success left pending",
        "A payment that succeeded does not settle the operation that asked for it.",
        (
            Edit(
                "payments.services.learn.settle_operations",
                "        if target is not None:",
                "        if target is not None and target != OperationStatus.SUCCEEDED:",
            ),
        ),
    ),
    Defect(
        "returned before it went",
        "A refund under way counts as money that went back.",
        (
            Edit(
                "payments.services.learn.total_returned",
                "row.status == OperationStatus.SUCCEEDED",
                "row.status in {OperationStatus.SUCCEEDED, OperationStatus.PENDING}",
            ),
        ),
        more={"cancel": 6, "confirm": 2, "provider_fault": 2},
    ),
    Defect(
        "given back again and again",
        "What went back already is not subtracted from what is owed.",
        (
            Edit(
                "payments.services.settle._owed_to_customer",
                "owed = attempt.captured_minor - attempt.returned_minor - attempt.excess_returned_minor",
                "owed = attempt.captured_minor",
            ),
            Edit(
                "payments.services.settle._owed_to_customer",
                "owed = attempt.excess_minor - attempt.excess_returned_minor",
                "owed = attempt.excess_minor",
            ),
        ),
        more={"cancel": 6, "confirm": 2, "provider_fault": 2},
    ),
    Defect(
        "failed at no time",
        "An operation that failed does not say since when.",
        (
            Edit(
                "payments.services.operations._note_ending",
                "operation.settled_at, operation.next_check_at = cause.now, None",
                "operation.next_check_at = None",
            ),
        ),
    ),
    Defect(
        "unknown is nobody's",
        "The sweep of operations leaves out those whose outcome is unknown.",
        (
            Edit(
                "reconciliation.selectors.due_operations", "status__in=OPEN_STATUSES", 'status__in=["created", "sent"]'
            ),
        ),
        is_played_to_the_end=True,
    ),
    Defect(
        "sale not recognised",
        "An order is paid and its sale not posted.",
        (
            Edit(
                MARK_PAID,
                "    if sale.has_figures and not is_sold_before:\n"
                "        ledger.post_sale(sale, round=order.sales_count, cause=cause)\n",
                "",
            ),
        ),
    ),
    Defect(
        "captures posted as nobody's",
        "Money for a sale is booked as owed to the customer.",
        (
            Edit(
                "payments.services.books.post_captures",
                "owed = captured.total_minor - captured.excess_minor if is_owed else 0",
                "owed = 0",
            ),
        ),
    ),
    Defect(
        "give-backs not posted",
        "Money goes back and the books do not know.",
        (
            Edit(
                "payments.services.funnel._post_unowed_return",
                "        books.post_give_back(scene.order, operation, cause=scene.cause)\n",
                "        pass\n",
            ),
        ),
        is_played_to_the_end=True,
        more={"cancel": 6, "confirm": 2, "provider_fault": 2},
    ),
    Defect(
        "books out of balance",
        "The credit of a movement is a penny short, and no trigger forbids it.",
        (
            Edit(
                "ledger.services.movements._post_movement",
                "Line(credit, -amount_minor, movement.attempt_public_id)",
                "Line(credit, 1 - amount_minor, movement.attempt_public_id)",
            ),
            Edit("ledger.services.post", "if total_minor or not lines:", "if not lines:"),
            Lost("ledger_entry_balanced"),
        ),
    ),
    Defect(
        "entries about another order",
        "The books' entries name what they were posted for, not the order.",
        (
            Edit(
                "ledger.services.posting._insert_entries",
                "posting.pk, fact.order_public_id, posting.recorded_at",
                "posting.pk, fact.source_id, posting.recorded_at",
            ),
        ),
    ),
    Defect(
        "provider called before the commit",
        "Order and call share one transaction, and nothing refuses it.",
        (
            Edit(
                "checkout.services.keyed.run",
                """        opened = opening()
    if isinstance(opened, FinalAnswer):
        return opened
    answer = None
    if opened.operation is not None and opened.operation.status == OperationStatus.SENT:
        answer = payments.submit(opened.operation, within_seconds=policies.current("payment")["answer_within_seconds"])
""",
                """        opened = opening()
        if isinstance(opened, FinalAnswer):
            return opened
        answer = None
        if opened.operation is not None and opened.operation.status == OperationStatus.SENT:
            answer = payments.submit(
                opened.operation, within_seconds=policies.current("payment")["answer_within_seconds"]
            )
""",
            ),
            Edit("payments.services.operations.submit", "@outside_transaction\n", ""),
            Edit(
                "core.http.GuardedTransport.handle_request",
                "    if in_transaction():\n        raise TransactionStanceError",
                "    if False:\n        raise TransactionStanceError",
            ),
        ),
        is_between=True,
        dies_at=frozenset({"tx:checkout.start.open"}),
        more={"start": 4, "fill_cart": 3},
    ),
    Defect(
        "second payment kept",
        "What a second card brought beyond the amount due is marked, and nobody gives it back.",
        (
            Edit(
                "payments.services.settle._owed_to_customer",
                "owed = attempt.excess_minor - attempt.excess_returned_minor",
                "owed = 0",
            ),
        ),
        mood="kept",
        more={"line_keeps": 4, "pay_again": 5, "paid_twice": 20, "minutes_pass": 2, "sweep": 2},
        is_played_to_the_end=True,
    ),
    Defect(
        "excess left to chance",
        "What was taken beyond the amount due is marked and not sent back.",
        (
            Edit(
                "payments.services.settle._owed_to_customer",
                "    return owed\n",
                "    return 0\n",
            ),
        ),
        more={"confirm": 2, "pay_again": 2, "left_for_long": 10, "money_too_late": 4},
        is_played_to_the_end=True,
    ),
)
