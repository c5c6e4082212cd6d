"""Categories: made once, filled without moving what stands somewhere already, and never another shop's."""

import pytest
from django.db import IntegrityError

from catalog import services
from catalog.models import Category, Product
from catalog.services import NewCategory
from catalog.tests.factories import a_category, a_product
from core.db import transaction
from core.errors import Invalid
from core.models import SalesChannel
from core.tests.factories import a_channel

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def channel(database: str) -> SalesChannel:
    return a_channel()


class TestCreateCategories:
    @pytest.mark.parametrize(
        ("new", "error"),
        [
            (NewCategory(slug="a b", name="A", position=0), services.InvalidCategory),
            (NewCategory(slug="a", name="", position=0), services.InvalidCategory),
            (NewCategory(slug="a", name="A" * 201, position=0), services.InvalidCategory),
            (NewCategory(slug="a", name="A\x00", position=0), services.InvalidCategory),
            (NewCategory(slug="a", name="A", position=-1), services.InvalidCategory),
            (NewCategory(slug="a", name="A", position=2**31), services.InvalidCategory),
            (NewCategory(slug="cups", name="A", position=0), services.CategorySlugTaken),
        ],
    )
    def test_refuses(self, channel: SalesChannel, new: NewCategory, error: type[Invalid]) -> None:
        a_category(channel, slug="cups")

        with pytest.raises(error), transaction("test"):
            services.create_categories(channel=channel, categories=[new])

        assert Category.objects.count() == 1

    def test_two_shops_may_use_one_slug(self, channel: SalesChannel) -> None:
        a_category(channel, slug="cups")

        a_category(a_channel(slug="other"), slug="cups")

        assert Category.objects.count() == 2


class TestNewProduct:
    def test_stands_in_its_category_from_the_start(self, channel: SalesChannel) -> None:
        cups = a_category(channel, slug="cups")

        assert a_product(channel, category="cups").product.category == cups
        assert a_product(channel, sku="LOOSE").product.category is None

    def test_refuses_a_category_that_is_not_there_or_another_shops(self, channel: SalesChannel) -> None:
        a_category(a_channel(slug="other"), slug="foreign")

        for slug in ("none", "foreign"):
            with pytest.raises(services.UnknownCategory) as refusal:
                a_product(channel, category=slug)
            assert refusal.value.facts == {"slugs": [slug]}
        assert not Product.objects.exists()


class TestPlaceInCategories:
    def test_places_what_stands_nowhere_and_moves_nothing(self, channel: SalesChannel) -> None:
        cups, lamps = a_category(channel, slug="cups"), a_category(channel, slug="lamps")
        a_product(channel, sku="LOOSE")
        a_product(channel, sku="PLACED", category="lamps")
        a_product(a_channel(slug="other"), sku="LOOSE")

        with transaction("test"):
            placed = services.place_in_categories(
                channel=channel, categories={"LOOSE": "cups", "PLACED": "cups", "NONE": "lamps"}
            )

        assert placed == 1
        assert list(Product.objects.order_by("id").values_list("slug", "category_id")) == [
            ("LOOSE", cups.pk), ("PLACED", lamps.pk), ("LOOSE", None),
        ]  # fmt: skip

    def test_names_unknown_categories_and_places_nothing(self, channel: SalesChannel) -> None:
        a_category(channel, slug="cups")
        a_product(channel, sku="A")
        a_product(channel, sku="B")

        with pytest.raises(services.UnknownCategory) as refusal, transaction("test"):
            services.place_in_categories(channel=channel, categories={"A": "cups", "B": "none"})

        assert refusal.value.facts == {"slugs": ["none"]}
        assert not Product.objects.exclude(category=None).exists()


class TestTheDatabase:
    def test_lets_no_product_stand_in_another_shops_category(self, channel: SalesChannel) -> None:
        foreign = a_category(a_channel(slug="other"))
        a_product(channel)

        with pytest.raises(IntegrityError) as refusal, transaction("test"):
            Product.objects.update(category=foreign)

        assert refusal.value.__cause__.diag.constraint_name == "catalog_product_category_of_channel"  # type: ignore[union-attr]
