"""Who may give money back: role by role through the services, purpose by purpose through the API, nobody by looking."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AccessToken, StaffRole, User
from accounts.services import issue_token
from core import clock
from core.db import transaction
from core.errors import DomainError
from orders.refunding import WantedAmount, WantedEverything
from oversight.tests.factories import a_colleague
from payments.models import Refund, RefundClaim
from payments.selectors import newest_refund_id
from payments.services import RefundWish, approve_refund, grant_claim, refuse_claim, request_refund
from tests.journeys.facts import by, control
from tests.shop import Shop

SENT, WAITS, NO = "sent", "awaiting_approval", "not_permitted"
SUPPORT, SUPERVISOR, FINANCE, ADMINISTRATOR = StaffRole
LEFT = "left"
# By act: what comes of it for support, a supervisor, finance, an administrator, and somebody who left.
MATRIX = {
    "small": (SENT, SENT, SENT, SENT, NO),
    "whole": (WAITS, SENT, SENT, SENT, NO),
    "goodwill": (WAITS, SENT, SENT, SENT, NO),
    "offline": (NO, WAITS, WAITS, WAITS, NO),
    "disputed": (NO, WAITS, WAITS, WAITS, NO),
}
CASES = [
    (act, role, outcome)
    for act, outcomes in MATRIX.items()
    for role, outcome in zip([*StaffRole, LEFT], outcomes, strict=True)
]


@pytest.fixture
def order(shop: Shop) -> dict[str, Any]:
    """Four mugs, £79.96, paid."""
    answer: dict[str, Any] = shop.start(shop.a_cart({"MUG-RED": 4}), token="pm_card_visa").json()
    shop.deliver()
    return answer


def somebody(role: str) -> User:
    """This will hire somebody for a role, or let them go again."""
    user = a_colleague("ada", StaffRole.FINANCE if role == LEFT else StaffRole(role))
    if role == LEFT:
        user.is_active = False
        user.save()
    return user


def wish_for(shop: Shop, act: str) -> RefundWish:
    """This will return the wish of an act, on an order that is disputed where it has to be."""
    if act == "disputed":
        control(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"], amount=1999)
    wanted = WantedEverything() if act == "whole" else WantedAmount(1500, is_goodwill=act == "goodwill")
    return RefundWish(
        shop.order().public_id, wanted, "damaged", newest_refund_id(shop.order()),
        destination="offline" if act == "offline" else "provider", overrides_dispute=act == "disputed", bank="main",
    )  # fmt: skip


def outcome_of(work: Any) -> str:
    """This will do something and return what came of it: the refund's status, or the code of the refusal."""
    try:
        with transaction("test"):
            work()
    except DomainError as refusal:
        return refusal.code
    return str(Refund.objects.latest("id").status) if Refund.objects.exists() else ""


@pytest.mark.pains("F7")
class TestRoles:
    @pytest.mark.parametrize(("act", "role", "outcome"), CASES)
    def test_may_do_what_the_table_says(
        self, shop: Shop, order: dict[str, Any], act: str, role: str, outcome: str
    ) -> None:
        user, wish = somebody(role), wish_for(shop, act)

        found = outcome_of(lambda: request_refund(wish, cause=by(user), staff=user))

        assert found == outcome
        shop.work()
        given = sum(row["amount"] for row in shop.truth("refund"))
        assert given == (0 if outcome != SENT else 7996 if act == "whole" else 1500)

    @pytest.mark.parametrize("role", [*StaffRole, LEFT])
    def test_nobody_agrees_to_their_own(self, shop: Shop, order: dict[str, Any], role: str) -> None:
        ada = a_colleague("edsger")
        wish = wish_for(shop, "whole")
        with transaction("test"):
            (refund,) = request_refund(wish, cause=by(ada), staff=ada)
        approver = somebody(role)

        own = outcome_of(lambda: approve_refund(refund.public_id, approver=ada, requester=ada, cause=by(ada)))
        other = outcome_of(
            lambda: approve_refund(refund.public_id, approver=approver, requester=ada, cause=by(approver))
        )

        assert own == "own_request"
        assert (other == SENT) == (role in {SUPERVISOR, FINANCE, ADMINISTRATOR})

    def test_requests_of_customers_are_decided_by_roles_too(self, shop: Shop, order: dict[str, Any]) -> None:
        ask(shop, order, order["order_token"], amount_above_rules=True)
        claim, gone = RefundClaim.objects.get(), somebody(LEFT)

        assert outcome_of(lambda: grant_claim(claim.public_id, staff=gone, cause=by(gone))) == NO
        assert outcome_of(lambda: refuse_claim(claim.public_id, staff=gone, cause=by(gone), note="No.")) == NO
        claim.refresh_from_db()
        assert (claim.status, Refund.objects.count()) == ("waiting", 0)


def ask(shop: Shop, order: dict[str, Any], token: str, *, amount_above_rules: bool = False) -> int:
    """This will ask for everything back with a token and return the HTTP status."""
    if amount_above_rules:
        control(shop, "fraud_warnings", payment_intent=shop.truth("intent")[0]["id"], fraud_type="misc")
    path = f"orders/{order['order_id']}/refund-requests"
    return int(
        shop.api("POST", path, {"reason": "damaged"}, x_order_token=token, idempotency_key=f"k{token[:8]}").status_code
    )


@pytest.mark.pains("F7")
class TestLooking:
    def test_a_token_to_look_neither_cancels_nor_asks_back(self, shop: Shop, order: dict[str, Any]) -> None:
        with transaction("test"):
            look = issue_token(
                subject_id=order["order_id"], purposes=[AccessToken.Purpose.VIEW], lifetime=timedelta(days=1),
                now=clock.now(),
            )  # fmt: skip
        assert shop.api("GET", f"orders/{order['order_id']}", x_order_token=look).status_code == 200

        cancelled = shop.api(
            "POST", f"orders/{order['order_id']}/cancel", {}, x_order_token=look, idempotency_key="cancel"
        )

        assert (ask(shop, order, look), cancelled.status_code) == (404, 404)
        assert (Refund.objects.count(), RefundClaim.objects.count()) == (0, 0)

    def test_the_console_has_no_form_that_changes_money(self, shop: Shop, order: dict[str, Any]) -> None:
        page = f"/console/orders/order/{shop.order().pk}/change/"

        assert Client().post(page, {"state": "refunded"}).status_code == 302
        assert shop.order().state == "paid"
