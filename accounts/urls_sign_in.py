"""Addresses of sign-in: what of allauth's `app` client is mounted, and nothing else.

Second factors are set up and taken away in the console alone: a customer's session, which a password opens, must not
change what protects it.
"""

from django.urls import path

from accounts import views

urlpatterns = [
    path("config", views.config),
    path("auth/signup", views.sign_up),
    path("auth/email/verify", views.verify_email),
    path("auth/email/verify/resend", views.resend_code),
    path("auth/login", views.login),
    path("auth/2fa/authenticate", views.second_factor),
    path("auth/session", views.session),
    path("auth/reauthenticate", views.reauthenticate),
    path("auth/2fa/reauthenticate", views.reauthenticate_second_factor),
    path("auth/password/request", views.request_password),
    path("auth/password/reset", views.reset_password),
    path("account/password/change", views.change_password),
]
