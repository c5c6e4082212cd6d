"""Orders: the list, and everything that is known about one on one page."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from accounts.models import User
from checkout.answers import view_order
from checkout.models import Cart
from checkout.services import NothingToPayByLink, link_address, takes_payment
from core import clock
from core.cause import Cause
from core.db import transaction
from core.models import ProviderAccount, SalesChannel
from orders.models import CANCELLED_STATES, Hold, Order
from oversight.services import actor_name
from payments.models import Operation, PaymentAttempt
from support.admin.console import ExactlySearched, InWords, instant, site
from support.admin.order_page import contact_of, money_of, tables_of, timeline_of
from support.admin.order_terms import terms_of
from support.admin.shown import amount, held, sign
from support.evidence import gather_evidence, may_gather
from support.selectors import open_hold_reasons, order_file
from support.services import issue_link_for_customer
from support.standing import standing_of


class IsHeld(admin.SimpleListFilter):
    """Orders with an open hold, or without."""

    title = "held"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """Offer both."""
        return [("yes", "Held"), ("no", "Not held")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Compare with the open holds, which are few."""
        open_holds = Hold.objects.filter(released_at=None).values("order_id")
        if self.value() == "yes":
            return queryset.filter(pk__in=open_holds)
        return queryset.exclude(pk__in=open_holds) if self.value() == "no" else queryset


@admin.register(Order, site=site)
class OrderAdmin(ExactlySearched):
    """The latest first."""

    heading = "Orders"
    sentence = "What customers bought, how each order stands and where its money is, the latest first."
    search_help_text = "A whole number, public id, cart id or reference at the provider."
    created = instant("created_at", label="created")
    list_display = ("number", "state_sign", "total", "customer_kind", "created", "open_holds")
    list_filter = (("state", InWords), IsHeld)
    list_select_related = ("channel", "customer")
    ordering = ("-id",)
    fields = ("public_id",)
    change_form_template = "console/order.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Read the open holds with the rows."""
        orders: QuerySet[Model] = super().get_queryset(request).annotate(hold_reasons=open_hold_reasons())
        return orders

    def lookups(self, term: str) -> list[Q]:
        """Find an order by each of the names it has for us, the customer and the provider."""
        accounts, channels = ProviderAccount.objects.values("pk"), SalesChannel.objects.values("pk")
        of_account = Q(account__in=accounts, provider_reference=term)
        living = Q(channel__in=channels, cart_id=term) & ~Q(state__in=CANCELLED_STATES)
        return [
            Q(public_id=term),
            Q(channel__in=channels, number=term),
            living,
            Q(public_id__in=Cart.objects.filter(public_id=term).values("order_public_id")),
            Q(pk__in=PaymentAttempt.objects.filter(of_account).values("order")),
            Q(pk__in=Operation.objects.filter(provider_reference=term).exclude(provider_reference="").values("order")),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the whole file of the order."""
        order = self.get_object(request, object_id) if object_id and request.method in {"GET", "HEAD"} else None
        facts = file_facts(order) if isinstance(order, Order) and self.has_view_permission(request) else {}
        facts["may_gather"] = isinstance(request.user, User) and may_gather(request.user)
        facts["takes_payment"] = isinstance(order, Order) and takes_payment(order)
        return super().changeform_view(request, object_id, form_url, {**facts, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        """Add what is asked for by a button beside the page."""
        evidence = self.admin_site.admin_view(require_POST(self.evidence))
        link = self.admin_site.admin_view(require_POST(self.payment_link))
        return [
            path("<int:object_id>/evidence/", evidence, name="orders_order_evidence"),
            path("<int:object_id>/payment-link/", link, name="orders_order_payment_link"),
            *super().get_urls(),
        ]

    def evidence(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Send what a bank is shown about the order, to who may read it."""
        order, user = get_object_or_404(Order.objects.select_related("customer"), pk=object_id), request.user
        if not isinstance(user, User) or not may_gather(user):
            raise PermissionDenied
        cause = Cause(actor=actor_name(user), source="console", now=clock.now())
        with transaction("support.evidence"):
            archive = gather_evidence(order, staff=user, cause=cause)
        name = f"evidence-{order.number}.zip"
        return HttpResponse(
            archive,
            content_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"},
        )

    def payment_link(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show a link by which the customer pays, or authorizes anew what lapsed: once, and it is kept nowhere."""
        order, user = get_object_or_404(Order, pk=object_id), request.user
        if not isinstance(user, User) or not user.role:
            raise PermissionDenied
        cause = Cause(actor=actor_name(user), source="console", now=clock.now())
        try:
            link = issue_link_for_customer(order, cause=cause)
        except NothingToPayByLink as refusal:
            return TemplateResponse(request, "console/link.html", self._of(request, order, refusal=refusal), status=409)
        address = link_address(order, link, shop_url=settings.SURETY_URL)
        facts = self._of(request, order, link=address, expires_at=link.expires_at)
        return TemplateResponse(request, "console/link.html", facts, headers={"Cache-Control": "private, no-store"})

    def _of(self, request: HttpRequest, order: Order, **facts: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": self.title_of(order), "order": order, **facts}

    def title_of(self, row: Model) -> str:
        """Name the order as the customer does."""
        return f"Order {row}"

    @admin.display(description="state")
    def state_sign(self, order: Order) -> SafeString:
        """Show the state as a word, a colour and a sign."""
        return sign(order.state)

    @admin.display(description="total")
    def total(self, order: Order) -> SafeString:
        """Show what was agreed."""
        return amount(order.total_minor, order.currency)

    @admin.display(description="customer")
    def customer_kind(self, order: Order) -> str:
        """Tell guests from customers with an account."""
        return "Guest" if order.customer_id is None else "Account"

    @admin.display(description="holds")
    def open_holds(self, order: Any) -> SafeString:
        """Show why it does not move on."""
        return held(order.hold_reasons)


def file_facts(order: Order) -> dict[str, Any]:
    """This will return what the order's page shows."""
    file = order_file(order)
    return {
        "order": order,
        "state": sign(order.state),
        "holds": held(file.open_holds),
        "standing": standing_of(file),
        "customer_reads": view_order(order).shown.sentence,
        "money": money_of(file),
        "contact": contact_of(file),
        "terms": terms_of(file),
        "timeline": timeline_of(file),
        "tables": tables_of(file),
    }
