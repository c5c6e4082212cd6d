"""The shop's pages. What can be bought is written here and read without a script; basket, checkout, order and account
are empty rooms which the browser furnishes from the API. No page knows who asks, so none needs a cookie.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from catalog import answers
from catalog.window import ProductInWindow, list_categories, product_page, published_product
from core.cards import holds_card_number
from core.channels import default_channel
from core.errors import DomainError, Kind, NotFound
from storefront.asked import Asked, read
from storefront.room import Room, countries_of, furnish

PAGE_SIZE = 24
ALIKE_COUNT = 4
# The same for everybody, and a basket's quote is what counts: as the API's window.
KEPT = "public, max-age=60"
NOT_KEPT = "no-store"
# The pages are written in one language, and so is what stands on them.
AS_TYPED_IN = ()

Show = Callable[..., HttpResponse]


def shown(view: Show) -> Show:
    """Give the view its room, and answer in the shop's own words when there is nothing to show."""

    @require_safe
    @wraps(view)
    def show(request: HttpRequest, **kwargs: str) -> HttpResponse:
        try:
            channel = default_channel()
        except NotFound:
            return _page("being_made.html", {}, status=200 if request.path_info == "/" else 503)
        try:
            asked = read(request.GET, channel=channel)
        except DomainError as error:
            return _refusal(error, furnish(channel, currency=channel.default_currency))
        room = furnish(channel, currency=asked.currency)
        try:
            return view(room, asked, **kwargs)
        except DomainError as error:
            return _refusal(error, room)

    return show


@shown
def front(room: Room, asked: Asked) -> HttpResponse:
    """Everything, newest first, under a word of welcome."""
    return _list(room, asked, template="front.html", facts={"is_first": not asked.cursor})


@shown
def search(room: Room, asked: Asked) -> HttpResponse:
    """What is called like what was typed; without a word, the field alone."""
    if not asked.q:
        return _page("search.html", {"room": room, "categories": _categories(room)}, keep=KEPT)
    return _list(room, asked, template="search.html")


@shown
def category(room: Room, asked: Asked, *, slug: str) -> HttpResponse:
    """One shelf."""
    return _list(room, asked, template="category.html", slug=slug)


@shown
def product(room: Room, asked: Asked, *, slug: str) -> HttpResponse:  # noqa: ARG001 - every view is asked alike
    """One product with what can be chosen of it, and its neighbours on the shelf."""
    found = published_product(channel_id=room.channel.pk, currency=room.currency, slug=slug, locales=AS_TYPED_IN)
    alike = _alike(found, room)
    facts = {"room": room, "product": _card(found, room), "alike": [_card(each, room) for each in alike]}
    return _page("product.html", facts, keep=KEPT)


@shown
def cart(room: Room, asked: Asked) -> HttpResponse:  # noqa: ARG001 - every view is asked alike
    """The room of the basket."""
    return _page("cart.html", {"room": room})


@shown
def checkout(room: Room, asked: Asked) -> HttpResponse:  # noqa: ARG001 - every view is asked alike
    """The room of the checkout, with the countries that are delivered to."""
    return _page("checkout.html", {"room": room, "countries": countries_of(room.channel)})


@shown
def checkout_return(room: Room, asked: Asked) -> HttpResponse:  # noqa: ARG001 - every view is asked alike
    """Where the provider sends the browser back to, whichever browser that is."""
    return _page("return.html", {"room": room})


@shown
def order(room: Room, asked: Asked, *, order_id: str) -> HttpResponse:  # noqa: ARG001 - every view is asked alike
    """The room of one order; whether the visitor may see it is for the API to say. Raises: NotFound for a card number,
    which no page repeats.
    """
    if holds_card_number(order_id):
        raise NotFound
    return _page("order.html", {"room": room, "order_id": order_id})


@shown
def account(room: Room, asked: Asked) -> HttpResponse:  # noqa: ARG001 - every view is asked alike
    """The room of the account."""
    return _page("account.html", {"room": room})


def _list(
    room: Room, asked: Asked, *, template: str, slug: str = "", facts: dict[str, Any] | None = None
) -> HttpResponse:
    categories = _categories(room)
    page = product_page(
        channel_id=room.channel.pk,
        currency=room.currency,
        size=PAGE_SIZE,
        locales=AS_TYPED_IN,
        cursor=asked.cursor,
        category=slug,
        text=asked.q,
    )
    listed = {
        "room": room,
        "asked": asked,
        "categories": categories,
        "category": next((each for each in categories if each["slug"] == slug), None),
        "products": [_card(each, room) for each in page.products],
        "next_address": room.address_with(q=asked.q, cursor=page.next_cursor) if page.next_cursor else "",
    }
    return _page(template, {**listed, **(facts or {})}, keep=KEPT)


def _categories(room: Room) -> list[dict[str, Any]]:
    return [answers.category_json(each) for each in list_categories(channel_id=room.channel.pk, locales=AS_TYPED_IN)]


def _alike(found: ProductInWindow, room: Room) -> list[ProductInWindow]:
    if found.category is None:
        return []
    page = product_page(
        channel_id=room.channel.pk,
        currency=room.currency,
        size=ALIKE_COUNT + 1,
        locales=AS_TYPED_IN,
        category=found.category.slug,
    )
    return [each for each in page.products if each.slug != found.slug][:ALIKE_COUNT]


def _card(found: ProductInWindow, room: Room) -> dict[str, Any]:
    """The API's own answer, and whether its price is only where prices begin."""
    card = answers.product_json(found, locale=room.channel.default_locale)
    prices = {variant["price"]["amount_minor"] for variant in card["variants"] if variant["price"]}
    return {**card, "is_from": len(prices) > 1, "image": next(iter(card["images"]), None)}


def _refusal(error: DomainError, room: Room) -> HttpResponse:
    is_missing = error.kind is Kind.NOT_FOUND
    facts = {"room": room, "is_missing": is_missing, "sentence": error.title, "categories": _categories(room)}
    return _page("nothing.html", facts, status=404 if is_missing else 400)


def _page(template: str, facts: dict[str, Any], *, status: int = 200, keep: str = NOT_KEPT) -> HttpResponse:
    """Render without the request: no session, no user, no cookie."""
    html = render_to_string(f"storefront/{template}", facts)
    return HttpResponse(html, status=status, headers={"Cache-Control": keep})
