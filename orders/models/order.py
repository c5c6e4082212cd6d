"""The order: an explicit state machine over money columns that only the funnel writes."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django_fsm import FSMField, FSMModelMixin, transition


class OrderState(models.TextChoices):
    """The states of order_transitions.csv."""

    DRAFT = "draft"
    PAYMENT_PENDING = "payment_pending"
    PAYMENT_AUTHORIZED = "payment_authorized"
    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    EXPIRED = "expired"
    CAPTURE_FAILED = "capture_failed"
    CANCELLED = "cancelled"
    CANCELLED_WITH_REFUND = "cancelled_with_refund"
    FULFILLMENT_PENDING = "fulfillment_pending"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    CLOSED = "closed"


S = OrderState
BEFORE_PAYMENT = (S.DRAFT, S.PAYMENT_PENDING, S.PAYMENT_AUTHORIZED, S.PAYMENT_FAILED, S.EXPIRED, S.CAPTURE_FAILED)
# In these accepted = due (invariant I4), unless the provider took money back after something had left the house.
PAID_STATES = (S.PAID, S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED, S.FULFILLED, S.PARTIALLY_REFUNDED, S.REFUNDED)
CANCELLED_STATES = (S.CANCELLED, S.CANCELLED_WITH_REFUND)
MONEY_COLUMNS = (
    "total_minor",
    "due_minor",
    "authorized_minor",
    "captured_minor",
    "excess_minor",
    "excess_returned_minor",
    "returned_minor",
)


class Order(FSMModelMixin, models.Model):
    """What a customer bought at which price, and where its money and goods stand. Money in minor units of `currency`."""

    public_id = models.CharField(max_length=40, unique=True)
    channel = models.ForeignKey("core.SalesChannel", on_delete=models.PROTECT, related_name="orders")
    number = models.CharField(max_length=16)
    cart_id = models.CharField(max_length=40, help_text="Public id of the cart it was made from.")
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="orders")
    state = FSMField(max_length=32, default=S.DRAFT, choices=S.choices, protected=True)
    version = models.PositiveIntegerField(default=0, help_text="Rises with every history row: ETag and sequence.")
    bucket_id = models.CharField(max_length=40)
    locale = models.CharField(max_length=16)
    is_livemode = models.BooleanField()

    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    due_minor = models.BigIntegerField()
    authorized_minor = models.BigIntegerField(default=0)
    captured_minor = models.BigIntegerField(default=0)
    excess_minor = models.BigIntegerField(default=0)
    excess_returned_minor = models.BigIntegerField(default=0)
    returned_minor = models.BigIntegerField(default=0)
    is_capture_reversed = models.BooleanField(
        default=False, help_text="An open capture_reversed case says why paid < due."
    )

    snapshot = models.JSONField()
    snapshot_hash = models.CharField(max_length=80)
    snapshot_version = models.PositiveSmallIntegerField(default=1)
    policy_versions = models.JSONField(default=dict, help_text="Which policy versions decided.")

    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=64, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True)
    is_fulfillment_requested = models.BooleanField(default=False)
    path_flags = ArrayField(models.CharField(max_length=24), default=list)

    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, help_text="When the expiry sweep looks at it.")
    paid_at = models.DateTimeField(null=True)

    class Meta:
        """What the database refuses by itself."""

        constraints = [
            UniqueConstraint(fields=["channel", "number"], name="orders_order_number_unique"),
            UniqueConstraint(
                fields=["channel", "cart_id"],
                condition=~Q(state__in=["cancelled", "cancelled_with_refund"]),
                name="orders_order_one_per_cart",
            ),
            *[
                CheckConstraint(condition=Q(**{f"{name}__gte": 0}), name=f"orders_{name}_positive")
                for name in MONEY_COLUMNS
            ],
            CheckConstraint(condition=Q(excess_minor__lte=F("captured_minor")), name="orders_excess_within_captured"),
            CheckConstraint(
                condition=Q(excess_returned_minor__lte=F("excess_minor")), name="orders_excess_returned_within"
            ),
            CheckConstraint(
                condition=Q(returned_minor__lte=F("captured_minor") - F("excess_minor")) | Q(is_capture_reversed=True),
                name="orders_returned_within_accepted",
            ),
            CheckConstraint(
                condition=~Q(state__in=[str(state) for state in PAID_STATES])
                | Q(due_minor=F("captured_minor") - F("excess_minor"))
                | Q(is_capture_reversed=True),
                name="orders_paid_means_accepted_is_due",
            ),
        ]
        indexes = [
            Index(fields=["customer", "-id"], name="orders_order_of_customer"),
            Index(
                fields=["expires_at"],
                condition=Q(state__in=["draft", "payment_pending", "payment_failed", "payment_authorized"]),
                name="orders_order_expiry_due",
            ),
            Index(fields=["state", "-id"], name="orders_order_by_state"),
            Index(
                fields=["id"],
                condition=Q(excess_minor__gt=F("excess_returned_minor"))
                | Q(
                    state__in=["draft", "payment_pending", "payment_authorized", "payment_failed", "expired",
                               "capture_failed", "cancelled"],
                    captured_minor__gt=0,
                ),
                name="orders_order_owing",
            ),
            Index(
                fields=["cancel_requested_at"],
                condition=Q(cancel_requested_at__isnull=False)
                & ~Q(state__in=["cancelled", "cancelled_with_refund", "closed"]),
                name="orders_order_cancelling",
            ),
        ]

    def __str__(self) -> str:
        """Show the number for people."""
        return self.number

    @property
    def accepted_minor(self) -> int:
        """Captured for this order and owed: captured less what was reported beyond the due amount."""
        return self.captured_minor - self.excess_minor

    def is_paid_in_full(self) -> bool:
        """Guard: accepted = due in its currency."""
        return self.accepted_minor == self.due_minor

    def is_covered(self) -> bool:
        """Guard: accepted + authorized = due in its currency."""
        return self.accepted_minor + self.authorized_minor == self.due_minor

    def has_nothing_captured(self) -> bool:
        """Guard: nothing captured is owed; what was captured leaves by cancellation_refunded only."""
        return self.captured_minor == 0

    def is_given_back(self) -> bool:
        """Guard: money that could not make the order paid, or arrived after its end, was given back in full."""
        return self.captured_minor > 0 and (
            self.captured_minor == self.excess_minor == self.excess_returned_minor
            or (self.returned_minor == self.accepted_minor and self.excess_returned_minor == self.excess_minor)
        )

    def is_partly_returned(self) -> bool:
        """Guard: 0 < returned < accepted."""
        return 0 < self.returned_minor < self.accepted_minor

    def is_fully_returned(self) -> bool:
        """Guard: returned = accepted."""
        return self.returned_minor == self.accepted_minor > 0

    def is_unreturned(self) -> bool:
        """Guard: returned = 0."""
        return self.returned_minor == 0

    def has_money_owed_again(self) -> bool:
        """Guard: a give-back failed or came back, so that money is owed."""
        return self.returned_minor < self.accepted_minor or self.excess_returned_minor < self.excess_minor

    @transition(
        field=state,
        source=[S.DRAFT, S.CAPTURE_FAILED, S.PAYMENT_FAILED, S.EXPIRED],
        target=S.PAYMENT_PENDING,
        custom={"transition": "payment_started"},
    )
    def payment_started(self) -> None:
        """The provider has acknowledged an attempt."""

    @transition(
        field=state,
        source=[S.PAYMENT_PENDING, S.PAYMENT_FAILED],
        target=S.PAYMENT_AUTHORIZED,
        conditions=[is_covered],
        custom={"transition": "payment_authorized"},
    )
    def payment_authorized(self) -> None:
        """The funds are held."""

    @transition(
        field=state,
        source=[S.PAYMENT_PENDING, S.PAYMENT_AUTHORIZED, S.CAPTURE_FAILED, S.PAYMENT_FAILED, S.EXPIRED],
        target=S.PAID,
        conditions=[is_paid_in_full],
        custom={"transition": "payment_captured"},
    )
    def payment_captured(self) -> None:
        """What is due was taken."""

    @transition(
        field=state,
        source=[S.PAYMENT_PENDING, S.PAYMENT_AUTHORIZED],
        target=S.PAYMENT_FAILED,
        custom={"transition": "payment_failed"},
    )
    def payment_failed(self) -> None:
        """The provider says the current attempt failed."""

    @transition(
        field=state,
        source=[S.PAYMENT_PENDING, S.PAYMENT_AUTHORIZED, S.CAPTURE_FAILED, S.PAYMENT_FAILED],
        target=S.EXPIRED,
        custom={"transition": "expired"},
    )
    def expired(self) -> None:
        """The time is over and nothing can capture any more."""

    @transition(
        field=state,
        source=list(BEFORE_PAYMENT),
        target=S.CANCELLED,
        conditions=[has_nothing_captured],
        custom={"transition": "cancelled"},
    )
    def cancelled(self) -> None:
        """Nothing can capture any more and nothing captured is owed."""

    @transition(
        field=state,
        source=[
            *(state for state in BEFORE_PAYMENT if state != S.DRAFT),
            S.CANCELLED,
            S.PAID,
            S.FULFILLMENT_PENDING,
            S.PARTIALLY_REFUNDED,
        ],
        target=S.CANCELLED_WITH_REFUND,
        conditions=[is_given_back],
        custom={"transition": "cancellation_refunded"},
    )
    def cancellation_refunded(self) -> None:
        """Everything taken was given back."""

    @transition(
        field=state, source=S.PAYMENT_AUTHORIZED, target=S.CAPTURE_FAILED, custom={"transition": "capture_failed"}
    )
    def capture_failed(self) -> None:
        """The provider rejected the capture."""

    @transition(
        field=state,
        source=[S.PAID, S.FULFILLMENT_PENDING],
        target=S.CAPTURE_FAILED,
        custom={"transition": "capture_reversed"},
    )
    def capture_reversed(self) -> None:
        """The provider took the money back before anything left the house."""

    @transition(
        field=state,
        source=S.PAID,
        target=S.FULFILLMENT_PENDING,
        conditions=[is_unreturned],
        custom={"transition": "fulfillment_requested"},
    )
    def fulfillment_requested(self) -> None:
        """The goods were asked for."""

    @transition(
        field=state,
        source=S.FULFILLMENT_PENDING,
        target=S.PARTIALLY_FULFILLED,
        conditions=[is_unreturned],
        custom={"transition": "fulfillment_progressed"},
    )
    def fulfillment_progressed_partially_fulfilled(self) -> None:
        """Some but not all units are with the customer."""

    @transition(
        field=state,
        source=[S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED],
        target=S.FULFILLED,
        conditions=[is_unreturned],
        custom={"transition": "fulfillment_progressed"},
    )
    def fulfillment_progressed_fulfilled(self) -> None:
        """All units are with the customer."""

    @transition(
        field=state,
        source=[S.PAID, S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED, S.FULFILLED],
        target=S.PARTIALLY_REFUNDED,
        conditions=[is_partly_returned],
        custom={"transition": "refund_confirmed"},
    )
    def refund_confirmed_partially_refunded(self) -> None:
        """Part of what was accepted went back."""

    @transition(
        field=state,
        source=[S.PAID, S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED, S.FULFILLED, S.PARTIALLY_REFUNDED],
        target=S.REFUNDED,
        conditions=[is_fully_returned],
        custom={"transition": "refund_confirmed"},
    )
    def refund_confirmed_refunded(self) -> None:
        """All that was accepted went back."""

    @transition(
        field=state,
        source=S.REFUNDED,
        target=S.PARTIALLY_REFUNDED,
        conditions=[is_partly_returned],
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_partially_refunded(self) -> None:
        """Part of a refund came back to us."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.PAID,
        conditions=[is_unreturned],
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_paid(self) -> None:
        """Every refund came back; no fulfillment was requested."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.FULFILLMENT_PENDING,
        conditions=[is_unreturned],
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_fulfillment_pending(self) -> None:
        """Every refund came back; fulfillment was requested."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.PARTIALLY_FULFILLED,
        conditions=[is_unreturned],
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_partially_fulfilled(self) -> None:
        """Every refund came back; some units are fulfilled."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.FULFILLED,
        conditions=[is_unreturned],
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_fulfilled(self) -> None:
        """Every refund came back; all units are fulfilled."""

    @transition(
        field=state,
        source=S.CANCELLED_WITH_REFUND,
        target=S.CANCELLED,
        conditions=[has_money_owed_again],
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_cancelled(self) -> None:
        """A give-back failed or came back: money is owed and a case is open."""

    @transition(
        field=state,
        source=[S.FULFILLED, S.PARTIALLY_REFUNDED, S.REFUNDED, S.CANCELLED_WITH_REFUND],
        target=S.CLOSED,
        custom={"transition": "closed"},
    )
    def closed(self) -> None:
        """Every window is over and nothing is open."""


class OrderLine(models.Model):
    """What the snapshot's line says, never changed, and how many of its units went where."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    unit_price_minor = models.BigIntegerField()
    quantity = models.PositiveIntegerField()
    total_minor = models.BigIntegerField()
    units_cancelled = models.PositiveIntegerField(default=0)
    units_fulfilled = models.PositiveIntegerField(default=0)
    units_given_back = models.PositiveIntegerField(default=0)

    class Meta:
        """Units are never more than bought."""

        constraints = [
            UniqueConstraint(fields=["order", "position"], name="orders_line_position_unique"),
            CheckConstraint(condition=Q(quantity__gte=1), name="orders_line_quantity_positive"),
            CheckConstraint(
                condition=Q(quantity__gte=F("units_cancelled") + F("units_given_back"))
                & Q(quantity__gte=F("units_fulfilled") + F("units_cancelled")),
                name="orders_line_units_within_quantity",
            ),
        ]

    def __str__(self) -> str:
        """Show quantity and SKU."""
        return f"{self.quantity} × {self.sku}"


class Contact(models.Model):
    """Who to reach about an order. Erasable by one service; the snapshot keeps only what tax law needs."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="contact")
    email = models.EmailField(blank=True)
    email_digest = models.CharField(max_length=64, db_index=True, help_text="Keyed look-up hash.")
    phone = models.CharField(max_length=32, blank=True, help_text="E.164.")
    phone_digest = models.CharField(max_length=64, blank=True, db_index=True)
    name = models.CharField(max_length=200, blank=True)
    address = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Show the order, not the person."""
        return f"contact of {self.order_id}"
