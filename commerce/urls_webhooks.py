"""Addresses of the webhook door's own processes (WEBHOOKS_ONLY): deliveries and health, nothing else."""

from django.urls import URLPattern, URLResolver, include, path

from commerce import health
from webhooks import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("webhooks.urls")),
    path("healthz", health.process, name="healthz"),
    path("readyz", api.readyz, name="readyz"),
]
handler400 = "webhooks.api.bad_request"
handler404 = "webhooks.api.page_missing"
handler500 = "webhooks.api.crashed"
