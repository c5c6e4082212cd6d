"""Staff: nobody decides alone what needs two, and nothing is done beyond what a role allows."""

# ruff: noqa: S608 - what is put into the SQL here are constants of the code.
from core.money import EXPONENTS
from reconciliation.invariants.check import Check

# How many minor units one major unit of each currency has, as rows.
UNITS = ", ".join(f"('{currency}', {10**digits})" for currency, digits in EXPONENTS.items())
# Each act with the bounds its policy version gave its role, in minor units. Nothing the act says of its limits counts.
BOUNDED_ACTS = f"""
    SELECT act.*, limits."values" -> act.role -> act.action AS bounds, unit.minor_units
        * coalesce((limits."values" -> 'scales' ->> act.currency)::numeric, 1) AS unit_minor
    FROM oversight_staffact AS act
    LEFT JOIN core_policy AS limits ON limits.name = 'limits' AND limits.version = act.policy_version
    LEFT JOIN (VALUES {UNITS}) AS unit (currency, minor_units) ON unit.currency = act.currency
"""
THE_SAME = """
    act.actor = approval.requested_by AND act.action = approval.action AND act.subject_id = approval.subject_id
    AND act.order_public_id = approval.order_public_id AND act.amount_minor IS NOT DISTINCT FROM approval.amount_minor
    AND act.currency = approval.currency AND act.request_digest = approval.request_digest
"""

CHECKS = (
    Check(
        "I18",
        "approved_by_a_second_person",
        "What was approved was approved by somebody else than who asked for it.",
        """
        SELECT public_id AS subject, concat('is ', status, ', asked for by ', requested_by, ', decided by ',
            coalesce(nullif(decided_by, ''), 'nobody')) AS detail
        FROM oversight_approval
        WHERE decided_by = requested_by OR (decided_by = '' AND status IN ('approved', 'executed', 'rejected'))
        """,
    ),
    Check(
        "I18",
        "executed_approval_is_one_act",
        "An approval was executed by exactly one act, by who asked for it and about exactly this; no other was used.",
        f"""
        SELECT coalesce(approval.public_id, act.approval_id) AS subject, concat('is ',
            coalesce(approval.status, 'missing'), ', used by ', count(act.id), ' acts, ',
            count(act.id) FILTER (WHERE {THE_SAME}), ' of them about the same') AS detail
        FROM oversight_approval AS approval
        FULL JOIN (SELECT * FROM oversight_staffact WHERE approval_id <> '') AS act
            ON act.approval_id = approval.public_id
        GROUP BY approval.public_id, approval.status, act.approval_id
        HAVING count(act.id) <> (CASE WHEN approval.status = 'executed' THEN 1 ELSE 0 END)
            OR count(act.id) <> count(act.id) FILTER (WHERE {THE_SAME})
        """,
    ),
    Check(
        "I18",
        "act_has_its_second_person",
        "Whatever the limits do not leave to one person was approved.",
        f"""
        SELECT subject_id AS subject, concat(action, ' of ', amount_minor, ' ', currency, ' by ', actor,
            ' without approval') AS detail
        FROM ({BOUNDED_ACTS}) AS act
        WHERE approval_id = '' AND amount_minor > (bounds ->> 'approval_above_major')::numeric * unit_minor
        """,
    ),
    Check(
        "I18",
        "act_within_its_role",
        "Staff did only what the limits give their role, and not more of it at once than these allow.",
        f"""
        SELECT subject_id AS subject, concat(action, ' of ', coalesce(amount_minor::text, 'nothing'), ' ', currency,
            ' by ', actor, ' as ', role, CASE WHEN bounds IS NULL THEN ' is not permitted' ELSE ' is too much' END)
            AS detail
        FROM ({BOUNDED_ACTS}) AS act
        WHERE bounds IS NULL OR amount_minor > (bounds ->> 'per_act_major')::numeric * unit_minor
        """,
    ),
    Check(
        "I18",
        "acts_within_order_and_day",
        "No order and no day was brought beyond what the role of who acted allows.",
        f"""
        SELECT subject_id AS subject, concat(action, ' by ', actor, ' on ', business_on, ' brought the order to ',
            order_minor, ' and the day to ', day_minor, ' ', currency) AS detail
        FROM (
            SELECT bounded.*,
                sum(amount_minor) OVER (PARTITION BY order_public_id, action, currency ORDER BY id) AS order_minor,
                sum(amount_minor) OVER (PARTITION BY actor, action, currency, business_on ORDER BY id) AS day_minor
            FROM ({BOUNDED_ACTS}) AS bounded
        ) AS act
        WHERE (order_public_id <> '' AND order_minor > (bounds ->> 'per_order_major')::numeric * unit_minor)
            OR day_minor > (bounds ->> 'per_day_major')::numeric * unit_minor
        """,
    ),
    Check(
        "I18",
        "act_has_its_audit_row",
        "Each act of staff stands in the audit trail too.",
        """
        SELECT act.subject_id AS subject, concat(act.action, ' by ', act.actor, ' has no audit row') AS detail
        FROM oversight_staffact AS act WHERE NOT EXISTS (
            SELECT 1 FROM oversight_auditentry AS audit WHERE audit.subject_id = act.subject_id
                AND audit.action = concat('act.', act.action) AND audit.recorded_at = act.recorded_at
                AND audit.after ->> 'actor' = act.actor)
        """,
    ),
)
