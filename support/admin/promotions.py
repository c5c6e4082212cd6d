"""What customers need not pay: promotions with their rules and limits, their codes, and every order's use of one."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from catalog.models import Coupon, CouponUse, Promotion
from support.admin.console import InWords, ReadOnlyAdmin, instant, site
from support.admin.shown import figure, money, percent, sign, to_order, words
from support.selectors import uses_of_promotions


@admin.register(Promotion, site=site)
class PromotionAdmin(ReadOnlyAdmin):
    """The latest first."""

    heading = "Promotions"
    sentence = "What codes take off, for what and how often. Uses are those held and used; what went back is in none."
    search_help_text = "A part of a name or a whole public id."
    begins = instant("valid_from", label="from")
    ends = instant("valid_until", label="until", none="no end")
    created = instant("created_at", label="created")
    put_away = instant("archived_at", label="put away", none="applies")
    list_display = ("name", "kind_words", "takes_off", "uses", "limits", "begins", "ends", "put_away")
    list_filter = (("kind", InWords),)
    search_fields = ("name", "=public_id")
    sortable_by = ()
    ordering = ("-id",)
    fields = (
        "public_id", "name", "kind_words", "takes_off", "uses", "limits", "articles_named", "is_combinable",
        "is_first_order_only", "begins", "ends", "created", "put_away",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Read figures and uses with the rows."""
        rows = super().get_queryset(request).prefetch_related("figures")
        promotions: QuerySet[Model] = rows.annotate(live_uses=uses_of_promotions())
        return promotions

    @admin.display(description="kind")
    def kind_words(self, promotion: Promotion) -> str:
        """Show what it takes off."""
        return words(promotion.kind)

    @admin.display(description="takes off")
    def takes_off(self, promotion: Promotion) -> SafeString | str:
        """Show how much, by currency, and what goods it asks for."""
        parts = [
            " ".join(
                [
                    *([money(each.amount_minor, each.currency)] if each.amount_minor else []),
                    *([f"from {money(each.minimum_minor, each.currency)}"] if each.minimum_minor else []),
                ]
            )
            for each in promotion.figures.all()
        ]
        shown = [*([percent(promotion.rate)] if promotion.rate else []), *filter(None, parts)]
        return format_html_join(" ", "{}", ((part,) for part in shown)) or "the way"

    @admin.display(description="uses")
    def uses(self, promotion: Any) -> SafeString:
        """Show how many are held or used."""
        return figure(promotion.live_uses)

    @admin.display(description="at most")
    def limits(self, promotion: Promotion) -> str:
        """Show how often it may be used."""
        stated = {
            "in all": promotion.uses_max,
            "per customer": promotion.uses_per_customer_max,
            f"per {promotion.period}": promotion.uses_per_period_max,
        }
        return ", ".join(f"{limit:,} {scope}" for scope, limit in stated.items() if limit is not None) or "no limit"

    @admin.display(description="articles")
    def articles_named(self, promotion: Promotion) -> str:
        """Show what it is for, and what not."""
        named = promotion.articles.select_related("product", "category").order_by("is_excluded", "id")
        return ", ".join(str(article) for article in named) or "all"


@admin.register(Coupon, site=site)
class CouponAdmin(ReadOnlyAdmin):
    """The latest first."""

    heading = "Coupons"
    sentence = "Codes that ask for a promotion. Codes that look alike are one code."
    search_help_text = "A whole code as it is printed, or a part of a promotion's name."
    created = instant("created_at", label="created")
    put_away = instant("archived_at", label="put away", none="applies")
    list_display = ("code", "promotion", "whose", "limit", "created", "put_away")
    list_select_related = ("promotion",)
    search_fields = ("=code", "promotion__name")
    sortable_by = ()
    ordering = ("-id",)
    fields = ("code", "promotion", "whose", "limit", "created", "put_away")

    @admin.display(description="for")
    def whose(self, coupon: Coupon) -> str:
        """Tell codes for everybody from those of one customer."""
        return "everybody" if coupon.customer_id is None else "one customer"

    @admin.display(description="at most")
    def limit(self, coupon: Coupon) -> str:
        """Show how often this code may be used, beside its promotion's limits."""
        return "as its promotion" if coupon.uses_max is None else f"{coupon.uses_max:,}"


@admin.register(CouponUse, site=site)
class CouponUseAdmin(ReadOnlyAdmin):
    """The latest first."""

    heading = "Coupon uses"
    sentence = (
        "Held from an order's start, used when it is paid, given back when it is dead. One honoured late counts in no "
        "limit."
    )
    search_help_text = "A whole code or an order's whole id."
    held_from = instant("held_at", label="held")
    used = instant("used_at", label="used")
    given_back = instant("given_back_at", label="given back", none="no")
    honoured = instant("honoured_at", label="honoured late", none="no")
    list_display = ("public_id", "status_sign", "code", "promotion", "order_link", "held_from", "used", "given_back")
    list_select_related = ("coupon", "promotion")
    list_filter = (("status", InWords),)
    search_fields = ("=coupon__code", "=order_public_id")
    sortable_by = ()
    ordering = ("-id",)
    fields = (
        "public_id", "status_sign", "code", "promotion", "order_link", "held_from", "used", "given_back", "honoured",
    )  # fmt: skip

    @admin.display(description="status")
    def status_sign(self, use: CouponUse) -> SafeString:
        """Show how it stands."""
        return sign(use.status)

    @admin.display(description="code")
    def code(self, use: CouponUse) -> str:
        """Show the code."""
        return use.coupon.code

    @admin.display(description="order")
    def order_link(self, use: CouponUse) -> SafeString:
        """Lead to the order."""
        return to_order(use.order_public_id)
