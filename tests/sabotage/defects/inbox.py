"""Mistakes at the door and behind it."""

from tests.sabotage.planting import Defect, Edit, Lost, Routine

APPLY = "webhooks.services.processing._apply"

DEFECTS = (
    Defect(
        "event marked processed before its effect",
        "An event is called processed in one transaction and takes effect in the next.",
        (
            Edit(
                APPLY,
                """        event = _lock_ours(leased)
        applied = [apply_update(update, account=account, cause=cause) for update in reading.updates]
""",
                """        event = _lock_ours(leased)
        event.processed_at = now
        _release(event, status=Event.Status.PROCESSED, reason=reading.reason, next_try_at=None)
    with order_transaction("webhooks.effect"):
        applied = [apply_update(update, account=account, cause=cause) for update in reading.updates]
""",
            ),
        ),
        is_between=True,
        dies_at=frozenset({"tx:webhooks.effect"}),
        more={"confirm": 3, "deliver": 3, "work": 3},
    ),
    Defect(
        "duplicate delivery processed",
        "Each delivery of an event is stored and processed as a new one.",
        (
            Lost("webhooks_event_once"),
            Routine(
                "webhooks_store",
                "ON CONFLICT (account_id, event_key) DO NOTHING RETURNING id INTO known_id",
                "RETURNING id INTO known_id",
            ),
        ),
    ),
    Defect(
        "event for an unknown payment dropped",
        "What is about a payment nobody knows is ignored instead of kept.",
        (
            Edit(
                "webhooks.services.processing._process_leased",
                """            _park(leased, reason=reading.reason, now=now)
        else:""",
                """            _apply(leased, reading=EventReading(outcome="ignored", reason=reading.reason), now=now)
        else:""",
            ),
        ),
        more={"stranger_pays": 6},
    ),
    Defect(
        "sweep trusts the message",
        "Whom the sweep has woken is taken for served: the row is due no more.",
        (
            Edit(
                "webhooks.services.sweeping.sweep",
                "UPDATE webhooks_event SET lease_expires_at = %s WHERE id = ANY(%s) AND status <> 'processing'",
                "UPDATE webhooks_event SET next_try_at = %s + interval '1 year' WHERE id = ANY(%s)",
            ),
        ),
        is_played_to_the_end=True,
        more={"task_lost": 8, "broker_emptied": 8, "sweep": 3},
    ),
    Defect(
        "time of processing forgotten",
        "An event is processed and does not say since when.",
        (Edit(APPLY, "        event.processed_at = now\n", ""),),
    ),
    Defect(
        "event known by its payment",
        "History names the payment an event is about in the place of the event.",
        (Edit(APPLY, "event_id=leased.event_key", "event_id=leased.object_id"),),
    ),
    Defect(
        "dead without a word",
        "One kind of event cannot be read, and nobody is told that it was given up.",
        (
            Edit(
                "webhooks.services.processing._read",
                "    if body is None:",
                '    if leased.type == "charge.succeeded":\n        raise ValueError\n    if body is None:',
            ),
            Edit(
                "webhooks.services.processing._bury",
                "    _ask_people(event, CaseType.WEBHOOK_DEAD, severity=Case.Severity.HIGH, reason=reason, now=now)\n",
                "",
            ),
        ),
        more={"sweep": 3, "minutes_pass": 4, "deliver": 2},
    ),
    Defect(
        "each hearing counts",
        "Events are told apart by delivery, and amounts are added.",
        (
            Lost("webhooks_event_once"),
            Routine(
                "webhooks_store",
                "ON CONFLICT (account_id, event_key) DO NOTHING RETURNING id INTO known_id",
                "RETURNING id INTO known_id",
            ),
            Edit(
                "payments.services.learn._take_in_captured",
                "attempt.captured_minor = max(attempt.captured_minor, attempt.kept_minor + update.captured_minor)",
                "attempt.captured_minor += update.captured_minor",
            ),
        ),
        is_played_to_the_end=True,
    ),
)
