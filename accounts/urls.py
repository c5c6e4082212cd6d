"""Addresses of the customer's own account. No trailing slashes."""

from django.urls import path

from accounts import api

urlpatterns = [
    path("me", api.MeView.as_view()),
    path("me/addresses", api.MyAddressesView.as_view()),
    path("me/addresses/<str:address_id>", api.MyAddressView.as_view()),
]
