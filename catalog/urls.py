"""Addresses of the shop window. No trailing slashes."""

from django.urls import path

from catalog import api

urlpatterns = [
    path("catalog/categories", api.CategoriesView.as_view()),
    path("catalog/products", api.ProductsView.as_view()),
    path("catalog/products/<str:slug>", api.ProductView.as_view()),
]
