"""Mistakes about the provider: keys, answers that never came, calls at the wrong moment."""

from tests.sabotage.planting import Defect, Edit, Lost

CALL = "payments.services.operations._call"

DEFECTS = (
    Defect(
        "new provider key per retry",
        "Each call makes a key of its own, so the provider takes a repeat for another payment.",
        (Edit(CALL, "key = operation.provider_key", 'key = f"{operation.provider_key}:{clock.now():%H%M%S%f}"'),),
        is_played_to_the_end=True,
    ),
    Defect(
        "time-out stored as failure",
        "No answer within the time counts as a decline, although the provider may have acted.",
        (
            Edit(
                "payments.services.operations._answer_of",
                'return _ending(operation, "unknown", error)',
                'return _ending(operation, "declined", error)',
            ),
        ),
        is_played_to_the_end=True,
    ),
    Defect(
        "call inside the transaction",
        "The provider is called while the order's transaction is open.",
        (
            Edit(
                "checkout.services.keyed.run",
                """
        answer = payments.submit(opened.operation, within_seconds=policies.current("payment")["answer_within_seconds"])
""",
                """
        with order_transaction(f"{name}.call"):
            answer = payments.submit(
                opened.operation, within_seconds=policies.current("payment")["answer_within_seconds"]
            )
""",
            ),
        ),
    ),
    Defect(
        "give-back with a new key",
        "Money is sent back under a key of the moment: a repeat after a lost answer sends it twice.",
        (
            Edit(
                CALL,
                "return None, adapter.refund(RefundRequest(**operation.request), key=key)",
                'return None, adapter.refund(RefundRequest(**operation.request), key=f"{key}:{clock.now():%H%M%S%f}")',
            ),
        ),
        more={"cancel": 6, "start_held": 3, "provider_fault": 4, "confirm": 2},
    ),
    Defect(
        "replay past key expiry",
        "A key is taken to live for ever; the provider has forgotten it and acts again.",
        (
            Edit(
                "payments.services.operations.is_key_alive",
                "    if operation.provider_key_expires_at is None:\n        return operation.sends_count <= 1\n"
                "    return now < operation.provider_key_expires_at - KEY_MARGIN",
                "    return True",
            ),
        ),
        more={"days_pass": 15, "keys_pruned": 8, "provider_fault": 2, "sweep": 2},
    ),
    Defect(
        "unknown allows a second attempt",
        "Another card is taken while nobody knows what became of the first.",
        (
            Edit(
                "checkout.services.resume._is_undecided",
                "row.status in UNDECIDED and row.kind != OperationKind.VOID",
                "False",
            ),
            Edit(
                "checkout.services.resume._open_new",
                "        if current.can_capture:\n            raise PaymentBeingVerified(order_id=order.public_id)\n",
                "",
            ),
        ),
    ),
    Defect(
        "expiry does not ask the provider",
        "Time alone ends an order: how its payment stands is not asked, and it is not closed.",
        (
            Edit("reconciliation.services.expire_order", "    _ask_about(order_id, cause=cause)\n", ""),
            Edit(
                "payments.services.settle.close_expired",
                "    for attempt in attempts:\n        if attempt.can_capture:\n"
                "            _open_void(order, attempt, operations, cause=cause)\n",
                "    _end(order, [], [], cause=cause)\n    return\n",
            ),
        ),
        more={"minutes_pass": 4, "sweep": 2},
    ),
    Defect(
        "fencing token ignored",
        "A request that slept over its lease stores its answer over its successor's, and no trigger forbids it.",
        (
            Edit(
                "core.selectors._claimed_key_to_lock",
                "filter(pk=row_id, fencing_token=fencing_token)",
                "filter(pk=row_id, fencing_token__gte=fencing_token)",
            ),
            Edit(
                "core.idempotency.finish",
                "filter(pk=claimed.row_id, fencing_token=claimed.fencing_token)",
                "filter(pk=claimed.row_id)",
            ),
            Lost("core_idempotencykey_write_once"),
        ),
        more={"overtaken": 8},
    ),
    Defect(
        "loser compensates the winner",
        "A request that lost its lease gives back what the winner's payment took, to be safe.",
        (
            Edit(
                "checkout.services.keyed.run",
                """
                payments.record_answer(answer, cause=cause)
        raise
""",
                """
                payments.record_answer(answer, cause=cause)
                order = lock_order(opened.order_id)
                attempts = payments_selectors.lock_attempts(order)
                operations = payments_selectors.lock_operations(order)
                if attempts[-1].captured_minor and not any(row.kind == "give_back" for row in operations):
                    payments_settle._open_give_back(
                        order, attempts[-1], operations, attempts[-1].captured_minor, cause=cause
                    )
        raise
""",
                uses={
                    "payments_selectors": "payments.selectors",
                    "payments_settle": "payments.services.settle",
                },
            ),
        ),
        more={"overtaken": 8},
    ),
    Defect(
        "named after its order",
        "What the provider is told of a payment is its order alone, so that money of one try looks like nobody's.",
        (
            Edit(
                "payments.providers.stripe.StripeAdapter.create",
                '"attempt_id": request.attempt_id',
                '"attempt_id": request.order_id',
            ),
        ),
        is_played_to_the_end=True,
    ),
)
