"""The site and what all its pages share. Nothing registers itself on Django's default site, which is not mounted."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator

from support.admin.pages import PagewiseChangeList
from support.admin.shown import at
from support.second_factor import Standing

# Django's class is generic for the type checker alone.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Model]
else:
    ModelAdmin = admin.ModelAdmin


# The console's first page, what people come for first: apps in this order, under these words.
GROUPS = {
    "oversight": "For people to decide",
    "orders": "Orders and their money",
    "payments": "Orders and their money",
    "webhooks": "Orders and their money",
    "ledger": "Orders and their money",
    "catalog": "Goods, prices and ways to send",
    "accounts": "People",
}


class InWords(admin.ChoicesFieldListFilter):
    """A filter over the values of a field, written as the lists write them."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Say `Payment pending` where Django says Payment Pending."""
        for choice in super().choices(changelist):
            yield {**choice, "display": str(choice["display"]).capitalize()}


class ConsoleSite(admin.AdminSite):
    """Admits only whom the middleware admitted, so that without the middleware nobody comes in."""

    site_header = "Surety console"
    site_title = "Surety console"
    index_title = "Console"
    enable_nav_sidebar = False
    empty_value_display = "none"

    def has_permission(self, request: HttpRequest) -> bool:
        """See Note [Second factor]."""
        return getattr(request, "console_standing", None) is Standing.ADMITTED

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Have no login of its own: allauth's asks for the second factor."""
        return self.index(request, extra_context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Name the lists as people do, and put first what they come for."""
        apps = super().get_app_list(request, app_label)
        order = list(GROUPS)
        apps.sort(key=lambda app: order.index(app["app_label"]) if app["app_label"] in GROUPS else len(order))
        for app in apps:
            app["group"] = GROUPS.get(app["app_label"], "More")
        for listed in (model for app in apps for model in app["models"]):
            model_admin = self.get_model_admin(listed["model"])
            if isinstance(model_admin, ReadOnlyAdmin):
                listed |= {"name": model_admin.heading, "sentence": model_admin.sentence}
        return apps


class ReadOnlyAdmin(ModelAdmin):
    """Whoever is in the console may read; nothing is written by editing a row.

    `heading` and `sentence` say what the list is.
    """

    heading = ""
    sentence = ""
    actions = None
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PagewiseChangeList]:  # noqa: ARG002
        """See Note [No counting]."""
        return PagewiseChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list under its own name."""
        facts = {"title": self.heading, "sentence": self.sentence, **(extra_context or {})}
        return super().changelist_view(request, facts)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row under its own name."""
        row = self.get_object(request, object_id) if object_id else None
        facts = {"title": self.title_of(row) if row else self.heading, "heading": self.heading, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, facts)

    def title_of(self, row: Model) -> str:
        """Name one row at the top of its page."""
        return str(row)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it on the console's first page."""
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Let staff read."""
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Rows come from services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Rows change through services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Rows stay."""
        return False


class ExactlySearched(ReadOnlyAdmin):
    """A list too long to search in the middle of words: `lookups` are whole values, each served by an index of its own.

    One OR over several tables would read them whole, hence a union. Sorting by columns would do the same.
    """

    sortable_by = ()
    search_fields = ("public_id",)

    def lookups(self, term: str) -> list[Q]:
        """Say what of a row may equal what was typed."""
        raise NotImplementedError

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Model],
        search_term: str,
    ) -> tuple[QuerySet[Model], bool]:
        """Find the rows one of whose lookups is the whole term."""
        term = search_term.strip()
        if not term:
            return queryset, False
        every: QuerySet[Model] = QuerySet(self.model)
        first, *rest = [every.filter(lookup).values("pk") for lookup in self.lookups(term)]
        return queryset.filter(pk__in=first.union(*rest)), False


def instant(name: str, *, label: str, none: str = "not yet") -> Callable[[ReadOnlyAdmin, Model], str]:
    """This will return a column that shows the time `name` in the shop's zone, exact to the second on demand.

    It is a method of its admin class; the stylesheet labels its cells by the method's name on narrow screens.
    """

    @admin.display(description=label, ordering=name)
    def show(_: ReadOnlyAdmin, row: Model) -> str:
        return at(getattr(row, name), none=none)

    return show


site = ConsoleSite(name="console")
