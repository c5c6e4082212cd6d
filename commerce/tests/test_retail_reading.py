"""Invoice files read as orders, and prices that orders hold against each other."""

import csv
import threading
from collections import Counter
from pathlib import Path

import pytest

from commerce.retail.prices import PriceBoard
from commerce.retail.reading import (
    COLUMNS,
    NotAnInvoiceFileError,
    RetailOrder,
    country_code,
    read_orders,
    survey,
)
from commerce.retail.returns import read_returns
from commerce.tests.retail_invoices import NAME, sixty_invoices, write


def a_file(folder: Path, *rows: str) -> Path:
    """This will write rows `invoice sku quantity price [customer]` as a file of the shop."""
    path = folder / "some.csv"
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for row in rows:
            invoice, sku, quantity, price, *customer = row.split()
            writer.writerow([invoice, sku, "THING", quantity, "2026-01-04", price, *(customer or [""]), "EIRE"])
    return path


def baskets(orders: list[RetailOrder]) -> dict[str, dict[str, tuple[int, int]]]:
    """This will return (quantity, pence) by SKU and order."""
    return {
        order.key: {sku: (quantity, order.prices[sku]) for sku, quantity in order.quantities.items()}
        for order in orders
    }


class TestReadOrders:
    def test_merges_lines_of_one_sku_at_one_price(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "1 A 2 1.25", "1 X 1 3", "1 A 4 1.25")

        assert baskets(list(read_orders(path))) == {"1": {"A": (6, 125), "X": (1, 300)}}

    def test_gives_the_kth_price_of_a_sku_to_the_kth_order(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "1 A 1 1", "1 A 1 2", "1 X 1 9", "1 A 1 3", "1 A 5 2", "1 X 1 8")

        assert baskets(list(read_orders(path))) == {
            "1": {"A": (1, 100), "X": (1, 900)},
            "1-2": {"A": (6, 200), "X": (1, 800)},
            "1-3": {"A": (1, 300)},
        }

    def test_keeps_skus_apart_that_differ_in_case(self, tmp_path: Path) -> None:
        orders = list(read_orders(a_file(tmp_path, "1 10001A 1 1", "1 10001a 1 2")))

        assert baskets(orders) == {"1": {"10001A": (1, 100), "10001a": (1, 200)}}

    def test_puts_an_interrupted_invoice_together(self, tmp_path: Path) -> None:
        orders = list(read_orders(a_file(tmp_path, "1 A 1 1", "2 A 1 1", "1 X 1 1")))

        assert baskets(orders) == {"2": {"A": (1, 100)}, "1": {"A": (1, 100), "X": (1, 100)}}

    def test_rounds_half_up_to_pence(self, tmp_path: Path) -> None:
        orders = list(read_orders(a_file(tmp_path, "1 A 1 0.005", "1 X 1 2.345")))

        assert baskets(orders) == {"1": {"A": (1, 1), "X": (1, 235)}}

    def test_knows_customers_and_guests(self, tmp_path: Path) -> None:
        orders = list(read_orders(a_file(tmp_path, "1 A 1 1 12345.0", "2 A 1 1")))

        assert [order.customer for order in orders] == ["12345", ""]

    def test_stops_after_the_first_invoices(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "1 A 1 1", "2 A 1 1", "1 A 1 2", "3 A 1 1")

        assert [order.key for order in read_orders(path, invoices_max=2)] == ["2", "1", "1-2"]

    @pytest.mark.parametrize("text", ["InvoiceNo\n", ",".join(COLUMNS) + "\n1,A,,many,,1,,EIRE\n"])
    def test_refuses_other_files(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "other.csv"
        path.write_text(text)

        with pytest.raises(NotAnInvoiceFileError, match=r"other\.csv"):
            list(read_orders(path))


class TestSurvey:
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("1 M 1 1", "not_goods"),
            ("1 GIFT_0001_20 1 1", "not_goods"),
            ("1 A 1 0.004", "no_price"),
            ("1 A -1 1", "wrong_sign"),
            ("C1 A 1 1", "wrong_sign"),
            ("C1 m -1 1", "not_goods"),
        ],
    )
    def test_counts_what_it_skips(self, tmp_path: Path, row: str, reason: str) -> None:
        found = survey([a_file(tmp_path, row)])

        assert found.skipped == {"some.csv": Counter({reason: 1})}
        assert found.orders == 0

    def test_leaves_invoices_of_other_letters_out(self, tmp_path: Path) -> None:
        assert survey([a_file(tmp_path, "A1 X 1 1")]).skipped == {"some.csv": Counter()}

    def test_adds_up_the_units_of_an_article(self, tmp_path: Path) -> None:
        found = survey([a_file(tmp_path, "1 A 2 1", "2 A 3 2")])

        assert (found.articles["A"].units, found.articles["A"].price_minor) == (5, 100)

    def test_reads_the_sixty_invoices_as_they_were_made(self, tmp_path: Path) -> None:
        path, made = write(tmp_path), sixty_invoices()

        orders = list(read_orders(path))

        assert (len(orders), sum(len(order.quantities) for order in orders)) == (made.orders, made.order_lines)
        assert sum(order.gross_minor for order in orders) == made.gross_minor
        assert sum(order.units for order in orders) == made.units
        assert survey([path]).skipped == {NAME: made.skipped}


class TestReadReturns:
    def returned(self, path: Path) -> list[tuple[str, str, dict[str, int], int]]:
        """This will return (invoice, order, units, pence) of each return of a file."""
        return [(one.invoice_no, one.order_key, one.units, one.amount_minor) for one in read_returns([path]).each]

    def test_takes_from_the_most_recent_order_then_from_the_one_before(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "1 A 5 1 7.0", "2 A 2 1 7.0", "C3 A -3 1 7.0", "C4 A -9 1 7.0")

        assert self.returned(path) == [
            ("C3", "2", {"A": 2}, 200), ("C3", "1", {"A": 1}, 100), ("C4", "1", {"A": 4}, 400),
        ]  # fmt: skip
        (facts,) = read_returns([path]).by_file.values()
        assert (facts.lines, facts.unmatched_units, facts.unmatched_minor) == (2, 5, 500)

    def test_only_of_the_same_customer_at_the_same_price_and_not_of_orders_to_come(self, tmp_path: Path) -> None:
        path = a_file(
            tmp_path, "C0 A -1 1 7.0", "1 A 5 1 7.0", "C2 A -1 1 8.0", "C2 A -1 2 7.0", "C2 a -1 1 7.0", "C2 A -1 1"
        )

        assert self.returned(path) == []
        assert read_returns([path]).by_file["some.csv"].unmatched_units == 5

    def test_finds_the_sub_order_of_its_price(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "1 A 1 1 7.0", "1 A 1 2 7.0", "C2 A -1 2 7.0")

        assert self.returned(path) == [("C2", "1-2", {"A": 1}, 200)]

    def test_nobody_s_rows_match_nothing(self, tmp_path: Path) -> None:
        assert self.returned(a_file(tmp_path, "1 A 1 1", "C2 A -1 1")) == []

    def test_knows_the_orders_of_earlier_files(self, tmp_path: Path) -> None:
        (tmp_path / "one").mkdir()
        first, second = a_file(tmp_path / "one", "1 A 1 1 7.0"), a_file(tmp_path, "C2 A -1 1 7.0")

        assert [one.order_key for one in read_returns([first, second]).each] == ["1"]

    def test_leaves_orders_out_that_are_not_replayed(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "1 A 1 1 7.0", "2 A 1 1 7.0", "C3 A -1 1 7.0")

        assert [one.order_key for one in read_returns([path], order_keys={"1"}).each] == ["1"]


class TestCountryCode:
    @pytest.mark.parametrize(
        ("label", "code"),
        [
            ("EIRE", "IE"),
            ("Channel Islands", "JE"),
            ("RSA", "ZA"),
            ("USA", "US"),
            ("United Kingdom", "GB"),
            ("Czech Republic", "CZ"),
            ("Hong Kong", "HK"),
            ("Unspecified", "ZZ"),
            ("European Community", "ZZ"),
        ],
    )
    def test_follows_cldr_and_the_shop_s_own_names(self, label: str, code: str) -> None:
        assert country_code(label) == code


class TestPriceBoard:
    def wait_in_background(self, board: PriceBoard, prices: dict[str, int]) -> tuple[threading.Thread, threading.Event]:
        """An order that asks for these prices and tells when it got them."""
        is_served = threading.Event()

        def ask() -> None:
            with board.hold(prices):
                is_served.set()

        thread = threading.Thread(target=ask)
        thread.start()
        return thread, is_served

    def test_lets_orders_through_together_that_agree(self) -> None:
        board = PriceBoard()

        with board.hold({"A": 1, "B": 2}), board.hold({"A": 1, "C": 3}), board.hold({"A": 1, "B": 2}):
            pass

    def test_keeps_an_order_waiting_that_wants_another_price(self) -> None:
        board = PriceBoard()

        with board.hold({"A": 1, "B": 2}):
            thread, is_served = self.wait_in_background(board, {"B": 3})
            assert not is_served.wait(0.05)
        thread.join(timeout=5)

        assert is_served.is_set()

    def test_serves_in_the_order_of_arrival(self) -> None:
        board = PriceBoard()

        with board.hold({"A": 1}):
            first, is_first_served = self.wait_in_background(board, {"A": 2, "B": 1})
            while len(board._claims) < 2:
                pass
            second, is_second_served = self.wait_in_background(board, {"B": 2})
            assert not is_second_served.wait(0.05)
            assert not is_first_served.is_set()
        first.join(timeout=5)
        second.join(timeout=5)

        assert is_first_served.is_set()
        assert is_second_served.is_set()
