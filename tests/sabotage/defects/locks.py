"""Mistakes with locks: only threads that really run at the same time can show them."""

from catalog.tests.factories import a_product
from tests.concurrency.test_races import TestLastUnit
from tests.concurrency.test_rounds import TestCancelAgainstCapture, TestReturnPageWebhookAndSweep
from tests.journeys.test_coupons import TestLimits
from tests.sabotage.planting import Defect, Edit, Lost
from tests.shop import Shop


def coupon_limit(shop: Shop) -> None:
    """This will let fifty customers use a coupon that three may use."""
    a_product(shop.channel, sku="SOCK", price_minor=1000, stock=100)
    TestLimits().test_fifty_at_once_use_it_as_often_as_it_says_and_no_more(shop)


DEFECTS = (
    Defect(
        "paid without the lock",
        "Who finds that an order is paid reads it without locking it.",
        (Edit("orders.selectors._order_to_lock", '.select_for_update(of=("self",))', ""),),
        race=TestReturnPageWebhookAndSweep().test_however_they_meet_the_order_is_paid_once,
    ),
    Defect(
        "unconditional reservation",
        "Units are taken whether or not they are there, and no constraint forbids it.",
        (
            Edit(
                "catalog.services.reservations.RESERVE",
                "WHERE stock.id = locked.id AND stock.received - stock.held - stock.committed >= locked.quantity",
                "WHERE stock.id = locked.id",
            ),
            Lost("catalog_stock_available_not_negative"),
        ),
        race=TestLastUnit().test_of_twenty_carts_one_gets_it_and_nineteen_are_told,
    ),
    Defect(
        "coupon counted outside the lock",
        "A coupon's count is read first and written later.",
        (
            Edit(
                "catalog.services.redemptions.COUNT",
                "SET uses_count = counted.uses_count + 1, uses_max = EXCLUDED.uses_max\n"
                "WHERE EXCLUDED.uses_max IS NULL OR counted.uses_count < EXCLUDED.uses_max",
                "SET uses_count = 1 + coalesce((SELECT seen.uses_count FROM catalog_promotioncount AS seen"
                " WHERE seen.id = counted.id), 0), uses_max = EXCLUDED.uses_max\n"
                "WHERE EXCLUDED.uses_max IS NULL OR EXCLUDED.uses_max > coalesce("
                "(SELECT seen.uses_count FROM catalog_promotioncount AS seen WHERE seen.id = counted.id), 0)",
            ),
        ),
        race=coupon_limit,
    ),
    Defect(
        "lock order swapped",
        "The funnel locks attempts before their order, everybody else the order first.",
        (
            Edit(
                "payments.services.funnel._lock_scene",
                "    order = lock_order(order_id)\n    attempts = lock_attempts(order)\n",
                "    attempts = lock_attempts(PaymentAttempt.objects.get(pk=attempt_row_id).order)\n"
                "    order = lock_order(order_id)\n",
            ),
        ),
        race=TestReturnPageWebhookAndSweep().test_however_they_meet_the_order_is_paid_once,
    ),
    Defect(
        "baskets locked as they come",
        "Units are taken in the order of the basket, not of their rows.",
        (
            Edit(
                "catalog.services.reservations.RESERVE",
                "    ORDER BY stock.id\n",
                "    ORDER BY wanted.quantity, random()\n",
            ),
        ),
        race=TestLastUnit().test_crossed_carts_of_new_shops_do_not_deadlock,
    ),
    Defect(
        "cancelled without the lock",
        "A cancellation reads the order it ends without locking it.",
        (
            Edit(
                "checkout.services.cancel.cancel_order",
                "order = lock_order(order_id)",
                'order = models.Order.objects.select_related("channel").get(public_id=order_id)',
                uses={"models": "orders.models"},
            ),
        ),
        race=TestCancelAgainstCapture().test_ends_paid_where_the_cancellation_was_refused_else_with_nothing_kept,
    ),
)
