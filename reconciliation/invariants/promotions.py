"""Coupons: counts within their limits and equal to the uses, and uses that agree with the state of their order."""

# ruff: noqa: S608 - what is put into the SQL here are constants of these modules.
from reconciliation.invariants.check import Check
from reconciliation.invariants.orders import BEFORE_PAYMENT, CANCELLED

CHECKS = (
    Check(
        "I15",
        "coupon_counts_within_limits",
        "No promotion is in use more often than the limit that decided last, in no scope.",
        """
        SELECT promotion.public_id AS subject, concat(counted.uses_count, ' uses of ', counted.uses_max, ' by ',
            counted.scope) AS detail
        FROM catalog_promotioncount AS counted JOIN catalog_promotion AS promotion ON promotion.id =
            counted.promotion_id
        WHERE counted.uses_count > counted.uses_max OR counted.uses_count < 0
        """,
    ),
    Check(
        "I15",
        "coupon_counts_are_sums_of_uses",
        "Every count is the number of uses held or used in its scope: what went back and what was honoured late is in "
        "none.",
        """
        SELECT promotion.public_id AS subject, concat(coalesce(counted.scope, uses.scope), ' ',
            coalesce(counted.key, uses.key), ' counts ', coalesce(counted.uses_count, 0), ', ',
            coalesce(uses.uses_count, 0), ' uses live') AS detail
        FROM catalog_promotioncount AS counted FULL JOIN (
            SELECT live.promotion_id, scopes.scope, scopes.key, count(*) AS uses_count
            FROM catalog_couponuse AS live CROSS JOIN LATERAL (VALUES
                ('coupon', live.coupon_id::text), ('total', ''), ('customer', nullif(live.customer_key, '')),
                ('customer', nullif(live.contact_key, '')), ('period', nullif(live.period_key, ''))
            ) AS scopes (scope, key)
            WHERE live.status IN ('held', 'used') AND scopes.key IS NOT NULL
            GROUP BY live.promotion_id, scopes.scope, scopes.key
        ) AS uses ON uses.promotion_id = counted.promotion_id AND uses.scope = counted.scope AND uses.key = counted.key
        JOIN catalog_promotion AS promotion ON promotion.id = coalesce(counted.promotion_id, uses.promotion_id)
        WHERE coalesce(counted.uses_count, 0) <> coalesce(uses.uses_count, 0)
        """,
    ),
    Check(
        "I15",
        "first_order_is_claimed_once",
        "Who has a promotion for first orders in use has it in the one order that claimed them, and nobody else is "
        "claimed.",
        """
        SELECT coalesce(claimed.order_public_id, uses.order_public_id) AS subject, concat('claimed by ',
            coalesce(claimed.order_public_id, 'none'), ', in use in ', coalesce(uses.order_public_id, 'none')) AS detail
        FROM catalog_firstorder AS claimed FULL JOIN (
            SELECT DISTINCT promotion.channel_id, keys.key, live.order_public_id
            FROM catalog_couponuse AS live JOIN catalog_promotion AS promotion ON promotion.id = live.promotion_id
            CROSS JOIN LATERAL (VALUES (live.customer_key), (live.contact_key)) AS keys (key)
            WHERE promotion.is_first_order_only AND live.status IN ('held', 'used') AND keys.key <> ''
        ) AS uses ON uses.channel_id = claimed.channel_id AND uses.key = claimed.key
            AND uses.order_public_id = claimed.order_public_id
        WHERE claimed.id IS NULL OR uses.key IS NULL
        """,
    ),
    Check(
        "I15",
        "coupon_use_follows_its_order",
        "A use is held before payment, used or honoured late once paid, and given back when the order is dead.",
        f"""
        SELECT coalesce("order".public_id, coupon_use.order_public_id) AS subject, concat(coupon_use.public_id, ' is ',
            coupon_use.status, ' for an order that is ', coalesce("order".state, 'missing')) AS detail
        FROM catalog_couponuse AS coupon_use LEFT JOIN orders_order AS "order" ON "order".public_id =
            coupon_use.order_public_id
        WHERE "order".state IS NULL OR coupon_use.status <> ALL (CASE
            WHEN "order".state IN {CANCELLED} OR "order".state = 'expired' THEN ARRAY['given_back', 'honoured_late']
            WHEN "order".paid_at IS NOT NULL THEN ARRAY['used', 'honoured_late']
            WHEN "order".state IN {BEFORE_PAYMENT} THEN ARRAY['held']
            ELSE ARRAY[]::text[] END)
        """,
    ),
    Check(
        "I15",
        "order_has_its_coupon_uses",
        "An order whose snapshot names a coupon has a use of it, and no order another.",
        """
        SELECT coalesce(named.order_public_id, found.order_public_id) AS subject, concat('snapshot names ',
            coalesce(named.promotions, 'none'), ', uses are of ', coalesce(found.promotions, 'none')) AS detail
        FROM (
            SELECT "order".public_id AS order_public_id, string_agg(each ->> 'promotion_id', ' '
                ORDER BY each ->> 'promotion_id') AS promotions
            FROM orders_order AS "order" CROSS JOIN LATERAL jsonb_array_elements(
                coalesce("order".snapshot -> 'promotions', '[]')) AS each
            GROUP BY "order".public_id
        ) AS named FULL JOIN (
            SELECT coupon_use.order_public_id, string_agg(promotion.public_id, ' ' ORDER BY promotion.public_id)
                AS promotions
            FROM catalog_couponuse AS coupon_use JOIN catalog_promotion AS promotion ON promotion.id =
                coupon_use.promotion_id
            GROUP BY coupon_use.order_public_id
        ) AS found ON found.order_public_id = named.order_public_id
        WHERE named.promotions IS DISTINCT FROM found.promotions
        """,
    ),
    Check(
        "I15",
        "honoured_late_has_a_case",
        "People were told of every coupon that counts outside its limit.",
        """
        SELECT coupon_use.order_public_id AS subject, concat(coupon_use.public_id, ' was honoured late without a case')
            AS detail
        FROM catalog_couponuse AS coupon_use
        WHERE coupon_use.status = 'honoured_late' AND NOT EXISTS (SELECT 1 FROM oversight_case AS told
            WHERE told.type = 'coupon_honoured_late' AND told.subject_id = coupon_use.public_id)
        """,
    ),
)
