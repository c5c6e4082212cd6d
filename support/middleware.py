"""The console asks for a second factor, always. See Note [Second factor]."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from support.second_factor import Standing, standing_of
from support.selectors import shop_time_zone

CONSOLE = "/console"

# The pages each standing may see, the first being where it is led; who is admitted may see all.
PAGES = {
    Standing.ANONYMOUS: ("account_login", "mfa_authenticate", "account_logout"),
    Standing.WITHOUT_FACTOR: ("mfa_activate_totp", "account_reauthenticate", "account_logout"),
    Standing.UNPROVEN: ("mfa_reauthenticate", "account_logout"),
}


class SecondFactorMiddleware:
    """Stands before every address under /console, whatever the method and whichever view answers it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next in line."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let through, lead to the next step, or deny that there is anything."""
        if request.path_info != CONSOLE and not request.path_info.startswith(f"{CONSOLE}/"):
            return self.get_response(request)
        # No database looks NUL up. A cookie brings it written as \000, which Python unquotes.
        if "\x00" in request.path_info + request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
            raise BadRequest
        standing = standing_of(request)
        if standing is Standing.STRANGER:
            raise Http404
        request.console_standing = standing  # type: ignore[attr-defined] # read by ConsoleSite.has_permission
        pages = [reverse(name) for name in PAGES.get(standing, ())]
        if standing is Standing.ADMITTED or request.path in pages:
            with timezone.override(shop_time_zone()):
                response = self.get_response(request)
        else:
            response = HttpResponseRedirect(f"{pages[0]}?{urlencode({'next': _way_back(request)})}")
        response["Cache-Control"] = "private, no-store"
        return response


def _way_back(request: HttpRequest) -> str:
    """Where to go on afterwards: the page asked for, unless asking for it was an act."""
    is_page = request.method in {"GET", "HEAD"} and not request.path_info.startswith(f"{CONSOLE}/account/")
    return request.get_full_path() if is_page else f"{CONSOLE}/"
