"""The state a browser carries to the provider's page and back.

Note [Signed state]: the browser that returns may be another one than the one that left (a bank's app opens its own),
with neither session nor token. What it carries is a state we signed: bound to this purpose and one attempt, expiring.
It is no evidence about money and opens nothing but the order's word; it makes us ask.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

from core import crypto, policies
from core.errors import NotFound

STATE_PURPOSE = "return-state"
STATE_FIELD = "state"


class NoSuchReturn(NotFound):
    """The state is not ours, was changed, is too old or for another purpose: all look the same."""

    code = "no_such_return"
    title = "This return address is not, or no longer, valid. Your order shows how its payment stands."


def with_state(return_url: str, *, attempt_id: str, now: datetime) -> str:
    """This will append the signed state to a checked address; "" stays ""."""
    if not return_url:
        return ""
    until = now + timedelta(seconds=policies.current("pay_step")["return_state_seconds"])
    state = crypto.sign(f"v1.{attempt_id}.{int(until.timestamp())}", purpose=STATE_PURPOSE)
    parts = urlsplit(return_url)
    query = "&".join(filter(None, [parts.query, urlencode({STATE_FIELD: state})]))
    return urlunsplit(parts._replace(query=query))


def without_state(return_url: str) -> str:
    """This will return the address as the client sent it."""
    head, fragment = urlsplit(return_url)._replace(fragment=""), urlsplit(return_url).fragment
    query = head.query.rpartition(f"{STATE_FIELD}=")[0].rstrip("&")
    return urlunsplit(head._replace(query=query, fragment=fragment))


def attempt_of_state(state: str, *, now: datetime) -> str:
    """This will return the public id of the attempt a state was signed for. Raises: NoSuchReturn."""
    try:
        version, attempt_id, until = crypto.signed_text(state, purpose=STATE_PURPOSE).split(".")
    except ValueError as error:
        raise NoSuchReturn from error
    if version != "v1" or datetime.fromtimestamp(int(until), UTC) <= now:
        raise NoSuchReturn
    return attempt_id
