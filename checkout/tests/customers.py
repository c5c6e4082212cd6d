"""Customers who are signed in, as the API sees them."""

from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from accounts.services import create_customer, trust_address
from accounts.tests.signing import PASSWORD, App
from core import clock
from core.db import transaction
from tests.shop import Shop


@dataclass
class Customer:
    """Somebody with a session. `headers` are for `Shop.api`."""

    shop: Shop
    user: User
    app: App
    headers: dict[str, str] = field(default_factory=dict)

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """This will call the API as this customer."""
        return self.shop.api(method, path, body, **self.headers, **headers)

    def a_cart(self, units: dict[str, int] | None = None, **choices: str) -> str:
        """This will open a cart of the customer's with these units and return its id."""
        cart_id: str = self.api("POST", "carts", choices).json()["cart_id"]
        lines = [{"sku": sku, "quantity": count} for sku, count in (units or {"MUG-RED": 1}).items()]
        filled = self.api("PUT", f"carts/{cart_id}/lines", {"lines": lines})
        assert filled.status_code == 200, filled.content
        return cart_id

    def an_order(self, *, key: str = "key-1", token: str = "", **more: Any) -> dict[str, Any]:
        """This will check out a cart of the customer's."""
        body = {
            "cart_id": self.a_cart(),
            "contact": {"email": self.user.email},
            "payment": {"method": "stripe", "token": token},
            **more,
        }
        started = self.api("POST", "checkout/start", body, idempotency_key=key)
        assert started.status_code == 201, started.content
        answer: dict[str, Any] = started.json()
        return answer


def a_customer(shop: Shop, *, email: str = "ada@example.com") -> Customer:
    """This will make a customer and sign them in."""
    with transaction("test"):
        user = create_customer(email=email, password=PASSWORD, now=clock.now())
        trust_address(user)
    return sign_in(shop, user)


def sign_in(shop: Shop, user: User) -> Customer:
    """This will sign a customer in on another device."""
    app = App()
    assert app.log_in(user.email).status_code == 200
    return Customer(shop, user, app, {"x_session_token": app.token})
