"""The shop window over HTTP: the same answer for everybody, kept by whoever carries it for a minute."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from catalog import answers
from catalog.answers import ArticleKind
from catalog.pricing import Availability
from catalog.window import list_categories, product_page, published_product, window_currency
from core.api import MoneyShape, ProblemShape, StrictSerializer, asked_locale, public_answer, validated_query
from core.channels import default_channel
from core.locales import text_locales

PAGE_SIZE = 24
# A RegexField searches in the text, so the ends are anchored.
CURRENCY = r"\A[A-Z]{3}\Z"
# Settings give these lists their names in the schema.
KINDS = [kind.value for kind in ArticleKind]
AVAILABILITIES = [availability.value for availability in Availability]
PRICE_HELP = "In the currency asked for; null where it is not sold in it."


# Accept-Language asks the same, and counts where the address does not.
LANGUAGE = OpenApiParameter(
    "Accept-Language", str, OpenApiParameter.HEADER, description="Counts where the address names no `locale`."
)


class WindowQuery(StrictSerializer):
    """What every address of the shop window takes."""

    locale = serializers.CharField(
        required=False, max_length=6, help_text="A language and perhaps a country; else the shop's own."
    )


class CategoryShape(serializers.Serializer[Any]):
    """A shelf of the shop window."""

    slug = serializers.CharField(help_text="What `?category=` takes.")
    name = serializers.CharField()


class CategoriesShape(serializers.Serializer[Any]):
    """All categories, in the order to show them."""

    categories = CategoryShape(many=True)


class VariantShape(serializers.Serializer[Any]):
    """What is put in a cart, by its `sku`."""

    variant_id = serializers.CharField()
    sku = serializers.CharField()
    name = serializers.CharField(help_text="Empty where a product has one variant and needs no name for it.")
    kind = serializers.ChoiceField(choices=KINDS)
    price = MoneyShape(allow_null=True, help_text=PRICE_HELP)
    availability = serializers.ChoiceField(choices=AVAILABILITIES)


class PictureShape(serializers.Serializer[Any]):
    """What a product looks like."""

    url = serializers.CharField(help_text="On the host that gave this answer.")
    width = serializers.IntegerField(help_text="In CSS pixels, like the height.")
    height = serializers.IntegerField()
    alt = serializers.CharField(help_text="What it shows, for who does not see it.")


class ProductShape(serializers.Serializer[Any]):
    """A published product. Price and availability may be a minute old; a cart's quote is what counts."""

    product_id = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    category = CategoryShape(allow_null=True)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=KINDS))
    price_from = MoneyShape(allow_null=True, help_text=PRICE_HELP)
    availability = serializers.ChoiceField(
        choices=AVAILABILITIES,
        help_text="That of the variant of which there is most, among those with a price in the currency.",
    )
    variants = VariantShape(many=True)
    images = PictureShape(many=True, help_text="The first stands for the product.")


class ProductPageShape(serializers.Serializer[Any]):
    """Up to 24 products, newest first."""

    products = ProductShape(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="Send it as `?cursor=`; null on the last page.")


class AlwaysJson(BaseContentNegotiation):
    """One form for everybody, whatever Accept or `?format=` say, so that one kept answer serves all."""

    def select_parser(self, request: Request, parsers: Any) -> Any:  # noqa: ARG002 - DRF's signature
        """The only one."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002
        """The only one."""
        return renderers[0], renderers[0].media_type


class WindowView(APIView):
    """Asks nobody who they are: credentials change nothing here, and a kept answer must fit everybody."""

    authentication_classes = []
    content_negotiation_class = AlwaysJson


class ProductsView(WindowView):
    """GET catalog/products."""

    @extend_schema_serializer(component_name="ProductQuery")
    class Query(WindowQuery):
        """What to show."""

        q = serializers.CharField(required=False, allow_blank=True, max_length=100, help_text="In names.")
        category = serializers.CharField(required=False, max_length=80, help_text="A category's slug.")
        cursor = serializers.CharField(required=False, max_length=40, help_text="As `next_cursor` gave it.")
        currency = serializers.RegexField(CURRENCY, required=False, help_text="Else the shop's own.")

    @extend_schema(
        operation_id="listProducts",
        tags=["catalog"],
        parameters=[Query, LANGUAGE],
        responses={200: ProductPageShape, 304: None, 400: ProblemShape, 404: ProblemShape},
    )
    def get(self, request: Request) -> HttpResponse:
        """Published products, newest first, 24 to a page."""
        asked = validated_query(self.Query, request)
        channel = default_channel()
        locale = asked_locale(request, channel=channel)
        page = product_page(
            channel_id=channel.pk,
            currency=window_currency(channel, asked=asked.get("currency", "")),
            size=PAGE_SIZE,
            locales=text_locales(locale, own=channel.default_locale),
            cursor=asked.get("cursor", ""),
            category=asked.get("category", ""),
            text=asked.get("q", ""),
        )
        return public_answer(request, answers.page_json(page, locale=locale), locale=locale)


class ProductView(WindowView):
    """GET catalog/products/{slug}."""

    @extend_schema_serializer(component_name="OneProductQuery")
    class Query(WindowQuery):
        """How to show it."""

        currency = serializers.RegexField(CURRENCY, required=False, help_text="Else the shop's own.")

    @extend_schema(
        operation_id="readProduct",
        tags=["catalog"],
        parameters=[Query, LANGUAGE],
        responses={200: ProductShape, 304: None, 400: ProblemShape, 404: ProblemShape},
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        """One published product."""
        asked = validated_query(self.Query, request)
        channel = default_channel()
        locale = asked_locale(request, channel=channel)
        product = published_product(
            channel_id=channel.pk,
            currency=window_currency(channel, asked=asked.get("currency", "")),
            slug=slug,
            locales=text_locales(locale, own=channel.default_locale),
        )
        return public_answer(request, answers.product_json(product, locale=locale), locale=locale)


class CategoriesView(WindowView):
    """GET catalog/categories."""

    @extend_schema_serializer(component_name="CategoriesQuery")
    class Query(WindowQuery):
        """How to show them."""

    @extend_schema(
        operation_id="listCategories",
        tags=["catalog"],
        parameters=[Query, LANGUAGE],
        responses={200: CategoriesShape, 304: None, 400: ProblemShape, 404: ProblemShape},
    )
    def get(self, request: Request) -> HttpResponse:
        """All categories, in the order to show them."""
        validated_query(self.Query, request)
        channel = default_channel()
        locale = asked_locale(request, channel=channel)
        locales = text_locales(locale, own=channel.default_locale)
        categories = list_categories(channel_id=channel.pk, locales=locales)
        return public_answer(request, answers.categories_json(categories), locale=locale)
