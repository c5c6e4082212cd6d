"""Addresses of the API for carts, checkout and orders. No trailing slashes."""

from django.urls import path

from checkout.api import cart_parts, carts, checkout, coupons, orders, payment_links, refund_requests, shipping

urlpatterns = [
    path("carts", carts.CartsView.as_view()),
    path("carts/<str:cart_id>", carts.CartView.as_view()),
    path("carts/<str:cart_id>/addresses", cart_parts.CartAddressesView.as_view()),
    path("carts/<str:cart_id>/claim", cart_parts.CartClaimView.as_view()),
    path("carts/<str:cart_id>/copy", carts.CartCopyView.as_view()),
    path("carts/<str:cart_id>/coupons/<str:code>", coupons.CartCouponView.as_view()),
    path("carts/<str:cart_id>/lines", carts.CartLinesView.as_view()),
    path("carts/<str:cart_id>/lines/<str:sku>", carts.CartLineView.as_view()),
    path("carts/<str:cart_id>/payment-methods", cart_parts.CartPaymentMethodsView.as_view()),
    path("carts/<str:cart_id>/quote", carts.CartQuoteView.as_view()),
    path("carts/<str:cart_id>/shipping-method", shipping.CartShippingMethodView.as_view()),
    path("checkout/active", checkout.ActiveCheckoutView.as_view()),
    path("checkout/return", checkout.CheckoutReturnView.as_view()),
    path("checkout/start", checkout.StartCheckoutView.as_view()),
    path("orders", orders.OrdersView.as_view()),
    path("orders/<str:order_id>", checkout.OrderView.as_view()),
    path("orders/<str:order_id>/cancel", checkout.CancelOrderView.as_view()),
    path("orders/<str:order_id>/payment-link", payment_links.PaymentLinkView.as_view()),
    path("orders/<str:order_id>/payment-link/token", payment_links.TradePaymentLinkView.as_view()),
    path("orders/<str:order_id>/refund-requests", refund_requests.OrderRefundRequestsView.as_view()),
    path("refund-requests/<str:refund_request_id>", refund_requests.RefundRequestView.as_view()),
    path("orders/<str:order_id>/payment-attempts", checkout.PaymentAttemptsView.as_view()),
]
