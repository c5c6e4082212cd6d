"""The order: an explicit state machine over money columns that only the funnel writes."""

from collections.abc import Collection

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django_fsm import FSMField, FSMModelMixin, transition

from orders.models.money import BEFORE_PAYMENT, MONEY_COLUMNS, PAID_STATES, OrderMoney, S, when


class Order(FSMModelMixin, OrderMoney):
    """What a customer bought at which price, and where its money and goods stand. Money in minor units of
    `currency`.
    """

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

    snapshot = models.JSONField()
    snapshot_hash = models.CharField(max_length=80)
    snapshot_version = models.PositiveSmallIntegerField(default=1)
    policy_versions = models.JSONField(default=dict, help_text="Which policy versions decided.")

    cancel_requested_at = models.DateTimeField(null=True)
    cancel_requested_by = models.CharField(max_length=64, blank=True)
    cancel_reason = models.CharField(max_length=200, blank=True)
    is_fulfillment_requested = models.BooleanField(default=False)
    is_sale_recognised = models.BooleanField(default=False, help_text="In the books: from paid until undone.")
    sales_count = models.PositiveSmallIntegerField(default=0, help_text="How often it was recognised as a sale.")
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
                condition=Q(
                    state__in=["draft", "payment_pending", "payment_failed", "payment_authorized", "capture_failed"]
                ),
                name="orders_order_expiry_due",
            ),
            Index(fields=["state", "-id"], name="orders_order_by_state"),
            Index(
                fields=["paid_at"],
                condition=Q(state__in=["fulfilled", "partially_refunded", "refunded", "cancelled_with_refund"]),
                name="orders_order_closing",
            ),
            Index(
                fields=["id"],
                condition=Q(excess_minor__gt=F("excess_returned_minor"))
                | Q(
                    state__in=[
                        "draft",
                        "payment_pending",
                        "payment_authorized",
                        "payment_failed",
                        "expired",
                        "capture_failed",
                        "cancelled",
                    ],
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

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """Leave the state out: its machine knows what it may be, and cleaning would assign it."""
        super().clean_fields(exclude={*(exclude or ()), "state"})

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
        conditions=when(OrderMoney.is_covered),
        custom={"transition": "payment_authorized"},
    )
    def payment_authorized(self) -> None:
        """The funds are held."""

    @transition(
        field=state,
        source=[S.PAYMENT_PENDING, S.PAYMENT_AUTHORIZED, S.CAPTURE_FAILED, S.PAYMENT_FAILED, S.EXPIRED],
        target=S.PAID,
        conditions=when(OrderMoney.is_paid_in_full),
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
        conditions=when(OrderMoney.has_nothing_captured),
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
        conditions=when(OrderMoney.is_given_back),
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
        conditions=when(OrderMoney.is_unreturned),
        custom={"transition": "fulfillment_requested"},
    )
    def fulfillment_requested(self) -> None:
        """The goods were asked for."""

    @transition(
        field=state,
        source=S.FULFILLMENT_PENDING,
        target=S.PARTIALLY_FULFILLED,
        conditions=when(OrderMoney.is_unreturned),
        custom={"transition": "fulfillment_progressed"},
    )
    def fulfillment_progressed_partially_fulfilled(self) -> None:
        """Some but not all units are with the customer."""

    @transition(
        field=state,
        source=[S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED],
        target=S.FULFILLED,
        conditions=when(OrderMoney.is_unreturned),
        custom={"transition": "fulfillment_progressed"},
    )
    def fulfillment_progressed_fulfilled(self) -> None:
        """All units are with the customer."""

    @transition(
        field=state,
        source=[S.PAID, S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED, S.FULFILLED],
        target=S.PARTIALLY_REFUNDED,
        conditions=when(OrderMoney.is_partly_returned),
        custom={"transition": "refund_confirmed"},
    )
    def refund_confirmed_partially_refunded(self) -> None:
        """Part of what was accepted went back."""

    @transition(
        field=state,
        source=[S.PAID, S.FULFILLMENT_PENDING, S.PARTIALLY_FULFILLED, S.FULFILLED, S.PARTIALLY_REFUNDED],
        target=S.REFUNDED,
        conditions=when(OrderMoney.is_fully_returned),
        custom={"transition": "refund_confirmed"},
    )
    def refund_confirmed_refunded(self) -> None:
        """All that was accepted went back."""

    @transition(
        field=state,
        source=S.REFUNDED,
        target=S.PARTIALLY_REFUNDED,
        conditions=when(OrderMoney.is_partly_returned),
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_partially_refunded(self) -> None:
        """Part of a refund came back to us."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.PAID,
        conditions=when(OrderMoney.is_unreturned),
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_paid(self) -> None:
        """Every refund came back; no fulfillment was requested."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.FULFILLMENT_PENDING,
        conditions=when(OrderMoney.is_unreturned),
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_fulfillment_pending(self) -> None:
        """Every refund came back; fulfillment was requested."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.PARTIALLY_FULFILLED,
        conditions=when(OrderMoney.is_unreturned),
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_partially_fulfilled(self) -> None:
        """Every refund came back; some units are fulfilled."""

    @transition(
        field=state,
        source=[S.PARTIALLY_REFUNDED, S.REFUNDED],
        target=S.FULFILLED,
        conditions=when(OrderMoney.is_unreturned),
        custom={"transition": "refund_reversed"},
    )
    def refund_reversed_fulfilled(self) -> None:
        """Every refund came back; all units are fulfilled."""

    @transition(
        field=state,
        source=S.CANCELLED_WITH_REFUND,
        target=S.CANCELLED,
        conditions=when(OrderMoney.has_money_owed_again),
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
