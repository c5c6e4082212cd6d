"""Addresses of the web role. The shop's own stand in storefront/urls.py, the API's in catalog/ and checkout/urls.py."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from commerce import health, views
from support.admin import site

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("storefront.urls")),
    path("developers", views.developers, name="developers"),
    path("healthz", health.process, name="healthz"),
    path("healthz/work", health.work, name="healthz_work"),
    path("readyz", health.ready, name="readyz"),
    path("_allauth/app/v1/", include("accounts.urls_sign_in")),
    path("api/v1/", include("accounts.urls")),
    path("api/v1/", include("catalog.urls")),
    path("api/v1/", include("checkout.urls")),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("console", RedirectView.as_view(url="/console/")),
    path("console/account/", include("support.urls")),
    path("console/", site.urls),
]

handler400 = views.bad_request
handler403 = views.refused
handler404 = views.not_found
handler500 = views.server_error
