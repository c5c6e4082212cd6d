"""Browsers that come as far as password and code let them."""

from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value
from django.db.models import Model
from django.test import Client

from accounts.models import User
from core import clock

PASSWORD = "correct horse battery"
LOGIN, CODE = "/console/account/login/", "/console/account/login/code/"
SETUP = "/console/account/second-factor/app/"
SECRET = generate_totp_secret()
PERIOD_SECONDS = 30


def code_now(secret: str = SECRET) -> str:
    """What the authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, int(clock.now().timestamp()) // PERIOD_SECONDS)))


def type_password(user: User) -> Client:
    """A browser that has typed the password and nothing else."""
    client = Client()
    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    return client


def come_in(user: User) -> Client:
    """A browser that has typed password and code."""
    client = type_password(user)
    answer = client.post(CODE, {"code": code_now()})
    assert answer.headers["Location"] == "/console/"
    return client


def address_of(row: Model) -> str:
    """The page of a row."""
    return f"/console/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
