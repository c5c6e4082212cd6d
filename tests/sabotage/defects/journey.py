"""Mistakes on the customer's way: keys, carts, units."""

from tests.sabotage.planting import Defect, Edit, Lost

DEFECTS = (
    Defect(
        "key not bound to the body",
        "A key that was used for another request is answered as if it had been this one.",
        (
            Edit(
                "core.idempotency.claim",
                "    if row.fingerprint != request.fingerprint:\n        raise KeyReused\n",
                "",
            ),
        ),
    ),
    Defect(
        "stock released on decline",
        "A declined card gives the units back while the customer looks for another.",
        (
            Edit(
                "orders.services.pay.mark_payment_failed",
                "    return _ask_anew(order, order.payment_failed, because, pays_until=pays_until)",
                "    catalog.release(owner_id=order.public_id, now=because.cause.now)\n"
                "    return _ask_anew(order, order.payment_failed, because, pays_until=pays_until)",
            ),
        ),
    ),
    Defect(
        "stock kept by the cancelled",
        "A cancelled order goes on keeping its units.",
        (
            Edit(
                "orders.services.cancel._let_go",
                "    catalog.release(owner_id=order.public_id, now=because.cause.now)\n",
                "",
            ),
        ),
    ),
    Defect(
        "units committed once held",
        "Units count as sold when the funds are held, not when they are taken.",
        (
            Edit(
                "orders.services.pay.mark_authorized",
                "            catalog.hold_until(owner_id=order.public_id, until=held_until)",
                "            catalog.commit(owner_id=order.public_id, now=because.cause.now)",
            ),
        ),
        more={"start_held": 5},
    ),
    Defect(
        "units not committed",
        "A paid order's units stay merely held.",
        (
            Edit(
                "orders.services.pay.mark_paid",
                "    _commit_stock(order, cause=cause, may_reserve_again=may_reserve_again)\n",
                "",
            ),
        ),
    ),
    Defect(
        "units moved one by one",
        "Whatever a line's quantity, one unit moves.",
        (
            Edit(
                "catalog.services.reservations.MOVE",
                "held = stock.held + %s::bigint * locked.quantity",
                "held = stock.held + %s::bigint",
            ),
        ),
    ),
    Defect(
        "units kept twice",
        "An order that keeps its units is given them again, and no index forbids it.",
        (
            Edit(
                "orders.services.expire.keeps_units",
                "return order.state != OrderState.EXPIRED and catalog.is_reserved(owner_id=order.public_id)",
                "return False",
            ),
            Edit("catalog.services.reservations.reserve_again", "    if last.is_live:\n        return last\n", ""),
            Lost("catalog_reservation_one_live"),
        ),
        more={"pay_again": 5, "confirm": 2},
    ),
    Defect(
        "one cart, two orders",
        "A cart that was checked out is checked out again, and no index forbids it.",
        (
            Edit(
                "checkout.services.start._open",
                "    if cart.order_public_id:\n        return _same_order(cart, claim, request=request, cause=cause)\n",
                "",
            ),
            Lost("orders_order_one_per_cart"),
        ),
    ),
    Defect(
        "cart names its order's number",
        "The cart keeps the number for people in the place of the order's id.",
        (
            Edit(
                "checkout.services.start._lock_up",
                "cart.order_public_id = order.public_id",
                "cart.order_public_id = order.number",
            ),
        ),
    ),
    Defect(
        "one key, two rows",
        "A repeated key is stored again, and no index forbids it.",
        (
            Edit("core.idempotency.claim", "bulk_create([fresh], ignore_conflicts=True)", "bulk_create([fresh])"),
            Edit(
                "core.selectors.lock_idempotency_key",
                "only_or(IdempotencyKey.DoesNotExist, _key_to_lock(principal, operation, key_sha256))",
                "min(_key_to_lock(principal, operation, key_sha256), key=lambda row: row.pk)",
            ),
            Lost("core_idempotency_key_unique"),
        ),
    ),
    Defect(
        "answer not stored",
        "A request is finished without its answer, and no constraint forbids it.",
        (
            Edit(
                "core.idempotency.finish",
                "answer_sealed=crypto.seal(answer.body, purpose=_purpose(request), client_secret=request.raw_key)",
                "answer_sealed=None",
            ),
            Lost("core_idempotency_finished_has_answer"),
        ),
    ),
    Defect(
        "line without its quantity",
        "The order's rows say one of each, the snapshot what was bought.",
        (Edit("orders.services.create._lines", 'quantity=line["quantity"]', "quantity=1"),),
    ),
    Defect(
        "total a penny off",
        "The order's total is not its snapshot's.",
        (
            Edit(
                "orders.services.create.create_order",
                'total_minor=new.snapshot["total_minor"],\n        due_minor',
                'total_minor=new.snapshot["total_minor"] + 1,\n        due_minor',
            ),
        ),
    ),
    Defect(
        "hash of something else",
        "The snapshot's hash is made of the order's lines alone.",
        (
            Edit(
                "orders.services.create.create_order",
                "hash_snapshot(new.snapshot)",
                'hash_snapshot({"lines": new.snapshot["lines"]})',
            ),
        ),
        is_played_to_the_end=True,
    ),
    Defect(
        "delivered when ordered",
        "Units count as fulfilled from the moment they are ordered.",
        (
            Edit(
                "orders.services.create._lines",
                'quantity=line["quantity"],',
                'quantity=line["quantity"], units_fulfilled=line["quantity"],',
            ),
        ),
    ),
    Defect(
        "decided by nobody",
        "Orders whose time is over are not found.",
        (Edit("reconciliation.selectors.due_for_expiry", "expires_at__lte=now,", "expires_at__lte=now, number=None,"),),
        is_played_to_the_end=True,
    ),
)
