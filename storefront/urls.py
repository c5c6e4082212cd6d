"""Addresses of the shop's pages. No trailing slashes."""

from django.urls import path

from storefront import views

urlpatterns = [
    path("", views.front, name="shop"),
    path("search", views.search, name="shop_search"),
    path("categories/<slug:slug>", views.category, name="shop_category"),
    path("products/<slug:slug>", views.product, name="shop_product"),
    path("cart", views.cart, name="shop_cart"),
    path("checkout", views.checkout, name="shop_checkout"),
    path("checkout/return", views.checkout_return, name="shop_return"),
    path("orders/<slug:order_id>", views.order, name="shop_order"),
    path("account", views.account, name="shop_account"),
]
