"""A second person decides, once and in time; acts of staff stay within role, limits and approval: whoever writes."""

from django.db import migrations

from core import guards
from core.machines import MOVES

APPROVAL_FROZEN = [
    "public_id", "action", "subject_id", "order_public_id", "amount_minor", "currency", "reason_code", "note",
    "request_digest", "requested_by", "requested_at", "expires_at", "trace_id",
]  # fmt: skip

# The decision is written by deciding and the execution by executing, neither before nor after; who decides works here
# and has a role that may do the act.
APPROVAL_DECIDED = """
CREATE OR REPLACE FUNCTION oversight_approval_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE is_decided boolean := OLD.status = 'requested' AND NEW.status IN ('approved', 'rejected');
BEGIN
    IF ((OLD.decided_by, OLD.decided_at, OLD.decision_note) IS DISTINCT FROM
            (NEW.decided_by, NEW.decided_at, NEW.decision_note) AND NOT is_decided)
        OR (OLD.executed_at IS DISTINCT FROM NEW.executed_at
            AND NOT (OLD.status = 'approved' AND NEW.status = 'executed'))
    THEN
        RAISE EXCEPTION 'approval % is decided once and executed once', OLD.public_id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    IF is_decided AND NOT EXISTS (
        SELECT 1 FROM accounts_user AS decider
        CROSS JOIN LATERAL (SELECT policy."values" FROM core_policy AS policy WHERE policy.name = 'limits'
            ORDER BY policy.version DESC LIMIT 1) AS limits
        WHERE decider.public_id = substr(NEW.decided_by, 7) AND decider.is_staff AND decider.is_active
            AND limits."values" -> CASE WHEN decider.is_superuser THEN 'administrator' ELSE decider.staff_role END
                ? NEW.action
    ) THEN
        RAISE EXCEPTION '% may not decide on %', NEW.decided_by, NEW.action
            USING ERRCODE = '23514', CONSTRAINT = 'oversight_approval_decider', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS oversight_approval_written_once ON oversight_approval;
CREATE TRIGGER oversight_approval_written_once BEFORE UPDATE ON oversight_approval
    FOR EACH ROW EXECUTE FUNCTION oversight_approval_written_once();
"""

# At commit, what was executed stands among the acts; one act at most by the unique index there.
EXECUTED_IS_AN_ACT = """
BEGIN
    IF NEW.status = 'executed' AND NOT EXISTS (
        SELECT 1 FROM oversight_staffact WHERE approval_id = NEW.public_id
    ) THEN
        RAISE EXCEPTION 'approval % was executed by no act', NEW.public_id
            USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END
"""

# Note [Sums under a lock]: the two advisory locks, first of the order, then of the person, are those of
# `selectors.lock_sums`; they are taken here as well, so that hand-written SQL waits like everybody. Each SELECT of the
# function sees what was committed before it began, hence also what the holder of the lock wrote.
ACT_WITHIN = """
CREATE OR REPLACE FUNCTION oversight_staffact_within() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.order_public_id <> '' THEN
        PERFORM pg_advisory_xact_lock(hashtext('oversight.act.order'), hashtext(NEW.order_public_id));
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('oversight.act.actor'), hashtext(NEW.actor));
    IF NOT EXISTS (
        SELECT 1 FROM accounts_user AS staff
        JOIN core_policy AS policy ON policy.name = 'limits' AND policy.version = NEW.policy_version
        WHERE staff.public_id = substr(NEW.actor, 7) AND staff.is_staff AND staff.is_active
            AND NEW.role = CASE WHEN staff.is_superuser THEN 'administrator' ELSE staff.staff_role END
            AND policy."values" -> NEW.role ? NEW.action
    ) THEN
        RAISE EXCEPTION '% may not % as %', NEW.actor, NEW.action, NEW.role
            USING ERRCODE = '23514', CONSTRAINT = 'oversight_staffact_permitted', TABLE = TG_TABLE_NAME;
    END IF;
    IF NEW.order_public_id <> '' AND NEW.amount_minor + (
        SELECT coalesce(sum(amount_minor), 0) FROM oversight_staffact
        WHERE order_public_id = NEW.order_public_id AND action = NEW.action AND currency = NEW.currency
    ) > NEW.order_max_minor THEN
        RAISE EXCEPTION '% of order % is beyond what % may do', NEW.action, NEW.order_public_id, NEW.role
            USING ERRCODE = '23514', CONSTRAINT = 'oversight_staffact_per_order', TABLE = TG_TABLE_NAME;
    END IF;
    IF NEW.amount_minor + (
        SELECT coalesce(sum(amount_minor), 0) FROM oversight_staffact
        WHERE actor = NEW.actor AND action = NEW.action AND currency = NEW.currency AND business_on = NEW.business_on
    ) > NEW.day_max_minor THEN
        RAISE EXCEPTION '% of % is beyond what % may do in a day', NEW.action, NEW.actor, NEW.role
            USING ERRCODE = '23514', CONSTRAINT = 'oversight_staffact_per_day', TABLE = TG_TABLE_NAME;
    END IF;
    IF NEW.approval_id <> '' AND NOT EXISTS (
        SELECT 1 FROM oversight_approval WHERE public_id = NEW.approval_id AND status = 'executed'
            AND requested_by = NEW.actor AND action = NEW.action AND subject_id = NEW.subject_id
            AND order_public_id = NEW.order_public_id AND amount_minor IS NOT DISTINCT FROM NEW.amount_minor
            AND currency = NEW.currency AND request_digest = NEW.request_digest
    ) THEN
        RAISE EXCEPTION 'approval % is not about this act', NEW.approval_id
            USING ERRCODE = '23514', CONSTRAINT = 'oversight_staffact_approved', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS oversight_staffact_within ON oversight_staffact;
CREATE TRIGGER oversight_staffact_within BEFORE INSERT ON oversight_staffact
    FOR EACH ROW EXECUTE FUNCTION oversight_staffact_within();
"""

SQL = (
    guards.state_machine("oversight_approval", "status", births=["requested"], moves=MOVES["approval"])
    + guards.frozen_columns("oversight_approval", APPROVAL_FROZEN)
    + APPROVAL_DECIDED
    + guards.no_delete("oversight_approval")
    + guards.deferred_check(
        "oversight_approval", "oversight_approval_executed_is_an_act", events="UPDATE OF status", body=EXECUTED_IS_AN_ACT
    )
    + guards.append_only("oversight_staffact")
    + ACT_WITHIN
)


class Migration(migrations.Migration):
    dependencies = [
        ("oversight", "0005_approvals"),
        ("core", "0013_limits"),
        ("accounts", "0005_staff_roles"),
    ]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
