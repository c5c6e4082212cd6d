"""Mistakes about who may do what, and about books that are closed, sealed and counted."""

from tests.sabotage.planting import Defect, Edit, Lost, Routine

STAFF = {"refund_as_staff": 25, "decide_refund": 15, "refund_by_rule": 0, "start": 3, "confirm": 2, "fill_cart": 2}

DEFECTS = (
    Defect(
        "own request approved",
        "Who asked decides, and no constraint forbids it.",
        (
            Edit(
                "oversight.services.approvals._decide",
                "    if approval.requested_by == cause.actor:\n        raise OwnRequest(approval_id=approval_id)\n",
                "",
            ),
            Edit(
                "oversight.services.approvals._decide",
                "    _require_may_decide(approval, approver=approver)\n",
                "",
            ),
            Lost("oversight_approval_second_person"),
        ),
        more=STAFF,
    ),
    Defect(
        "second person not asked",
        "Whatever the amount, one person is enough, and no constraint forbids it.",
        (
            Edit(
                "oversight.services.limits.check_limits",
                "needs_approval=bounds is not None and _is_beyond(act.money, bounds.approval_above_minor)",
                "needs_approval=False",
            ),
            Lost("oversight_staffact_second_person"),
        ),
        more=STAFF,
    ),
    Defect(
        "limits in pennies",
        "A limit of so many pounds is compared with pennies a hundred times as many, and no constraint forbids it.",
        (
            Edit("oversight.services.limits.bound_minor", "scaled.scaleb(exponent(currency))", "scaled.scaleb(9)"),
            Lost("oversight_staffact_per_act"),
            Lost("oversight_staffact_second_person"),
            Lost("oversight_staffact_within"),
        ),
        more=STAFF,
    ),
    Defect(
        "sums not counted",
        "Each act is compared with the limits of order and day as if it were the first, and no trigger forbids it.",
        (
            Edit(
                "oversight.services.limits._in_the_way",
                "    if act.order_public_id and bounds.order_max_minor is not None:",
                "    if True:\n        return None\n    if act.order_public_id and bounds.order_max_minor is not None:",
            ),
            Lost("oversight_staffact_within"),
        ),
        more={
            **STAFF,
            "fill_cart": 6,
            "start": 6,
            "confirm": 4,
            "deliver": 2,
            "work": 2,
            "charge_twice": 0,
            "days_pass": 0.2,
        },
        mood="even",
    ),
    Defect(
        "act without audit",
        "What staff does is not written into the audit trail.",
        (Edit("oversight.services.acts.record_act", "    _note(recorded, cause=cause)\n", ""),),
        more=STAFF,
    ),
    Defect(
        "approval of something",
        "An approval is used up, and the act does not say which; no trigger forbids it.",
        (
            Edit("oversight.services.acts.record_act", "approval_id=approval_id,", 'approval_id="",'),
            Lost("oversight_approval_executed_is_an_act"),
            Lost("oversight_staffact_second_person"),
        ),
        more=STAFF,
    ),
    Defect(
        "closed day reopened",
        "What comes late is booked on the day it happened, also when that is closed, and no trigger forbids it.",
        (Routine("ledger_open_day", "closed_through IS NULL OR", "true OR"),),
        more={"close_the_day": 20, "days_pass": 3},
    ),
    Defect(
        "counted from scratch",
        "A checkpoint counts what came since the last one and forgets what was there.",
        (
            Edit(
                "ledger.services.checkpoints._COUNT",
                "coalesce(last.balance_minor, 0) + mode.added_minor",
                "mode.added_minor",
            ),
        ),
        more={
            "sweep": 3,
            "fill_cart": 3,
            "start": 3,
            "confirm": 3,
            "deliver": 2,
            "work": 2,
            "charge_twice": 0,
            "days_pass": 0.3,
        },
        mood="even",
        is_played_to_the_end=True,
    ),
    Defect(
        "failed once, failed for ever",
        "Events that could not be processed are not looked for again.",
        (Edit("webhooks.selectors.lock_due_event_ids", "'parked', 'failed')", "'parked')"),),
        is_played_to_the_end=True,
        more={"provider_fault": 4, "deliver": 2, "work": 2},
    ),
)
