"""The developers' page tells what the database holds; the pages for when there is none tell what it means."""

import io
import json

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisConnectionError

from catalog.models import Product
from commerce import views
from core import clock
from core.ids import new_public_id
from core.models import SalesChannel

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def channel(database: str) -> SalesChannel:
    """The demo shop."""
    return SalesChannel.objects.create(
        slug="lantern-and-lark", name="Lantern & Lark", legal_entity="Lantern & Lark Ltd", time_zone="Europe/London",
        default_locale="en-GB", default_currency="GBP", currencies=["GBP"], countries=["GB"], tax_entry="gross",
        order_series="L", invoice_series="L", mail_from="shop@lantern-and-lark.example", terms_version="1",
        is_livemode=False, created_at=clock.now(),
    )  # fmt: skip


def put_on_sale(channel: SalesChannel, *, is_published: bool = True) -> None:
    """One more product."""
    Product.objects.create(
        public_id=new_public_id("prd"), channel=channel, slug=new_public_id("p")[:30].lower(), name="Lantern",
        tax_category="standard", is_published=is_published, created_at=clock.now(),
    )  # fmt: skip


def page() -> str:
    """The page's HTML."""
    answer = Client().get("/developers")
    assert answer.status_code == 200
    return answer.content.decode()


def refuse(*_: object, **__: object) -> None:
    """A database that is away."""
    raise OperationalError("connection refused")


def answer_to(error: Exception, *, path: str) -> HttpResponse:
    """What an unforeseen error in a view becomes."""

    def fail(request: HttpRequest) -> HttpResponse:
        try:
            raise error
        except type(error):
            return views.server_error(request)

    return fail(RequestFactory().get(path))


class TestDevelopersPage:
    def test_says_plainly_that_the_demo_data_is_still_being_made(self) -> None:
        html = page()

        assert "The demo data is still being made." in html
        assert 'http-equiv="refresh"' in html

    def test_counts_what_is_on_sale(self, channel: SalesChannel) -> None:
        put_on_sale(channel)
        put_on_sale(channel)
        put_on_sale(channel, is_published=False)

        html = page()

        assert "Lantern &amp; Lark" in html
        assert "<dt>products on sale</dt><dd>2</dd>" in html
        assert "The demo data is still being made." not in html
        assert "test mode: no money moves here" in html

    def test_leads_everywhere(self, settings: Settings) -> None:
        settings.SANDBOX_URL, settings.SANDBOX_PUBLIC_URL = "http://sandbox:8020", "http://127.0.0.1:8020"

        html = page()

        for address in ("/api/v1/docs", "/api/v1/schema", "/console/", "http://127.0.0.1:8020"):
            assert f'href="{address}' in html
        assert "http://sandbox:8020" not in html

    def test_does_not_name_a_sandbox_that_is_not_there(self, settings: Settings) -> None:
        settings.SANDBOX_URL = settings.SANDBOX_PUBLIC_URL = ""

        assert "sandbox" not in page()

    def test_asks_nobody_else_and_sets_no_cookie(self) -> None:
        answer = Client().get("/developers")

        assert not answer.cookies
        assert "http" not in answer.content.decode().replace('http-equiv="refresh"', "").replace("http://127", "")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]

    def test_says_that_the_records_are_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.ensure_connection", refuse)
        monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", refuse)

        answer = Client().get("/developers")

        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert "cannot reach its records" in answer.content.decode()


class TestErrorPages:
    def test_people_read_that_nothing_is_here(self) -> None:
        answer = Client().get("/nothing-here")

        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.content.decode()

    def test_programs_get_a_problem(self) -> None:
        answer = Client().get("/api/v1/nothing-here")

        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_found"

    def test_our_mistake_is_named_ours_with_a_reference(self) -> None:
        answer = answer_to(ValueError("a bug"), path="/")

        assert answer.status_code == 500
        assert "We could not make this page" in answer.content.decode()
        assert "trc_" in answer.content.decode()

    def test_our_mistake_is_a_problem_for_programs(self) -> None:
        answer = answer_to(ValueError("a bug"), path="/api/v1/orders")

        assert answer.status_code == 500
        assert answer.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("error", [OperationalError("gone"), RedisConnectionError("gone")])
    @pytest.mark.parametrize("path", ["/console/", "/api/v1/orders"])
    def test_a_store_that_is_away_is_a_wait(self, error: Exception, path: str) -> None:
        answer = answer_to(error, path=path)

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0


class TestApiDescription:
    def test_the_docs_run_no_inline_script(self) -> None:
        html = Client().get("/api/v1/docs").content.decode()

        assert "<style" not in html
        assert "<script>" not in html

    def test_the_schema_is_valid_and_made_without_a_warning(self) -> None:
        output = io.StringIO()

        call_command("spectacular", format="openapi-json", validate=True, fail_on_warn=True, stdout=output)

        names = set(json.loads(output.getvalue())["components"]["schemas"])
        assert {"ProductShape", "CategoryShape", "ArticleKind", "Availability", "MoneyShape", "ProblemShape"} <= names

    def test_the_schema_is_openapi_3_1(self) -> None:
        answer = Client().get("/api/v1/schema?format=json")

        assert answer.json()["openapi"].startswith("3.1")
