"""Both roles in one process: the web's addresses and the webhook door's."""

from django.urls import include, path

from commerce import urls as web

handler400, handler403, handler404, handler500 = web.handler400, web.handler403, web.handler404, web.handler500
urlpatterns = [path("", include("webhooks.urls")), path("", include("commerce.urls"))]
