"""Queries that are written once: the same rows as Django's own, in every thread, and no lock that would not hold."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.exceptions import MultipleObjectsReturned
from django.db import connection
from django.db.models import Case, Q, QuerySet, When
from django.test.utils import CaptureQueriesContext
from django.utils.safestring import SafeString

from core.db import TransactionStanceError, transaction
from core.lookups import id_in, text_in
from core.models import Policy, ProviderAccount, SalesChannel
from core.tests.factories import NOW, a_channel, an_account
from core.written import WrittenError, only, only_or, written

pytestmark = pytest.mark.usefixtures("database")


def plain(slug: str, provider: str) -> QuerySet[ProviderAccount]:
    rows = ProviderAccount.objects.filter(slug=slug, provider=provider, is_livemode=False)
    return rows.select_related("channel").order_by("id")


accounts_like = written(plain)


@written
def versions(version: int) -> QuerySet[Policy]:
    return Policy.objects.filter(version=version).order_by("id")


@written
def locked(name: str, version: int) -> QuerySet[Policy]:
    return Policy.objects.select_for_update().filter(name=name, version=version)


@written
def locked_for_others(name: str, version: int) -> QuerySet[Policy]:
    return Policy.objects.select_for_update(no_key=True).filter(name=name, version=version)


@written
def on(*, now: datetime, limit: int) -> QuerySet[ProviderAccount, str]:
    archived = Case(When(archived_at__gt=now, then=0), default=1)
    rows = ProviderAccount.objects.filter(Q(archived_at=None) | Q(archived_at__gt=now))
    return rows.order_by(archived, "id").values_list("slug", flat=True)[:limit]


@written
def pairs(slug: str) -> QuerySet[ProviderAccount, tuple[str, list[str]]]:
    return ProviderAccount.objects.filter(slug=slug).values_list("provider", "currencies")


@written
def named(names: list[str], versions: list[int]) -> QuerySet[Policy, str]:
    rows = Policy.objects.filter(text_in("name", names), id_in("version", versions))
    return rows.order_by("name").values_list("name", flat=True)


class TestWritten:
    def test_returns_what_the_queryset_does_with_what_was_joined_in_the_same_one_statement(self) -> None:
        channel = a_channel()
        mine, other = an_account(channel), an_account(channel, slug="other")
        accounts_like("nobody's", "stripe")

        with CaptureQueriesContext(connection) as own:
            found = [*accounts_like("shop", "stripe"), *accounts_like("other", "stripe"), *accounts_like("shop", "x")]
            channels = [account.channel for account in found]
        with CaptureQueriesContext(connection) as of_django:
            expected = [*plain("shop", "stripe"), *plain("other", "stripe"), *plain("shop", "x")]

        assert found == expected == [mine, other]
        assert channels == [channel, channel]
        columns = [{key: value for key, value in vars(row).items() if key != "_state"} for row in (*found, *expected)]
        assert columns[:2] == columns[2:]
        assert [query["sql"] for query in own] == [query["sql"] for query in of_django]

    def test_returns_what_is_there_now(self) -> None:
        assert accounts_like("shop", "stripe") == []
        account = an_account(a_channel())
        assert accounts_like("shop", "stripe") == [account]
        ProviderAccount.objects.update(legal_entity="Another Ltd")
        assert accounts_like("shop", "stripe")[0].legal_entity == "Another Ltd"

    def test_takes_any_value_at_its_first_use_also_one_that_stands_in_the_statement(self) -> None:
        assert versions(0) == []
        assert len(versions(1)) == Policy.objects.filter(version=1).count() > 0

    def test_asks_over_the_session_of_whoever_asks(self) -> None:
        an_account(a_channel())
        accounts_like("shop", "stripe")
        seen: list[tuple[str, int]] = []

        def elsewhere() -> None:
            with CaptureQueriesContext(connection) as queries:
                seen.extend((account.slug, len(queries)) for account in accounts_like("shop", "stripe"))
            connection.close()

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

        assert seen == [("shop", 1)]

    def test_locks_inside_a_transaction_and_refuses_to_pretend_outside_one(self) -> None:
        with transaction("test"), CaptureQueriesContext(connection) as queries:
            assert [row.name for row in locked("webhooks", 1)] == ["webhooks"]
        assert queries[0]["sql"].endswith("FOR UPDATE")

        with pytest.raises(TransactionStanceError, match="locked"):
            locked("webhooks", 1)

    @pytest.mark.parametrize("rows", [locked, locked_for_others], ids=["for update", "for no key update"])
    def test_refuses_at_its_first_use_as_later(self, rows: Callable[[str, int], list[Policy]]) -> None:
        fresh = written(vars(rows)["__wrapped__"])

        with pytest.raises(TransactionStanceError, match="locked"):
            fresh("webhooks", 1)
        with transaction("test"):
            assert len(fresh("webhooks", 1)) == 1
        with pytest.raises(TransactionStanceError, match="locked"):
            fresh("webhooks", 1)

    def test_does_not_take_nothing_for_a_value_at_its_first_use_or_later(self) -> None:
        fresh = written(vars(versions)["__wrapped__"])

        for _ in range(2):
            with pytest.raises(WrittenError, match="NoneType"):
                fresh(None)
            fresh(1)

    def test_takes_words_and_numbers_of_any_kind_first(self) -> None:
        fresh = written(plain)
        account = an_account(a_channel())

        assert fresh(SafeString("shop"), SalesChannel.TaxEntry.NET) == []
        assert fresh("shop", "stripe") == [account]

    def test_refuses_what_is_fetched_beside_the_rows(self) -> None:
        beside = written(lambda slug: plain(slug, "stripe").prefetch_related("webhook_secrets"))

        with pytest.raises(WrittenError, match="beside"):
            beside("shop")

    def test_knows_its_values_by_place_and_by_name(self) -> None:
        an_account(a_channel())

        assert versions(version=1) == versions(1) != []
        assert accounts_like("shop", provider="stripe") == accounts_like(provider="stripe", slug="shop") != []
        for _ in range(2):
            with pytest.raises(TypeError):
                versions()  # type: ignore[call-arg]
            with pytest.raises(TypeError):
                versions(1, 2)  # type: ignore[call-arg]

    def test_refuses_values_that_may_be_left_out(self) -> None:
        def some(slug: str, provider: str = "stripe") -> QuerySet[ProviderAccount]:
            return plain(slug, provider)

        with pytest.raises(WrittenError, match="left out"):
            written(some)

    def test_asks_for_what_is_before_an_instant_wherever_it_stands(self) -> None:
        channel = a_channel()
        archived = an_account(channel, slug="archived")
        ProviderAccount.objects.filter(pk=archived.pk).update(archived_at=NOW)
        an_account(channel)

        assert on(now=NOW - timedelta(seconds=1), limit=9) == ["archived", "shop"]
        assert on(now=NOW, limit=9) == ["shop"]
        assert on(now=NOW - timedelta(seconds=1), limit=1) == ["archived"]

    def test_returns_values_as_the_queryset_does(self) -> None:
        channel = a_channel()
        an_account(channel)

        assert pairs("shop") == [("stripe", channel.currencies)] == list(vars(pairs)["__wrapped__"]("shop"))

    def test_takes_as_many_as_there_are_in_one_statement(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            assert named(["webhooks"], [1]) == ["webhooks"]
            assert named(["payment", "nothing", "webhooks"], [1, 2]) == ["payment", "webhooks"]
            assert named(["webhooks"], [2]) == []

        assert len(queries) == 3

    def test_refuses_lists_of_nothing_and_of_anything_else(self) -> None:
        for _ in range(2):
            with pytest.raises(WrittenError, match="not with list"):
                named([], [1])
            with pytest.raises(WrittenError, match="not with NoneType, str"):
                named(["webhooks", None], [1])  # type: ignore[list-item]
            named(["webhooks"], [1])

    def test_refuses_a_value_that_does_not_stand_in_the_statement(self) -> None:
        elsewhere = written(lambda slug: plain(slug.upper(), "stripe"))

        with pytest.raises(WrittenError, match="slug does not stand"):
            elsewhere("shop")


class TestOnly:
    def test_is_the_row_or_none_and_never_one_of_two(self) -> None:
        assert only([]) is None
        with transaction("test"):
            row = only(locked("webhooks", 1))
        assert row is not None
        assert only_or(Policy.DoesNotExist, [row]) is row
        with pytest.raises(Policy.DoesNotExist):
            only_or(Policy.DoesNotExist, versions(0))
        with pytest.raises(MultipleObjectsReturned, match="2 rows"):
            only([row, row])
