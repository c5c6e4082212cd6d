"""Texts in other languages and pictures: what is shown to whom, what is searched, and what cannot be stored."""

from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import selectors, services, window
from catalog.models import CategoryText, Picture, PictureText, Product, ProductText, VariantText
from catalog.services import NewPicture, NewProduct, NewVariant, ProductWords, Texts
from catalog.tests.factories import a_category, a_product
from catalog.tests.test_selectors import MANY_PRODUCTS
from core.db import transaction
from core.errors import Invalid
from core.models import SalesChannel
from core.tests.factories import NOW, a_channel
from tests.databases import superuser

MUG = NewPicture(path="demo/mug.svg", width=480, height=600, alt="A mug")
BACK = NewPicture(path="demo/mug-back.svg", width=480, height=600, alt="Its back")
GERMAN = Texts(
    locale="de",
    products={"mug": ProductWords(name="Becher", description="Aus Ton.")},
    variants={"RED": "Rot"},
    categories={"cups": "Tassen"},
    pictures={"demo/mug.svg": "Ein Becher"},
)
AUSTRIAN = Texts(locale="de-AT", products={"mug": ProductWords(name="Häferl")})

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def channel(database: str) -> SalesChannel:
    """A shop in English, German and Austrian, with one mug in it."""
    channel = a_channel(locales=["de", "de-AT"])
    a_category(channel, slug="cups")
    variants = [
        NewVariant(sku="RED", name="Red", prices={"GBP": 1999}, units=9),
        NewVariant(sku="BLUE", name="Blue", prices={"GBP": 1999}, units=9),
    ]
    mug = NewProduct(slug="mug", name="Mug", description="Clay.", category="cups", variants=variants)
    with transaction("test"):
        services.create_products(channel=channel, products=[mug], now=NOW)
        services.set_pictures(channel=channel, pictures={"mug": [MUG, BACK]})
        services.set_texts(channel=channel, texts=GERMAN)
        services.set_texts(channel=channel, texts=AUSTRIAN)
    return channel


def get(path: str, **headers: str) -> Any:
    return Client().get(f"/api/v1/catalog/{path}", headers={key.replace("_", "-"): headers[key] for key in headers})


def names(path: str, **headers: str) -> list[str]:
    """This will return the names of the products shown."""
    return [product["name"] for product in get(path, **headers).json()["products"]]


class TestShown:
    def test_in_the_language_asked_for_as_far_as_there_are_texts(self, channel: SalesChannel) -> None:
        mug = get("products/mug?locale=de").json()

        assert (mug["name"], mug["description"], mug["category"]["name"]) == ("Becher", "Aus Ton.", "Tassen")
        assert [variant["name"] for variant in mug["variants"]] == ["Rot", "Blue"]
        assert [image["alt"] for image in mug["images"]] == ["Ein Becher", "Its back"]
        assert mug["price_from"]["display"] == "19,99\xa0£"
        assert get("products?locale=de").json()["products"] == [mug]
        assert get("categories?locale=de").json() == {"categories": [{"slug": "cups", "name": "Tassen"}]}

    def test_a_country_s_own_word_goes_before_its_language_s(self, channel: SalesChannel) -> None:
        mug = get("products/mug?locale=de-AT").json()

        assert (mug["name"], mug["description"]) == ("Häferl", "Aus Ton.")

    @pytest.mark.parametrize(
        ("asked", "language", "name"),
        [
            ("", "en-GB", "Mug"),
            ("fr, de;q=0.5", "de", "Becher"),
            ("de-CH", "de-CH", "Becher"),
            ("fr", "en-GB", "Mug"),
            ("en-US, de;q=0.9", "en-US", "Mug"),
        ],
    )
    def test_in_what_the_browser_asks_for(self, channel: SalesChannel, asked: str, language: str, name: str) -> None:
        answer = get("products/mug", accept_language=asked)

        assert (answer["Content-Language"], answer["Vary"]) == (language, "Accept-Language")
        assert answer.json()["name"] == name

    def test_the_address_outdoes_the_browser(self, channel: SalesChannel) -> None:
        answer = get("products/mug?locale=en", accept_language="de")

        assert (answer["Content-Language"], answer.json()["name"]) == ("en", "Mug")
        assert not answer.has_header("Vary")

    def test_each_language_is_an_answer_of_its_own(self, channel: SalesChannel) -> None:
        a_product(channel, sku="PLAIN")
        english, german = get("products/PLAIN?locale=en-GB"), get("products/PLAIN?locale=de")

        assert english["ETag"] != german["ETag"]
        assert get("products/PLAIN?locale=de", if_none_match=english["ETag"]).status_code == 200
        assert get("products/PLAIN?locale=de", if_none_match=german["ETag"]).status_code == 304

    def test_a_cart_s_lines_as_well_in_one_query(self, channel: SalesChannel) -> None:
        variants = selectors.find_variants(channel_id=channel.pk, skus=["RED", "BLUE"])
        quantities = {variants["RED"].pk: 1, variants["BLUE"].pk: 2}

        with CaptureQueriesContext(connection) as queries:
            found = selectors.priced_lines(
                channel_id=channel.pk, currency="GBP", quantities=quantities, locales=("de-AT", "de")
            )

        assert len(queries) == 1
        assert [(line.product_name, line.variant_name) for line in found.lines] == [
            ("Häferl", "Rot"),
            ("Häferl", "Blue"),
        ]

    @pytest.mark.parametrize("locale", ["en", "de", "de-AT"])
    def test_with_as_many_queries_in_every_language(self, channel: SalesChannel, locale: str) -> None:
        counted = {}
        for path in ("products", "products?q=e", "products/mug", "categories"):
            with CaptureQueriesContext(connection) as queries:
                get(f"{path}{'&' if '?' in path else '?'}locale={locale}")
            counted[path] = len(queries)

        assert counted == {"products": 4, "products?q=e": 4, "products/mug": 4, "categories": 2}

    @pytest.mark.parametrize("locale", ["DE", "d", "de-at", "de-AT-x", ""])
    def test_refuses_what_is_no_locale(self, channel: SalesChannel, locale: str) -> None:
        answer = get(f"products?locale={locale}")

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "locale")


class TestSearch:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("q=mug", ["Mug"]),
            ("q=bech", []),
            ("q=bech&locale=de", ["Becher"]),
            # Only what is shown counts: neither the word typed in nor a neighbour's.
            ("q=mug&locale=de", []),
            ("q=bech&locale=de-AT", []),
            ("q=ferl&locale=de-AT", ["Häferl"]),
            ("q=product&locale=de", ["Product PLAIN"]),
        ],
    )
    def test_looks_in_the_names_shown(self, channel: SalesChannel, query: str, found: list[str]) -> None:
        a_product(channel, sku="PLAIN")

        assert names(f"products?{query}") == found

    def test_has_its_index(self, database: str, channel: SalesChannel) -> None:
        other = a_channel(slug="other")
        with superuser(database) as owner:
            owner.execute(MANY_PRODUCTS, {"shop": channel.pk, "other": other.pk, "category": None})
            owner.execute(
                "INSERT INTO catalog_producttext (product_id, locale, name, description)"
                " SELECT id, 'de', md5(name), '' FROM catalog_product WHERE slug LIKE 'p-%'"
            )
            owner.execute("VACUUM ANALYZE catalog_product, catalog_producttext")

        with CaptureQueriesContext(connection) as queries:
            window.product_page(channel_id=channel.pk, currency="GBP", size=24, text="a1b2c3", locales=("de",))
        (statement,) = [each["sql"] for each in queries.captured_queries if "LIMIT 25" in each["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}".replace("%", "%%"), [])
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert "catalog_producttext_name" in plan, plan
        assert "catalog_product_name" in plan, plan
        assert "Seq Scan on catalog_product" not in plan, plan


class TestSetTexts:
    def test_doing_it_again_changes_words_and_adds_no_row(self, channel: SalesChannel) -> None:
        before = [model.objects.count() for model in (ProductText, VariantText, CategoryText, PictureText)]

        with transaction("test"):
            services.set_texts(channel=channel, texts=GERMAN)
            services.set_texts(channel=channel, texts=Texts(locale="de", variants={"RED": "Dunkelrot"}))

        assert [model.objects.count() for model in (ProductText, VariantText, CategoryText, PictureText)] == before
        assert VariantText.objects.get().name == "Dunkelrot"

    @pytest.mark.parametrize(
        ("texts", "error"),
        [
            (Texts(locale="fr", categories={"cups": "Tasses"}), services.InvalidText),
            (Texts(locale="de", products={"mug": ProductWords(name="A" * 201)}), services.InvalidText),
            (Texts(locale="de", variants={"RED": "A\x00"}), services.InvalidText),
            (Texts(locale="de", pictures={"demo/mug.svg": "A" * 301}), services.InvalidText),
            (Texts(locale="de", products={"none": ProductWords(name="A")}), services.UnknownProduct),
            (Texts(locale="de", variants={"NONE": "A"}), services.UnknownSku),
            (Texts(locale="de", categories={"none": "A"}), services.UnknownCategory),
            (Texts(locale="de", pictures={"none.svg": "A"}), services.UnknownPicture),
        ],
    )
    def test_refuses(self, channel: SalesChannel, texts: Texts, error: type[Invalid]) -> None:
        with pytest.raises(error), transaction("test"):
            services.set_texts(channel=channel, texts=texts)

    def test_another_shop_s_things_are_unknown(self, channel: SalesChannel) -> None:
        other = a_channel(slug="other", locales=["de"])

        with pytest.raises(services.UnknownPicture), transaction("test"):
            services.set_texts(channel=other, texts=Texts(locale="de", pictures={"demo/mug.svg": "Ein Becher"}))

    def test_the_database_knows_a_locale_when_it_sees_one(self, channel: SalesChannel) -> None:
        with pytest.raises(IntegrityError, match="catalog_producttext_locale"):
            ProductText.objects.create(product=Product.objects.get(), locale="de_AT", name="A")


class TestSetPictures:
    def test_are_shown_in_their_order_with_their_size(self, channel: SalesChannel) -> None:
        assert get("products/mug").json()["images"] == [
            {"url": "/static/demo/mug.svg", "width": 480, "height": 600, "alt": "A mug"},
            {"url": "/static/demo/mug-back.svg", "width": 480, "height": 600, "alt": "Its back"},
        ]

    def test_replace_what_was_there_and_keep_the_words_of_what_stays(self, channel: SalesChannel) -> None:
        front = NewPicture(path="demo/mug-front.svg", width=480, height=480, alt="Its front")

        with transaction("test"):
            services.set_pictures(channel=channel, pictures={"mug": [front, MUG]})

        shown = [(each["url"], each["alt"]) for each in get("products/mug?locale=de").json()["images"]]
        assert shown == [("/static/demo/mug-front.svg", "Its front"), ("/static/demo/mug.svg", "Ein Becher")]
        assert (Picture.objects.count(), PictureText.objects.count()) == (2, 1)

    def test_touch_no_other_product_s(self, channel: SalesChannel) -> None:
        a_product(channel, sku="CUP")

        with transaction("test"):
            services.set_pictures(channel=channel, pictures={"CUP": [MUG]})
            services.set_pictures(channel=channel, pictures={"CUP": []})

        assert len(get("products/mug").json()["images"]) == 2

    @pytest.mark.parametrize(
        "picture",
        [
            NewPicture(path="", width=1, height=1, alt="A"),
            NewPicture(path="../secret.svg", width=1, height=1, alt="A"),
            NewPicture(path="https://elsewhere.example/a.svg", width=1, height=1, alt="A"),
            NewPicture(path="a.svg", width=0, height=1, alt="A"),
            NewPicture(path="a.svg", width=1, height=10_001, alt="A"),
            NewPicture(path="a.svg", width=1, height=1, alt=""),
            NewPicture(path="a.svg", width=1, height=1, alt="A" * 301),
        ],
    )
    def test_refuse_what_cannot_be_shown(self, channel: SalesChannel, picture: NewPicture) -> None:
        with pytest.raises(services.InvalidPicture), transaction("test"):
            services.set_pictures(channel=channel, pictures={"mug": [picture]})

        assert Picture.objects.count() == 2

    def test_refuse_too_many_and_products_that_are_not_there(self, channel: SalesChannel) -> None:
        with pytest.raises(services.InvalidPicture), transaction("test"):
            services.set_pictures(channel=channel, pictures={"mug": [MUG] * 21})
        with pytest.raises(services.UnknownProduct), transaction("test"):
            services.set_pictures(channel=channel, pictures={"none": [MUG]})
