"""The address that stands in a provider's dashboard."""

from django.urls import path

from webhooks import api

urlpatterns = [path("webhooks/<str:provider>/<str:account>", api.receive, name="webhook")]
