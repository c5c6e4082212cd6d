"""What stands in front of allauth's endpoints: its answers with our bounds and headers."""

from collections.abc import Callable
from functools import wraps
from io import BytesIO

import structlog
from allauth.headless.account import views as account
from allauth.headless.base import views as base
from allauth.headless.constants import Client
from allauth.headless.mfa import views as mfa
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from core.api import BodyTooLarge, NotJson, StrictJSONParser, problem, problem_of
from core.errors import DomainError, Unavailable

log = structlog.get_logger()

View = Callable[..., HttpResponse]
TOO_MANY_TRIES = b'"too_many_login_attempts"'
RETRY_AFTER_SECONDS, RETRY_LOGIN_AFTER_SECONDS = 60, 300


def guarded(view: View) -> View:
    """This will let clean JSON of bounded size through, and give the answer our headers."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        try:
            response = _refusal(request) or view(request)
        except (OperationalError, InterfaceError, PoolTimeout, RedisError) as error:
            log.warning("store_unavailable", error=type(error).__name__, view="sign_in")
            response = problem_of(Unavailable())
        if response.status_code == 405:
            # allauth documents no body for it, and Django's has none.
            allow = {"Allow": response["Allow"]}
            response = problem(
                status=405, code="method_not_allowed", title="This method is not known here.", headers=allow
            )
        if response.status_code == 400 and TOO_MANY_TRIES in response.content:
            response.status_code = 429
            response["Retry-After"] = str(RETRY_LOGIN_AFTER_SECONDS)
        elif response.status_code == 429:
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        response["Cache-Control"] = "private, no-store"
        return response

    return answer


def _refusal(request: HttpRequest) -> HttpResponse | None:
    token = request.headers.get("X-Session-Token", "")
    if token and not (token.isascii() and token.isprintable()):
        return JsonResponse({"status": 410, "meta": {"is_authenticated": False}}, status=410)
    try:
        if request.body:
            form = StrictJSONParser().parse(BytesIO(request.body))
            # allauth would say nothing at all to a list or a number.
            if not isinstance(form, dict):
                raise NotJson
    except RequestDataTooBig:
        return problem_of(BodyTooLarge())
    except DomainError as error:
        return problem_of(error)
    return None


def app_view(view: type[base.APIView]) -> View:
    """This will return one of allauth's views for the app client."""
    return guarded(view.as_api_view(client=Client.APP))


config = app_view(base.ConfigView)
session = app_view(account.SessionView)
sign_up = app_view(account.SignupView)
verify_email = app_view(account.VerifyEmailView)
resend_code = app_view(account.ResendEmailVerificationCodeView)
login = app_view(account.LoginView)
second_factor = app_view(mfa.AuthenticateView)
reauthenticate = app_view(account.ReauthenticateView)
reauthenticate_second_factor = app_view(mfa.ReauthenticateView)
request_password = app_view(account.RequestPasswordResetView)
reset_password = app_view(account.ResetPasswordView)
change_password = app_view(account.ChangePasswordView)
