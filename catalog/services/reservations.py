"""Units kept for an order: taken before anyone pays, sold when it is paid, given back when it is dead.

Every function but the sweep needs its caller's transaction. Any number of stock rows changes in one statement, which
locks them in the order of their ids, as the last lock of all. A second call finds the work done: it changes nothing and
returns the same row.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db import transaction as django_transaction

from catalog.models import Reservation
from catalog.selectors import (
    available_units,
    lock_capped_reservations,
    lock_latest_reservation,
    reserved_units,
)
from catalog.services.units import InvalidQuantity, refuse_units
from core import policies
from core.db import constraint_errors, outside_transaction, transaction, transaction_required
from core.errors import DomainError
from core.ids import new_public_id

Status = Reservation.Status

# Note [One lock order]: a plain UPDATE … FROM visits stock rows in whatever order its plan likes, and two baskets with
# the same goods deadlock. Here a CTE takes the locks by id first; the UPDATE then meets the newest version of each row
# and takes units only where enough are left. What it took becomes the reservation's lines in the same statement: fewer
# of them than asked for means that something is sold out. It locks, yet stands here and not in selectors: it writes.
RESERVE = """
WITH wanted AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (variant_id, quantity)
), locked AS (
    SELECT stock.id, wanted.quantity
    FROM wanted
    JOIN catalog_variant variant ON variant.id = wanted.variant_id AND variant.channel_id = %s::bigint
    JOIN catalog_stock stock ON stock.variant_id = variant.id
    ORDER BY stock.id
    FOR UPDATE OF stock
), taken AS (
    UPDATE catalog_stock stock
    SET held = stock.held + locked.quantity
    FROM locked
    WHERE stock.id = locked.id AND stock.received - stock.held - stock.committed >= locked.quantity
    RETURNING stock.id, stock.variant_id, locked.quantity
), kept AS (
    INSERT INTO catalog_reservationline (reservation_id, stock_id, quantity, units_restocked)
    SELECT %s::bigint, taken.id, taken.quantity, 0 FROM taken
)
SELECT taken.variant_id FROM taken
"""

# The same lock order (Note [One lock order]) for units that move on: each of the two factors is -1, 0 or 1.
MOVE = """
WITH units AS (
    SELECT line.stock_id, sum(line.quantity - line.units_restocked)::bigint AS quantity
    FROM catalog_reservationline line
    WHERE line.reservation_id = ANY(%s::bigint[])
    GROUP BY line.stock_id
), locked AS (
    SELECT stock.id, units.quantity
    FROM units JOIN catalog_stock stock ON stock.id = units.stock_id
    ORDER BY stock.id
    FOR UPDATE OF stock
)
UPDATE catalog_stock stock
SET held = stock.held + %s::bigint * locked.quantity, committed = stock.committed + %s::bigint * locked.quantity
FROM locked
WHERE stock.id = locked.id
"""


class InsufficientStock(DomainError):
    """Fewer units are left than asked for; fact `lines`: sku, requested, available. Nothing was taken."""

    code = "insufficient_stock"
    title = "Some of these are sold out."


class AlreadyReserved(DomainError):
    """The order keeps its units already."""

    code = "already_reserved"
    title = "The units are reserved already."


class NoReservation(DomainError):
    """The order never reserved anything."""

    code = "no_reservation"
    title = "Nothing is reserved."


class ReservationOver(DomainError):
    """The units went back to stock; fact `status` says how. Reserve again, or find out whether that is possible."""

    code = "reservation_over"
    title = "The units are no longer reserved."


class ReservationCommitted(DomainError):
    """The units are sold: time cannot take them from a paid order."""

    code = "reservation_committed"
    title = "The units are sold."


@transaction_required
def reserve(
    *,
    owner_id: str,
    channel_id: int,
    quantities: Mapping[int, int],
    now: datetime,
    expires_at: datetime | None = None,
) -> Reservation:
    """This will keep units, by variant row id, for the order `owner_id`: all or none, in a fixed number of statements.

    They are kept for the policy's `hold_seconds`, or until `expires_at` where the payment method needs longer;
    extensions end at the policy's `cap_seconds`, or at `expires_at` if that is later. Needs its caller's transaction,
    which must be rolled back when this raises. Raises: InsufficientStock, InvalidQuantity, AlreadyReserved.
    """
    refuse_units(quantities)
    if not quantities:
        raise InvalidQuantity(detail="There is nothing to reserve.")
    policy = policies.current("reservation")
    until = expires_at or now + timedelta(seconds=policy["hold_seconds"])
    with constraint_errors({"catalog_reservation_one_live": AlreadyReserved}):
        reservation = Reservation.objects.create(
            public_id=new_public_id("rsv"),
            owner_id=owner_id,
            status=Status.HELD,
            expires_at=until,
            cap_at=max(until, now + timedelta(seconds=policy["cap_seconds"])),
            policy_version=policy.version,
            created_at=now,
        )
    _take(reservation, channel_id=channel_id, quantities=quantities)
    return reservation


@transaction_required
def reserve_again(*, owner_id: str, channel_id: int, now: datetime) -> Reservation:
    """This will keep the units of the order's last reservation once more, in a new row; what it still keeps it keeps.

    Needs its caller's transaction, which stays usable when this raises: money that came late is recorded in it, whether
    or not there are units left. Raises: NoReservation, InsufficientStock.
    """
    last = _lock_latest(owner_id)
    if last.is_live:
        return last
    with django_transaction.atomic():
        return reserve(owner_id=owner_id, channel_id=channel_id, quantities=reserved_units(last), now=now)


@transaction_required
def is_reserved(*, owner_id: str) -> bool:
    """This will tell whether units are kept for the order, and lock that. Needs its caller's transaction."""
    reservation = lock_latest_reservation(owner_id)
    return reservation is not None and reservation.is_live


@transaction_required
def extend(*, owner_id: str, now: datetime) -> Reservation:
    """This will keep held units for another `extension_seconds` from now, never beyond the cap.

    Sold units need no extension. Needs its caller's transaction. Raises: NoReservation, ReservationOver.
    """
    reservation = _lock_live(owner_id)
    until = min(reservation.cap_at, now + timedelta(seconds=policies.current("reservation")["extension_seconds"]))
    if reservation.status == Status.HELD and until > reservation.expires_at:
        reservation.expires_at = until
        reservation.extensions_count += 1
        reservation.save(update_fields=["expires_at", "extensions_count"])
    return reservation


@transaction_required
def hold_until(*, owner_id: str, until: datetime) -> Reservation:
    """This will lift the cap of held units to `until`, because the provider holds the customer's funds so long.

    Never shortens anything. Needs its caller's transaction. Raises: NoReservation, ReservationOver.
    """
    reservation = _lock_live(owner_id)
    if reservation.status == Status.HELD and until > reservation.expires_at:
        reservation.expires_at = until
        reservation.cap_at = max(reservation.cap_at, until)
        reservation.save(update_fields=["expires_at", "cap_at"])
    return reservation


@transaction_required
def commit(*, owner_id: str, now: datetime) -> Reservation:
    """This will mark held units as sold, because the order is paid. Needs its caller's transaction.

    Raises: NoReservation; ReservationOver when they went back before the money came.
    """
    return _move(_lock_live(owner_id), to=Status.COMMITTED, now=now)


@transaction_required
def uncommit(*, owner_id: str, now: datetime) -> Reservation:
    """This will hold sold units again, because the provider took the money back before anything left the house.

    The hold and its cap begin anew. Needs its caller's transaction. Raises: NoReservation, ReservationOver.
    """
    reservation = _lock_live(owner_id)
    if reservation.status == Status.COMMITTED:
        policy = policies.current("reservation")
        reservation.expires_at = max(reservation.expires_at, now + timedelta(seconds=policy["hold_seconds"]))
        reservation.cap_at = max(
            reservation.cap_at, reservation.expires_at, now + timedelta(seconds=policy["cap_seconds"])
        )
    return _move(reservation, to=Status.HELD, now=now)


@transaction_required
def release(*, owner_id: str, now: datetime) -> Reservation:
    """This will give held or sold units back to stock, because the order is dead or they were given back.

    A reservation that ended before stays as it ended. Needs its caller's transaction. Raises: NoReservation.
    """
    reservation = _lock_latest(owner_id)
    return _move(reservation, to=Status.RELEASED, now=now) if reservation.is_live else reservation


@transaction_required
def expire(*, owner_id: str, now: datetime) -> Reservation:
    """This will give held units back to stock, because the time is up. Needs its caller's transaction.

    A reservation that ended before stays as it ended. Raises: NoReservation, ReservationCommitted.
    """
    reservation = _lock_latest(owner_id)
    if reservation.status == Status.COMMITTED:
        raise ReservationCommitted(owner_id=owner_id)
    return _move(reservation, to=Status.EXPIRED, now=now) if reservation.is_live else reservation


@outside_transaction
def release_capped(*, now: datetime, limit: int = 100) -> list[str]:
    """This will expire up to `limit` held reservations whose cap has come, in a transaction, and name their owners.

    The units go back even while a payment is in doubt; the caller tells the orders. If it dies before it could, nothing
    is lost: `commit` meets ReservationOver. Rows another process has in hand are skipped. Call it again until it names
    fewer than `limit`.
    """
    with transaction("catalog.release_capped"):
        due = lock_capped_reservations(now=now, limit=limit)
        ids = [reservation.pk for reservation in due]
        Reservation.objects.filter(pk__in=ids).update(status=Status.EXPIRED, ended_at=now)
        _move_units(ids, held=-1, committed=0)
    return [reservation.owner_id for reservation in due]


def _lock_latest(owner_id: str) -> Reservation:
    reservation = lock_latest_reservation(owner_id)
    if reservation is None:
        raise NoReservation(owner_id=owner_id)
    return reservation


def _lock_live(owner_id: str) -> Reservation:
    reservation = _lock_latest(owner_id)
    if not reservation.is_live:
        raise ReservationOver(owner_id=owner_id, status=reservation.status)
    return reservation


def _take(reservation: Reservation, *, channel_id: int, quantities: Mapping[int, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RESERVE, [list(quantities), list(quantities.values()), channel_id, reservation.pk])
        taken = {variant_id for (variant_id,) in cursor.fetchall()}
    short = [variant_id for variant_id in quantities if variant_id not in taken]
    if short:
        # The rows are locked since the statement above, so these figures are the ones that decided.
        left = available_units(variant_ids=short)
        raise InsufficientStock(lines=_shortages(short, quantities, left))


def _shortages(
    short: list[int], quantities: Mapping[int, int], left: Mapping[int, tuple[str, int]]
) -> list[dict[str, Any]]:
    known = [(*left[variant_id], quantities[variant_id]) for variant_id in short if variant_id in left]
    return [{"sku": sku, "requested": requested, "available": available} for sku, available, requested in known]


def _move(reservation: Reservation, *, to: Reservation.Status, now: datetime) -> Reservation:
    before = reservation.status
    if before == to:
        return reservation
    reservation.move_to(to, now=now)
    reservation.save(update_fields=["status", "ended_at", "expires_at", "cap_at"])
    _move_units(
        [reservation.pk],
        held=(to == Status.HELD) - (before == Status.HELD),
        committed=(to == Status.COMMITTED) - (before == Status.COMMITTED),
    )
    return reservation


def _move_units(reservation_ids: list[int], *, held: int, committed: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MOVE, [reservation_ids, held, committed])
