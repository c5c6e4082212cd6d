"""Categories, and which product stands in which; each written in a number of statements that does not grow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from catalog.models import Category
from catalog.selectors import find_categories
from catalog.services.texts import SLUG, TEXT_MAX_CHARACTERS
from core.db import constraint_errors, transaction_required
from core.errors import Invalid
from core.models import SalesChannel

POSITION_MAX = 2**31 - 1

# Only products on no shelf are placed: where somebody put one by hand it stays. Rows are written in the order of ids.
PLACE = """
WITH wanted AS (
    SELECT * FROM unnest(%s::text[], %s::bigint[]) AS wanted (slug, category_id)
), locked AS (
    SELECT product.id, wanted.category_id
    FROM wanted JOIN catalog_product product ON product.channel_id = %s::bigint AND product.slug = wanted.slug
    WHERE product.category_id IS NULL
    ORDER BY product.id
    FOR UPDATE OF product
)
UPDATE catalog_product product SET category_id = locked.category_id FROM locked WHERE product.id = locked.id
"""


class InvalidCategory(Invalid):
    """A category's slug, name or position cannot be stored."""

    code = "invalid_category"
    title = "The category cannot be stored."


class CategorySlugTaken(Invalid):
    """Another category of the channel has the slug."""

    code = "category_slug_taken"
    title = "Another category has this slug."


class UnknownCategory(Invalid):
    """The channel has no category with one of the slugs; nothing was written."""

    code = "unknown_category"
    title = "There is no such category."


@dataclass(frozen=True, slots=True)
class NewCategory:
    """A category to be made. The window shows lower positions first."""

    slug: str
    name: str
    position: int


@transaction_required
def create_categories(*, channel: SalesChannel, categories: Sequence[NewCategory]) -> list[Category]:
    """This will store categories in one statement. Needs its caller's transaction.

    Raises: InvalidCategory, CategorySlugTaken.
    """
    for category in categories:
        _refuse_invalid(category)
    with constraint_errors({"catalog_category_slug_unique": CategorySlugTaken}):
        return Category.objects.bulk_create(
            Category(channel=channel, slug=category.slug, name=category.name, position=category.position)
            for category in categories
        )


@transaction_required
def place_in_categories(*, channel: SalesChannel, categories: Mapping[str, str]) -> int:
    """This will put products that stand in no category into one (product slug to category slug), in two statements.

    A product that stands in a category already stays there, and a slug that names no product is passed over. Needs its
    caller's transaction. Returns how many were placed. Raises: UnknownCategory (then nothing is written).
    """
    known = known_categories(channel, categories.values())
    with connection.cursor() as cursor:
        cursor.execute(PLACE, [list(categories), [known[slug].pk for slug in categories.values()], channel.pk])
        return int(cursor.rowcount)


def known_categories(channel: SalesChannel, slugs: Iterable[str]) -> dict[str, Category]:
    """This will return the channel's categories by slug, in one query; none when none is named.

    Raises: UnknownCategory.
    """
    wanted = set(slugs)
    known = find_categories(channel_id=channel.pk, slugs=wanted) if wanted else {}
    unknown = sorted(wanted - set(known))
    if unknown:
        raise UnknownCategory(slugs=unknown)
    return known


def _refuse_invalid(category: NewCategory) -> None:
    if SLUG.fullmatch(category.slug) is None:
        raise InvalidCategory(detail="A slug is 1 to 80 letters, digits, hyphens and underscores.", slug=category.slug)
    if not 1 <= len(category.name) <= TEXT_MAX_CHARACTERS or "\x00" in category.name:
        raise InvalidCategory(detail="A category needs a name of at most 200 characters.", slug=category.slug)
    if not 0 <= category.position <= POSITION_MAX:
        raise InvalidCategory(detail="A position is 0 or more.", slug=category.slug)
