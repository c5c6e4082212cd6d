"""What staff did with money or orders, by whom, why and within which limits."""

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from accounts.models import StaffRole
from core.models import SalesChannel


class Action(models.TextChoices):
    """What staff may do to an order or its money; policy `limits` says which role may do how much of each."""

    REFUND = "refund"
    GOODWILL_REFUND = "goodwill_refund"
    OFFLINE_REFUND = "offline_refund"
    REFUND_WHILE_DISPUTED = "refund_while_disputed"
    VOID = "void"
    CAPTURE = "capture"
    CANCEL = "cancel"
    RELEASE_HOLD = "release_hold"
    ACCEPT_MISMATCH = "accept_mismatch"
    REPLAY = "replay"


# Acts that are nothing without an amount; the others may name what is at stake.
MONEY_ACTIONS = [
    Action.REFUND, Action.GOODWILL_REFUND, Action.OFFLINE_REFUND, Action.REFUND_WHILE_DISPUTED, Action.VOID,
    Action.CAPTURE, Action.ACCEPT_MISMATCH,
]  # fmt: skip


class ReasonCode(models.TextChoices):
    """The closed list of why staff act; `other` needs a note."""

    CUSTOMER_REQUEST = "customer_request"
    DAMAGED = "damaged"
    NOT_RECEIVED = "not_received"
    WRONG_ITEM = "wrong_item"
    LATE = "late"
    GOODWILL = "goodwill"
    DUPLICATE = "duplicate"
    FRAUD_SUSPECTED = "fraud_suspected"
    PRICE_ERROR = "price_error"
    CANCELLATION = "cancellation"
    DISPUTE_ACCEPTED = "dispute_accepted"
    OTHER = "other"


STAFF_ACTOR = r"^staff:usr_[0-9A-HJKMNP-TV-Z]{26}$"
SHA_256 = "^[0-9a-f]{64}$"
HAS_MONEY = Q(amount_minor__gt=0, currency__regex="^[A-Z]{3}$")
HAS_NO_MONEY = Q(amount_minor=None, currency="") & ~Q(action__in=[action.value for action in MONEY_ACTIONS])


class StaffAct(models.Model):
    """One act, within the limits that stand beside it. Append-only; the sums of days and orders are made of these.

    A limit of None is none.
    """

    actor = models.CharField(max_length=64)
    role = models.CharField(max_length=16, choices=StaffRole)
    action = models.CharField(max_length=32, choices=Action)
    subject_id = models.CharField(max_length=40, db_index=True, help_text="Public id of what was acted on.")
    order_public_id = models.CharField(max_length=40, blank=True)
    channel = models.ForeignKey(SalesChannel, on_delete=models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    business_on = models.DateField(help_text="The day in the channel's zone.")
    reason_code = models.CharField(max_length=32, choices=ReasonCode)
    note = models.CharField(max_length=500, blank=True)
    request_digest = models.CharField(max_length=64, help_text="SHA-256 of exactly what was done.")
    approval_id = models.CharField(max_length=40, blank=True, help_text="Public id of the approval it used.")
    policy_version = models.PositiveIntegerField(help_text="Of policy `limits`, which the following are from.")
    act_max_minor = models.BigIntegerField(null=True)
    order_max_minor = models.BigIntegerField(null=True)
    day_max_minor = models.BigIntegerField(null=True)
    approval_above_minor = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField()
    trace_id = models.CharField(max_length=40, blank=True)

    class Meta:
        """Within its limits, for a reason; triggers look at role, sums and approval."""

        constraints = [
            CheckConstraint(
                condition=Q(
                    action__in=Action.values,
                    reason_code__in=ReasonCode.values,
                    role__in=StaffRole.values,
                    actor__regex=STAFF_ACTOR,
                    request_digest__regex=SHA_256,
                ),
                name="oversight_staffact_codes_known",
            ),
            CheckConstraint(condition=~Q(reason_code="other") | ~Q(note=""), name="oversight_staffact_other_says_why"),
            CheckConstraint(condition=HAS_MONEY | HAS_NO_MONEY, name="oversight_staffact_money"),
            CheckConstraint(
                condition=Q(amount_minor=None) | Q(act_max_minor=None) | Q(amount_minor__lte=F("act_max_minor")),
                name="oversight_staffact_per_act",
            ),
            CheckConstraint(
                condition=Q(amount_minor=None)
                | Q(approval_above_minor=None)
                | Q(amount_minor__lte=F("approval_above_minor"))
                | ~Q(approval_id=""),
                name="oversight_staffact_second_person",
            ),
            UniqueConstraint(
                fields=["approval_id"], condition=~Q(approval_id=""), name="oversight_staffact_one_approval"
            ),
        ]
        indexes = [
            Index(fields=["order_public_id", "action", "currency"], name="oversight_staffact_order"),
            Index(fields=["actor", "action", "currency", "business_on"], name="oversight_staffact_day"),
        ]

    def __str__(self) -> str:
        """Show action and subject."""
        return f"{self.action} {self.subject_id}"
