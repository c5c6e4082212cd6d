"""Where a customer may be sent back to: the shop's own hosts and apps, and nowhere else."""

from urllib.parse import SplitResult, parse_qsl, urlsplit

from core.errors import Invalid
from core.models import SalesChannel

# Room for the signed state behind it, within what providers and our column take.
RETURN_URL_MAX = 1800
LOOPBACK = {"127.0.0.1", "localhost"}
# Schemes that browsers read themselves; no app of a shop is called so, whatever a row says.
NOT_APPS = {"about", "blob", "data", "file", "filesystem", "http", "https", "intent", "javascript", "vbscript"}


class ReturnUrlNotAllowed(Invalid):
    """The address to return to is not one of the shop's."""

    code = "return_url_not_allowed"
    title = "The return address must be https on one of the shop's hosts, or one of the shop's app schemes."


def check_return_url(url: str, *, channel: SalesChannel) -> None:
    """This will refuse an address that is neither https on an allowed host nor of an allowed app scheme.

    Loopback over http is allowed to a shop that is not live. A port counts only where the shop's list names it. The
    name `state` is ours to append. Raises: ReturnUrlNotAllowed.
    """
    if not url:
        return
    # A browser drops tabs and line ends, reads a back slash as a slash and letters of other scripts as it likes: that
    # would not be the address we checked.
    if len(url) > RETURN_URL_MAX or any(not "!" <= character <= "~" or character == "\\" for character in url):
        raise ReturnUrlNotAllowed
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ReturnUrlNotAllowed from error
    names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    is_whole = bool(parts.netloc) and "@" not in parts.netloc and "state" not in names
    if not is_whole or not (_is_ours(parts, port, channel) or _is_loopback(parts, channel) or _is_app(parts, channel)):
        raise ReturnUrlNotAllowed


def _is_ours(parts: SplitResult, port: int | None, channel: SalesChannel) -> bool:
    host = parts.hostname or ""
    named = host if port in {None, 443} else f"{host}:{port}"
    return parts.scheme == "https" and named in channel.return_hosts


def _is_loopback(parts: SplitResult, channel: SalesChannel) -> bool:
    return parts.scheme == "http" and parts.hostname in LOOPBACK and not channel.is_livemode


def _is_app(parts: SplitResult, channel: SalesChannel) -> bool:
    return parts.scheme in channel.return_schemes and parts.scheme not in NOT_APPS
