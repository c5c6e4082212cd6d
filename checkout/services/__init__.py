"""The buyer's journey: carts, start, resume, cancel, ask for money back."""

from checkout.services.addresses import set_addresses
from checkout.services.cancel import cancel_order
from checkout.services.carts import (
    CartCheckedOut,
    CurrencyNotSold,
    NewCart,
    TooManyLines,
    VariantsUnknown,
    archive_cart,
    change_cart,
    copy_cart,
    copy_coupons,
    create_cart,
    set_line,
    set_lines,
)
from checkout.services.claim import claim_cart
from checkout.services.claims import LineNotOrdered, ask_for_refund
from checkout.services.coupons import (
    CouponsLacking,
    CouponUnknown,
    TooManyCoupons,
    add_coupon,
    remove_coupon,
)
from checkout.services.exemptions import ExemptionNotYours
from checkout.services.keyed import FinalAnswer
from checkout.services.payment_links import (
    NothingToPayByLink,
    issue_payment_link,
    link_address,
    takes_payment,
    trade_payment_link,
)
from checkout.services.resume import ResumeCommand, resume_payment
from checkout.services.return_urls import ReturnUrlNotAllowed
from checkout.services.shipping import ShippingMethodUnavailable, choose_shipping_method
from checkout.services.start import (
    CartEmpty,
    QuoteChanged,
    StartCommand,
    TotalNotPayable,
    start_checkout,
)
from payments.services import note_return

__all__ = [
    "CartCheckedOut",
    "CartEmpty",
    "CouponUnknown",
    "CouponsLacking",
    "CurrencyNotSold",
    "ExemptionNotYours",
    "FinalAnswer",
    "LineNotOrdered",
    "NewCart",
    "NothingToPayByLink",
    "QuoteChanged",
    "ResumeCommand",
    "ReturnUrlNotAllowed",
    "ShippingMethodUnavailable",
    "StartCommand",
    "TooManyCoupons",
    "TooManyLines",
    "TotalNotPayable",
    "VariantsUnknown",
    "add_coupon",
    "archive_cart",
    "ask_for_refund",
    "cancel_order",
    "change_cart",
    "choose_shipping_method",
    "claim_cart",
    "copy_cart",
    "copy_coupons",
    "create_cart",
    "issue_payment_link",
    "link_address",
    "note_return",
    "remove_coupon",
    "resume_payment",
    "set_addresses",
    "set_line",
    "set_lines",
    "start_checkout",
    "takes_payment",
    "trade_payment_link",
]
