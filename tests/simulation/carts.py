"""What customers do before they pay: fill carts, change them, enter codes, say where to and how, sign in."""

import random

from tests.simulation.furniture import CODES, WAYS
from tests.simulation.world import GOODS, Act, Customer, World

HOME = {"name": "Ada", "line1": "1 High Street", "city": "Canterbury", "postcode": "CT1 2AB", "country": "GB"}


def some(world: World, dice: random.Random) -> Customer:
    """This will pick a customer."""
    return dice.choice(world.customers)


def fill_cart(world: World, dice: random.Random) -> None:
    """A new cart, unless there is one; what was ordered from the old one stays ordered."""
    customer = some(world, dice)
    if customer.cart is not None and not (customer.order_id and dice.random() < 0.7):
        return
    opened = world.call(customer, "POST", "carts", {})
    if opened.status_code != 201:
        return
    cart_id, token = opened.json()["cart_id"], opened.json().get("cart_token", "")
    customer.cart = (cart_id, token)
    customer.forget_order()
    goods = dice.sample(GOODS, k=dice.choice([1, 1, 2]))
    lines = [{"sku": sku, "quantity": dice.choice([1, 1, 2])} for sku in goods]
    world.call(customer, "PUT", f"carts/{cart_id}/lines", {"lines": lines}, X_Cart_Token=token)
    if dice.random() < 0.4:
        _enter(world, customer, dice.choice(CODES))
    if dice.random() < 0.2:
        _ship(world, customer, dice)


def change_cart(world: World, dice: random.Random) -> None:
    """Second thoughts: another quantity, a code in or out, another way to ship, or just what it costs now."""
    customer = some(world, dice)
    if customer.cart is None:
        return
    cart_id, token = customer.cart
    match dice.choice(["line", "code", "no code", "ship", "quote"]):
        case "line":
            path = f"carts/{cart_id}/lines/{dice.choice(GOODS)}"
            world.call(customer, "PUT", path, {"quantity": dice.choice([1, 2, 3])}, X_Cart_Token=token)
        case "code":
            _enter(world, customer, dice.choice(CODES))
        case "no code":
            world.call(customer, "DELETE", f"carts/{cart_id}/coupons/{dice.choice(CODES)}", X_Cart_Token=token)
        case "ship":
            _ship(world, customer, dice)
        case _:
            world.call(customer, "GET", f"carts/{cart_id}/quote", X_Cart_Token=token)


def _enter(world: World, customer: Customer, code: str) -> None:
    if customer.cart is None:
        return  # Claimed meanwhile by who signed in.
    cart_id, token = customer.cart
    answer = world.call(customer, "PUT", f"carts/{cart_id}/coupons/{code}", X_Cart_Token=token)
    world.done[f"code entered: {answer.status_code}"] += 1


def _ship(world: World, customer: Customer, dice: random.Random) -> None:
    if customer.cart is None:
        return
    cart_id, token = customer.cart
    world.call(customer, "PUT", f"carts/{cart_id}/addresses", {"shipping": HOME}, X_Cart_Token=token)
    answer = world.call(
        customer, "PUT", f"carts/{cart_id}/shipping-method", {"code": dice.choice(WAYS)}, X_Cart_Token=token
    )
    world.done[f"way to ship chosen: {answer.status_code}"] += 1


def sign_in(world: World, dice: random.Random) -> None:
    """A guest's cart becomes the cart of somebody who signs in on that device, merged with what they had."""
    guests = [
        customer for customer in world.customers if not customer.session and customer.cart and not customer.order_id
    ]
    known = [customer for customer in world.customers if customer.session]
    if not guests or not known:
        return
    guest, customer = dice.choice(guests), dice.choice(known)
    assert guest.cart is not None
    cart_id, token = guest.cart
    answer = world.call(customer, "POST", f"carts/{cart_id}/claim", X_Cart_Token=token)
    world.done[f"cart claimed: {answer.status_code}"] += 1
    if answer.status_code == 200:
        customer.cart, guest.cart = guest.cart, None
        customer.forget_order()
        guest.forget_order()


def copy_cart(world: World, dice: random.Random) -> None:
    """Order again from the cart of an order that came to nothing, or came to something."""
    customer = some(world, dice)
    if customer.cart is None or not customer.order_id:
        return
    answer = world.call(customer, "POST", f"carts/{customer.cart[0]}/copy", X_Cart_Token=customer.cart[1])
    if answer.status_code == 201:
        world.note("cart copied")
        copied = answer.json()
        customer.cart = (copied["cart_id"], copied.get("cart_token", ""))
        customer.forget_order()


ACTS: dict[str, tuple[float, Act]] = {
    "fill_cart": (10, fill_cart),
    "change_cart": (4, change_cart),
    "sign_in": (2, sign_in),
    "copy_cart": (3, copy_cart),
}
