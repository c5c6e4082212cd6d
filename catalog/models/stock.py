"""How many we have: stock, and the units kept for orders."""

from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from catalog.models.products import Variant
from core.machines import may_move


class Stock(models.Model):
    """Units of one variant: received = available + held + committed."""

    variant = models.OneToOneField(Variant, on_delete=models.PROTECT, related_name="stock")
    received = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0, help_text="Reserved for checkouts under way.")
    committed = models.BigIntegerField(default=0, help_text="Sold: reserved for paid orders.")
    last_received_at = models.DateTimeField(null=True)

    class Meta:
        """No unit is promised twice and none is negative."""

        constraints = [
            CheckConstraint(condition=Q(held__gte=0), name="catalog_stock_held_not_negative"),
            CheckConstraint(condition=Q(committed__gte=0), name="catalog_stock_committed_not_negative"),
            CheckConstraint(
                condition=Q(received__gte=F("held") + F("committed")), name="catalog_stock_available_not_negative"
            ),
        ]

    def __str__(self) -> str:
        """Show the three figures."""
        return f"{self.received} received, {self.held} held, {self.committed} committed"

    @property
    def available(self) -> int:
        """Units nobody was promised."""
        return self.received - self.held - self.committed


class Reservation(models.Model):
    """Units kept for one order until it is paid, dies, or the time is up."""

    class Status(models.TextChoices):
        """Machine `reservation`."""

        HELD = "held"
        COMMITTED = "committed"
        RELEASED = "released"
        EXPIRED = "expired"

    public_id = models.CharField(max_length=40, unique=True)
    owner_id = models.CharField(max_length=40, help_text="Public id of the order.")
    status = models.CharField(max_length=16, choices=Status)
    expires_at = models.DateTimeField()
    cap_at = models.DateTimeField(help_text="No extension goes beyond; at this time the units go back.")
    extensions_count = models.PositiveIntegerField(default=0)
    policy_version = models.PositiveIntegerField(help_text="Version of policy `reservation` that set the times.")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """An order keeps its units once."""

        constraints = [
            UniqueConstraint(
                fields=["owner_id"],
                condition=Q(status__in=["held", "committed"]),
                name="catalog_reservation_one_live",
            ),
            CheckConstraint(condition=Q(expires_at__lte=F("cap_at")), name="catalog_reservation_within_cap"),
        ]
        indexes = [
            Index(fields=["cap_at"], condition=Q(status="held"), name="catalog_reservation_capped"),
            Index(fields=["owner_id", "-id"], name="catalog_reservation_owner"),
        ]

    def __str__(self) -> str:
        """Show the owner and status."""
        return f"{self.owner_id} {self.status}"

    @property
    def is_live(self) -> bool:
        """Its units are kept: held, or sold."""
        return self.status in {self.Status.HELD, self.Status.COMMITTED}

    def move_to(self, status: "Reservation.Status", *, now: datetime) -> None:
        """This will set the status, and when it ended; callers ask for moves of the machine's table alone."""
        assert may_move("reservation", self.status, status), f"{self.status} to {status}"
        self.status = status
        self.ended_at = None if self.is_live else now


class ReservationLine(models.Model):
    """How many units of one stock a reservation keeps."""

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="lines", db_index=False)
    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    units_restocked = models.PositiveIntegerField(default=0, help_text="Sold, given back, and for sale again.")

    class Meta:
        """One row per stock, of at least one unit; no more comes back than was kept."""

        constraints = [
            UniqueConstraint(fields=["reservation", "stock"], name="catalog_reservation_line_unique"),
            CheckConstraint(condition=Q(quantity__gte=1), name="catalog_reservation_line_positive"),
            CheckConstraint(condition=Q(units_restocked__lte=F("quantity")), name="catalog_reservation_line_restocked"),
        ]

    def __str__(self) -> str:
        """Show the quantity."""
        return str(self.quantity)
