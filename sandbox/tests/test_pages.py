"""The pages people see."""

import re

import pytest

from sandbox.pages.html import money
from sandbox.tests.clients import InProcess


class TestHostedPayment:
    def test_shows_the_amount_and_a_card_choice(self, sandbox: InProcess) -> None:
        intent = sandbox.sdk.v1.payment_intents.create({"amount": 1234, "currency": "gbp"})

        page = sandbox.http.get(f"/pay/{intent.id}", params={"client_secret": intent.client_secret or ""})

        assert page.status_code == 200
        assert "Pay 12.34 GBP" in page.text
        assert "script-src" not in page.headers["content-security-policy"]

    def test_asks_for_the_client_secret(self, sandbox: InProcess) -> None:
        intent = sandbox.sdk.v1.payment_intents.create({"amount": 1234, "currency": "gbp"})

        assert sandbox.http.get(f"/pay/{intent.id}").status_code == 404
        form = {"client_secret": "é", "card": "pm_card_visa"}
        assert sandbox.http.post(f"/pay/{intent.id}", data=form).status_code == 404

    @pytest.mark.parametrize(
        ("number", "status", "redirect_status"),
        [
            ("4242 4242 4242 4242", "succeeded", "succeeded"),
            ("4000000000000002", "requires_payment_method", "failed"),
            ("4000000000000101", "processing", "pending"),
        ],
    )
    def test_pays_and_sends_the_buyer_back(
        self, sandbox: InProcess, number: str, status: str, redirect_status: str
    ) -> None:
        intent = sandbox.sdk.v1.payment_intents.create({"amount": 1234, "currency": "gbp"})
        secret = intent.client_secret or ""
        form = {"client_secret": secret, "number": number, "return_url": "http://shop.test/back"}

        answer = sandbox.http.post(f"/pay/{intent.id}", data=form)

        assert answer.status_code == 303
        assert answer.headers["location"] == (
            f"http://shop.test/back?payment_intent={intent.id}"
            f"&payment_intent_client_secret={secret}&redirect_status={redirect_status}"
        )
        assert sandbox.sdk.v1.payment_intents.retrieve(intent.id).status == status

    def test_sends_a_challenged_card_to_the_bank(self, sandbox: InProcess) -> None:
        intent = sandbox.sdk.v1.payment_intents.create({"amount": 1234, "currency": "gbp"})
        form = {"client_secret": intent.client_secret or "", "card": "pm_card_threeDSecure2Required"}

        answer = sandbox.http.post(f"/pay/{intent.id}", data=form)

        assert "/3ds/" in answer.headers["location"]
        assert "Your bank asks" in sandbox.http.get(answer.headers["location"]).text

    def test_refuses_an_unknown_number_without_charging(self, sandbox: InProcess) -> None:
        intent = sandbox.sdk.v1.payment_intents.create({"amount": 1234, "currency": "gbp"})
        form = {"client_secret": intent.client_secret or "", "number": "1"}

        assert sandbox.http.post(f"/pay/{intent.id}", data=form).status_code == 422
        assert sandbox.truth("charge") == []

    def test_says_how_it_ended(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()

        page = sandbox.http.get(f"/pay/{intent.id}", params={"client_secret": intent.client_secret})

        assert "The payment is complete" in page.text


class TestDashboard:
    def test_shows_what_happened_and_escapes_it(self, sandbox: InProcess) -> None:
        intent = sandbox.pay(description="<script>alert(1)</script>")
        sandbox.sdk.v1.refunds.create({"payment_intent": intent.id})
        sandbox.receive()
        sandbox.control("POST", "faults", {"kind": "slow", "operation": "<b>"})

        page = sandbox.http.get("/").text

        assert intent.id in page
        assert "delivered" in page
        assert "&lt;b&gt;" in page
        assert "<script>" not in page

    def test_lets_the_bank_act_and_comes_back(self, sandbox: InProcess) -> None:
        intent = sandbox.pay()
        form = {"charge": intent.latest_charge}
        assert "Bank takes it back" in sandbox.http.get("/").text

        answer = sandbox.http.post("/_control/disputes", data={**form, "amount": "400"})
        [dispute] = sandbox.truth("dispute")
        page = sandbox.http.get("/").text
        sandbox.http.post(f"/_control/disputes/{dispute['id']}", data={"status": "withdrawn"})
        sandbox.http.post("/_control/refunds", data=form)

        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert f'action="/_control/disputes/{dispute["id"]}"' in page
        assert sandbox.truth("dispute")[0]["status"] == "won"
        assert sandbox.truth("refund")[0]["amount"] == 1000
        crossing = {"sec-fetch-site": "cross-site"}
        assert sandbox.http.post("/_control/reversals", data=form, headers=crossing).status_code == 403

    def test_charges_again_at_a_click(self, sandbox: InProcess) -> None:
        sandbox.pay()
        page = sandbox.http.get("/").text
        forms = re.findall(r'<form[^>]* action="/_control/duplicates">(.*?)</form>', page)
        [fields] = [dict(re.findall(r'name="(\w+)" value="(\w+)"', form)) for form in forms]

        answer = sandbox.http.post("/_control/duplicates", data=fields)

        assert "Charge it again" in page
        assert answer.status_code == 303
        assert [row["amount_received"] for row in sandbox.truth("intent")] == [1000, 1000]

    def test_leaves_json_that_is_called_a_form_as_it_is(self, sandbox: InProcess) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded"}

        answer = sandbox.http.post("/_control/settings", content=b'{"late_seconds": 7}', headers=headers)

        assert (answer.status_code, answer.json()["late_seconds"]) == (200, 7)

    def test_has_its_stylesheet(self, sandbox: InProcess) -> None:
        assert sandbox.http.get("/assets/sandbox.css").headers["content-type"] == "text/css"
        assert sandbox.http.get("/nowhere").status_code == 404


class TestMoney:
    @pytest.mark.parametrize(
        ("amount", "currency", "shown"),
        [
            (5, "gbp", "0.05 GBP"),
            (123_456, "eur", "1,234.56 EUR"),
            (500, "jpy", "500 JPY"),
            (12_340, "kwd", "12.340 KWD"),
            (-700, "gbp", "-7.00 GBP"),
        ],
    )
    def test_follows_the_currencys_decimals(self, amount: int, currency: str, shown: str) -> None:
        assert money(amount, currency) == shown
