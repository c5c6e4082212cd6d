"""A coupon's use by an order: held from its start, used when it is paid, given back when it is dead.

Every function needs its caller's transaction. Counts change in one statement that locks them in one order (promotion,
scope, key), after the order and the claims of first orders, before stock; a use moves in a statement that names the
status it comes from, so what was given back is given back once, whoever asks again or at the same moment.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from catalog.coupons import REASON_OF_SCOPE, Scope, counted_keys, limits_of, period_key
from catalog.models import Coupon, CouponUse
from catalog.pricing.coupons import SENTENCES, Buyer, CouponReason
from core.db import constraint_errors, transaction_required
from core.errors import DomainError
from core.ids import new_public_id
from core.models import SalesChannel

# Note [Counting uses]: the upsert takes each count's row lock and sees its newest version, so of many at once exactly
# as many as the limit get their row back; the CHECK on the table says the same to whoever else writes. Rows come in
# one order, or two carts with the same codes would deadlock. It locks, yet stands here and not in selectors: it writes.
COUNT = """
INSERT INTO catalog_promotioncount AS counted (promotion_id, scope, key, uses_count, uses_max)
SELECT %s::bigint, wanted.scope, wanted.key, 1, wanted.uses_max
FROM unnest(%s::text[], %s::text[], %s::int[]) AS wanted (scope, key, uses_max)
ORDER BY wanted.scope, wanted.key
ON CONFLICT (promotion_id, scope, key) DO UPDATE
SET uses_count = counted.uses_count + 1, uses_max = EXCLUDED.uses_max
WHERE EXCLUDED.uses_max IS NULL OR counted.uses_count < EXCLUDED.uses_max
RETURNING counted.scope, counted.key
"""

# The same order of locks (Note [Counting uses]).
UNCOUNT = """
WITH locked AS (
    SELECT counted.id FROM catalog_promotioncount counted
    JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS given (promotion_id, scope, key)
        ON given.promotion_id = counted.promotion_id AND given.scope = counted.scope AND given.key = counted.key
    ORDER BY counted.promotion_id, counted.scope, counted.key
    FOR UPDATE OF counted
)
UPDATE catalog_promotioncount counted SET uses_count = counted.uses_count - 1 FROM locked WHERE counted.id = locked.id
"""

# Note [First orders]: a limit of one per customer holds within a promotion; two promotions for first orders, in two
# carts at once, were two first orders. So the customer's account and address stand for one order while it has any in
# use: the insert waits for whoever claims at the same moment and gets a row back only where it is the same order's.
CLAIM = """
INSERT INTO catalog_firstorder AS claimed (channel_id, key, order_public_id, claimed_at)
SELECT %s::bigint, wanted.key, %s, %s FROM unnest(%s::text[]) AS wanted (key) ORDER BY wanted.key
ON CONFLICT (channel_id, key) DO UPDATE SET claimed_at = claimed.claimed_at
WHERE claimed.order_public_id = EXCLUDED.order_public_id
RETURNING claimed.key
"""
# The same order of locks, and before the counts', as there.
UNCLAIM = """
WITH locked AS (
    SELECT claimed.id FROM catalog_firstorder claimed WHERE claimed.order_public_id = %s
    ORDER BY claimed.channel_id, claimed.key FOR UPDATE OF claimed
)
DELETE FROM catalog_firstorder claimed USING locked WHERE claimed.id = locked.id
"""

MOVED = "public_id, promotion_id, coupon_id, customer_key, contact_key, period_key"
GIVE_BACK = f"""
UPDATE catalog_couponuse SET status = 'given_back', given_back_at = %s
WHERE order_public_id = %s AND status IN ('held', 'used') RETURNING {MOVED}
"""  # noqa: S608 - a constant of this module
USE = f"""
UPDATE catalog_couponuse SET status = 'used', used_at = %s
WHERE order_public_id = %s AND status = 'held' RETURNING {MOVED}
"""  # noqa: S608 - a constant of this module
HONOUR = f"""
UPDATE catalog_couponuse SET status = 'honoured_late', honoured_at = %s
WHERE order_public_id = %s AND status = 'given_back' RETURNING {MOVED}
"""  # noqa: S608 - a constant of this module

Moved = tuple[str, int, int, str, str, str]


class CouponLimitReached(DomainError):
    """Somebody else, or the same customer, was faster; facts `coupon_code`, `reason`. Nothing was ordered."""

    code = "coupon_limit_reached"
    title = "This code can no longer be used. Nothing was ordered; take it out to go on without it."


class CouponNotForYou(DomainError):
    """The code is for a customer's first order, and this is not it; fact `coupon_code`. Nothing was ordered."""

    code = "coupon_first_order_only"
    title = "This code is for a first order only. Nothing was ordered; take it out to go on without it."


@transaction_required
def redeem(
    *, owner_id: str, coupon_ids: Iterable[int], buyer: Buyer, channel: SalesChannel, now: datetime
) -> list[CouponUse]:
    """This will hold a use of each coupon, by row id, for the order `owner_id`: all, or it raises.

    After the order's lock and before stock. Needs its caller's transaction, which must be rolled back when this raises.
    Raises: CouponLimitReached, CouponNotForYou.
    """
    uses = []
    coupons = Coupon.objects.filter(pk__in=list(coupon_ids)).select_related("promotion").order_by("promotion_id")
    for_first = [coupon for coupon in coupons if coupon.promotion.is_first_order_only]
    if for_first and (buyer.has_bought or not _claim_first_order(owner_id, buyer=buyer, channel=channel, now=now)):
        raise CouponNotForYou(coupon_code=for_first[0].code)
    for coupon in coupons:
        _count(coupon, buyer=buyer, channel=channel, now=now)
        uses.append(
            CouponUse(
                public_id=new_public_id("cpu"),
                promotion=coupon.promotion,
                coupon=coupon,
                order_public_id=owner_id,
                status=CouponUse.Status.HELD,
                customer_key=buyer.customer_key,
                contact_key=buyer.contact_key,
                period_key=period_key(coupon.promotion, channel=channel, now=now),
                held_at=now,
            )
        )
    return CouponUse.objects.bulk_create(uses)


@transaction_required
def mark_used(*, owner_id: str, now: datetime) -> list[str]:
    """This will note that the order is paid: its held uses are used. Needs its caller's transaction.

    A use that was given back before the money came is honoured outside the limit, for the customer was promised the
    price. Returns the public ids of those, for people to know of.
    """
    _moved(USE, owner_id=owner_id, now=now)
    return [public_id for public_id, *_ in _moved(HONOUR, owner_id=owner_id, now=now)]


@transaction_required
def give_back_uses(*, owner_id: str, now: datetime) -> int:
    """This will give the order's uses back to their limits, because it is dead or its money went back.

    Once, however often it is called: returns how many went back now. Needs its caller's transaction.
    """
    moved = _moved(GIVE_BACK, owner_id=owner_id, now=now)
    keys = [key for use in moved for key in counted_keys(use[1:])]
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(UNCLAIM, [owner_id])
            cursor.execute(UNCOUNT, [list(column) for column in zip(*keys, strict=True)])
    return len(moved)


def _claim_first_order(owner_id: str, *, buyer: Buyer, channel: SalesChannel, now: datetime) -> bool:
    """Whether this is now the one order in which the customer uses what is for first orders; Note [First orders]."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [channel.pk, owner_id, now, buyer.keys])
        return len(cursor.fetchall()) == len(buyer.keys)


def _count(coupon: Coupon, *, buyer: Buyer, channel: SalesChannel, now: datetime) -> None:
    limits = limits_of(coupon, buyer=buyer, channel=channel, now=now)
    scopes, keys = [str(scope) for scope, _ in limits], [key for _, key in limits]
    with constraint_errors({"catalog_promotion_count_within": CouponLimitReached}), connection.cursor() as cursor:
        cursor.execute(COUNT, [coupon.promotion_id, scopes, keys, list(limits.values())])
        counted = set(cursor.fetchall())
    for scope, key in limits:
        if (scope, key) not in counted:
            reason: CouponReason = REASON_OF_SCOPE[Scope(scope)]
            raise CouponLimitReached(detail=SENTENCES[reason], coupon_code=coupon.code, reason=str(reason))


def _moved(statement: str, *, owner_id: str, now: datetime) -> list[Moved]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [now, owner_id])
        return list(cursor.fetchall())
