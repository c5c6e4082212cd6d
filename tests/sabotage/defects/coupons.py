"""Mistakes with coupons: limits, uses that come back, promises kept late."""

from tests.sabotage.planting import Defect, Edit, Lost

GIVE_BACK_USES = "catalog.services.redemptions.give_back_uses"
CODES_MORE = {"change_cart": 5, "fill_cart": 2}

DEFECTS = (
    Defect(
        "coupon kept by the dead",
        "A cancelled order goes on using its coupons.",
        (
            Edit(
                "orders.services.cancel._let_go",
                "    catalog.give_back_uses(owner_id=order.public_id, now=because.cause.now)\n",
                "",
            ),
        ),
        more={**CODES_MORE, "cancel": 4},
    ),
    Defect(
        "coupon given back and still counted",
        "A use goes back and its limits are not told.",
        (
            Edit(
                GIVE_BACK_USES,
                "            cursor.execute(UNCOUNT, [list(column) for column in zip(*keys, strict=True)])\n",
                "",
            ),
        ),
        more={**CODES_MORE, "cancel": 4},
    ),
    Defect(
        "coupon beyond its limit",
        "Nobody compares the count with the limit, neither the quote nor who counts, and no constraint forbids it.",
        (
            Edit(
                "catalog.coupons._reached",
                "        if limit is not None and counts.get((coupon.promotion_id, scope, key), 0) >= limit:\n"
                "            return REASON_OF_SCOPE[Scope(scope)]\n",
                "        pass\n",
            ),
            Edit(
                "catalog.services.redemptions.COUNT",
                "WHERE EXCLUDED.uses_max IS NULL OR counted.uses_count < EXCLUDED.uses_max\n",
                "",
            ),
            Lost("catalog_promotion_count_within"),
        ),
        more=CODES_MORE,
    ),
    Defect(
        "coupon for every first order",
        "Who uses a promotion for first orders does not claim that this order is the first.",
        (
            Edit(
                "catalog.services.redemptions._claim_first_order",
                "        cursor.execute(CLAIM, [channel.pk, owner_id, now, buyer.keys])\n"
                "        return len(cursor.fetchall()) == len(buyer.keys)",
                "        return True",
            ),
        ),
        more=CODES_MORE,
    ),
    Defect(
        "coupon used by nobody",
        "An order is cheaper by its coupon, the use is counted and not kept.",
        (Edit("catalog.services.redemptions.redeem", "return CouponUse.objects.bulk_create(uses)", "return uses"),),
        more=CODES_MORE,
    ),
    Defect(
        "coupon honoured late in silence",
        "A use that had gone back counts outside its limit when the money comes, and nobody is told.",
        (
            Edit(
                "orders.services.pay._settle_coupons",
                "        open_case(",
                "        (lambda *_, **__: None)(",
            ),
        ),
        more={"change_cart": 6, "fill_cart": 3, "left_for_long": 30},
    ),
)
