"""Approvals: a second person agrees to one exact act, which then happens once or never."""

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from oversight.models.acts import HAS_MONEY, HAS_NO_MONEY, SHA_256, STAFF_ACTOR, Action, ReasonCode


class Approval(models.Model):
    """Asked for by one member of staff, decided by another, executed once before it expires.

    `request_digest` is the SHA-256 of exactly what will be executed: anything else is not what was approved.
    """

    class Status(models.TextChoices):
        """Machine `approval`."""

        REQUESTED = "requested"
        APPROVED = "approved"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"
        EXECUTED = "executed"

    public_id = models.CharField(max_length=40, unique=True)
    action = models.CharField(max_length=32, choices=Action)
    subject_id = models.CharField(max_length=40, help_text="Public id of what will be acted on.")
    order_public_id = models.CharField(max_length=40, blank=True, db_index=True)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    reason_code = models.CharField(max_length=32, choices=ReasonCode)
    note = models.CharField(max_length=500, blank=True)
    request_digest = models.CharField(max_length=64)
    requested_by = models.CharField(max_length=64)
    requested_at = models.DateTimeField()
    status = models.CharField(max_length=16, choices=Status)
    decided_by = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=500, blank=True)
    expires_at = models.DateTimeField()
    executed_at = models.DateTimeField(null=True)
    trace_id = models.CharField(max_length=40, blank=True)

    class Meta:
        """Decided by a second person or not at all, in time; one open for the same."""

        constraints = [
            CheckConstraint(condition=~Q(decided_by=F("requested_by")), name="oversight_approval_second_person"),
            CheckConstraint(
                condition=Q(status__in=["requested", "withdrawn"], decided_by="", decided_at=None)
                | Q(
                    status__in=["approved", "rejected", "executed"],
                    decided_by__regex=STAFF_ACTOR,
                    decided_at__isnull=False,
                )
                | Q(status="expired", decided_by="", decided_at=None)
                | Q(status="expired", decided_by__regex=STAFF_ACTOR, decided_at__isnull=False),
                name="oversight_approval_decided_matches",
            ),
            CheckConstraint(
                condition=Q(status="executed", executed_at__isnull=False)
                | (~Q(status="executed") & Q(executed_at=None)),
                name="oversight_approval_executed_matches",
            ),
            CheckConstraint(
                condition=Q(requested_at__lt=F("expires_at"))
                & (Q(decided_at=None) | Q(decided_at__lt=F("expires_at")))
                & (Q(executed_at=None) | Q(executed_at__lt=F("expires_at"))),
                name="oversight_approval_in_time",
            ),
            CheckConstraint(
                condition=Q(
                    action__in=Action.values,
                    reason_code__in=ReasonCode.values,
                    requested_by__regex=STAFF_ACTOR,
                    request_digest__regex=SHA_256,
                ),
                name="oversight_approval_codes_known",
            ),
            CheckConstraint(condition=~Q(reason_code="other") | ~Q(note=""), name="oversight_approval_other_says_why"),
            CheckConstraint(condition=HAS_MONEY | HAS_NO_MONEY, name="oversight_approval_money"),
            UniqueConstraint(
                fields=["action", "subject_id", "request_digest"],
                condition=Q(status__in=["requested", "approved"]),
                name="oversight_approval_one_open",
            ),
        ]
        indexes = [Index(fields=["status", "expires_at"], name="oversight_approval_due")]

    def __str__(self) -> str:
        """Show action and subject."""
        return f"{self.action} {self.subject_id}"
