"""Puts the articles into the shop: what is missing comes, what is there stays, as somebody may have changed it."""

from datetime import datetime

from catalog.pricing import NotForSaleReason
from catalog.selectors import find_categories, find_variants, pictures_by_path, priced_lines
from catalog.services import (
    NewCategory,
    NewPicture,
    NewProduct,
    NewVariant,
    ProductWords,
    Texts,
    create_categories,
    create_products,
    place_in_categories,
    set_pictures,
    set_prices,
    set_texts,
)
from commerce.demo.article import PICTURE_HEIGHT, PICTURE_WIDTH, Article
from commerce.demo.articles import ARTICLES, PRICE_LISTS, SHELVES
from commerce.demo.shop import GERMAN, teach_languages
from core.db import transaction_required
from core.models import SalesChannel


@transaction_required
def ensure_articles(channel: SalesChannel, *, now: datetime) -> int:
    """This will make the categories, articles, prices, pictures and translations that are not there yet, and return how
    many articles it made.

    A shop that was seeded by an earlier version is brought up to date. Needs its caller's transaction.
    """
    teach_languages(channel)
    _ensure_shelves(channel)
    known = find_variants(channel_id=channel.pk, skus=[piece.sku for each in ARTICLES for piece in each.pieces])
    missing = [each for each in ARTICLES if each.pieces[0].sku not in known]
    if missing:
        create_products(channel=channel, products=[_product(each) for each in missing], now=now)
    place_in_categories(channel=channel, categories={each.slug: each.shelf for each in ARTICLES})
    _ensure_price_lists(channel, now=now)
    _ensure_pictures(channel)
    _write_german(channel)
    return len(missing)


def _ensure_shelves(channel: SalesChannel) -> None:
    standing = find_categories(channel_id=channel.pk, slugs=[each.slug for each in SHELVES])
    create_categories(
        channel=channel,
        categories=[
            NewCategory(slug=each.slug, name=each.name.english, position=each.position)
            for each in SHELVES
            if each.slug not in standing
        ],
    )


def _product(article: Article) -> NewProduct:
    return NewProduct(
        slug=article.slug,
        name=article.english.name,
        description=article.english.description,
        category=article.shelf,
        tax_category=article.tax_category,
        variants=[
            NewVariant(
                sku=piece.sku,
                name=piece.name.english,
                prices=piece.prices,
                units=piece.units,
                is_physical=piece.grams > 0,
                weight_grams=piece.grams,
            )
            for piece in article.pieces
        ],
    )


def _ensure_price_lists(channel: SalesChannel, *, now: datetime) -> None:
    variants = find_variants(channel_id=channel.pk, skus={sku for prices in PRICE_LISTS.values() for sku in prices})
    for currency, prices in PRICE_LISTS.items():
        quantities = {variants[sku].pk: 1 for sku in prices}
        found = priced_lines(channel_id=channel.pk, currency=currency, quantities=quantities)
        unpriced = {each.sku for each in found.not_for_sale if each.reason is NotForSaleReason.UNPRICED}
        lacking = {sku: amount_minor for sku, amount_minor in prices.items() if sku in unpriced}
        if lacking:
            set_prices(channel=channel, currency=currency, prices=lacking, now=now)


def _ensure_pictures(channel: SalesChannel) -> None:
    hung = pictures_by_path(channel_id=channel.pk, paths=[each.picture for each in ARTICLES])
    pictures = {
        each.slug: [NewPicture(path=each.picture, width=PICTURE_WIDTH, height=PICTURE_HEIGHT, alt=each.english.picture)]
        for each in ARTICLES
        if each.picture not in hung
    }
    if pictures:
        set_pictures(channel=channel, pictures=pictures)


def _write_german(channel: SalesChannel) -> None:
    # The words of a translation are ours to improve: unlike prices and shelves nobody can have changed them by hand.
    texts = Texts(
        locale=GERMAN,
        products={each.slug: ProductWords(each.german.name, each.german.description) for each in ARTICLES},
        variants={piece.sku: piece.name.german for each in ARTICLES for piece in each.pieces if piece.name.german},
        categories={each.slug: each.name.german for each in SHELVES},
        pictures={each.picture: each.german.picture for each in ARTICLES},
    )
    set_texts(channel=channel, texts=texts)
