"""Both roles in one process: the web's addresses and the webhook door's."""

from django.urls import include, path

from commerce.urls import handler404 as handler404
from commerce.urls import handler500 as handler500

urlpatterns = [path("", include("webhooks.urls")), path("", include("commerce.urls"))]
