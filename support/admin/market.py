"""What an order costs beside its goods: tax rates, shipping, fees and exchange rates, as quotes read them."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from catalog.models import ExchangeRate, Fee, ShippingMethod, ShippingPrice, ShippingZone, TaxRate
from support.admin.console import InWords, ReadOnlyAdmin, instant, site
from support.admin.shown import amount, figure, percent, words
from support.selectors import places_of_zones


@admin.register(TaxRate, site=site)
class TaxRateAdmin(ReadOnlyAdmin):
    """By country; of one place the latest first."""

    heading = "Tax rates"
    sentence = "What is taken where, and from which day until the day before which. The most exact place counts."
    search_help_text = "A code, a region or a whole public id."
    created = instant("created_at", label="created")
    list_display = ("code", "place", "tax_category", "part", "treatment_words", "buyers", "valid_from", "valid_until")
    list_filter = ("country", ("treatment", InWords))
    search_fields = ("code", "region", "=public_id")
    sortable_by = ()
    ordering = ("country", "region", "postcode_prefix", "tax_category", "-valid_from", "id")
    fields = (
        "public_id", "code", "place", "tax_category", "part", "treatment_words", "buyers", "valid_from", "valid_until",
        "created",
    )  # fmt: skip

    @admin.display(description="place")
    def place(self, rate: TaxRate) -> str:
        """Show where it counts."""
        return " ".join(filter(None, [rate.country, rate.region, rate.postcode_prefix]))

    @admin.display(description="rate")
    def part(self, rate: TaxRate) -> SafeString:
        """Show the rate in hundredths."""
        return percent(rate.rate)

    @admin.display(description="treatment")
    def treatment_words(self, rate: TaxRate) -> str:
        """Show why it is what it is."""
        return words(rate.treatment)

    @admin.display(description="for")
    def buyers(self, rate: TaxRate) -> str:
        """Show whose tax it is."""
        return "businesses abroad" if rate.for_businesses else "everybody"


@admin.register(ShippingZone, site=site)
class ShippingZoneAdmin(ReadOnlyAdmin):
    """With their places."""

    heading = "Shipping zones"
    sentence = "Places that cost the same to reach. A postcode counts before a region, a region before its country."
    created = instant("created_at", label="created")
    list_display = ("name", "code", "places", "created")
    search_fields = ("name", "code")
    sortable_by = ()
    ordering = ("code", "id")
    fields = ("name", "code", "places", "created")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Read the places with the rows."""
        zones: QuerySet[Model] = super().get_queryset(request).annotate(place_names=places_of_zones())
        return zones

    @admin.display(description="places")
    def places(self, zone: Any) -> str:
        """Show where it is."""
        return ", ".join(" ".join(name.split()) for name in zone.place_names)


@admin.register(ShippingMethod, site=site)
class ShippingMethodAdmin(ReadOnlyAdmin):
    """By zone, in the order customers see those of one price."""

    heading = "Shipping methods"
    sentence = "The ways to send goods into a zone. One that was put away is offered to nobody."
    created = instant("created_at", label="created")
    put_away = instant("archived_at", label="put away", none="is offered")
    list_display = ("name", "code", "zone", "days", "heaviest", "tax_category", "put_away")
    list_select_related = ("zone",)
    search_fields = ("name", "code")
    sortable_by = ()
    ordering = ("zone__code", "position", "id")
    fields = (
        "name", "code", "description", "zone", "days", "heaviest", "tax_category", "position", "created", "put_away",
    )  # fmt: skip

    @admin.display(description="days")
    def days(self, method: ShippingMethod) -> str:
        """Show how long it takes."""
        return f"{method.days_min} to {method.days_max}"

    @admin.display(description="heaviest")
    def heaviest(self, method: ShippingMethod) -> str:
        """Show what it carries at most."""
        return "any weight" if method.weight_max_grams is None else f"{method.weight_max_grams:,} g"


@admin.register(ShippingPrice, site=site)
class ShippingPriceAdmin(ReadOnlyAdmin):
    """The rows of the methods' price tables."""

    heading = "Shipping prices"
    sentence = "Of the rows that goods reach, that of the greatest value counts, then that of the most weight."
    list_display = ("method", "zone", "price_shown", "from_value", "from_weight")
    list_select_related = ("method__zone",)
    list_filter = ("currency",)
    search_fields = ("method__name", "method__code")
    sortable_by = ()
    ordering = ("method_id", "currency", "value_from_minor", "weight_from_grams")
    fields = ("method", "zone", "price_shown", "from_value", "from_weight")

    @admin.display(description="zone")
    def zone(self, price: ShippingPrice) -> str:
        """Show where the method goes."""
        return price.method.zone.name

    @admin.display(description="price")
    def price_shown(self, price: ShippingPrice) -> SafeString:
        """Show what it costs, as entered."""
        return amount(price.price_minor, price.currency)

    @admin.display(description="goods from")
    def from_value(self, price: ShippingPrice) -> SafeString:
        """Show the value it begins at."""
        return amount(price.value_from_minor, price.currency)

    @admin.display(description="grams from")
    def from_weight(self, price: ShippingPrice) -> SafeString:
        """Show the weight it begins at."""
        return figure(price.weight_from_grams)


@admin.register(Fee, site=site)
class FeeAdmin(ReadOnlyAdmin):
    """The latest first."""

    heading = "Fees"
    sentence = "What is charged beside goods and shipping. A zone's own counts before the general one."
    created = instant("created_at", label="created")
    put_away = instant("archived_at", label="put away", none="is charged")
    list_display = ("name", "code", "zone", "amount_shown", "part", "below", "put_away")
    list_select_related = ("zone",)
    list_filter = ("currency",)
    search_fields = ("name", "code")
    sortable_by = ()
    ordering = ("-id",)
    fields = (
        "name", "code", "zone", "amount_shown", "part", "below", "is_for_shipped_goods", "tax_category", "created",
        "put_away",
    )  # fmt: skip

    @admin.display(description="amount")
    def amount_shown(self, fee: Fee) -> SafeString:
        """Show the amount, as entered."""
        return amount(fee.amount_minor, fee.currency)

    @admin.display(description="part of the goods")
    def part(self, fee: Fee) -> SafeString:
        """Show the part that comes on top."""
        return percent(fee.rate)

    @admin.display(description="for goods below")
    def below(self, fee: Fee) -> str | SafeString:
        """Show until which value it is charged."""
        return "any value" if fee.below_value_minor is None else amount(fee.below_value_minor, fee.currency)


@admin.register(ExchangeRate, site=site)
class ExchangeRateAdmin(ReadOnlyAdmin):
    """The latest first."""

    heading = "Exchange rates"
    sentence = "What prices nobody typed in were worked out by, and which one counts."
    quoted = instant("quoted_at", label="said")
    created = instant("created_at", label="created")
    put_away = instant("archived_at", label="put away", none="counts")
    list_display = ("currency", "worth", "source", "quoted", "created", "put_away")
    list_filter = ("currency",)
    sortable_by = ()
    ordering = ("-id",)
    fields = ("base_currency", "currency", "worth", "source", "quoted", "created", "put_away")

    @admin.display(description="rate")
    def worth(self, rate: ExchangeRate) -> str:
        """Show what one unit of the shop's own currency is."""
        return f"1 {rate.base_currency} = {rate.rate.normalize():f} {rate.currency}"
