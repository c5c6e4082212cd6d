"""How the console writes what it shows: states as a word with a colour and a sign, money, times, people, bytes.

Everything here escapes; nothing of it reads the database.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from core.money import EXPONENTS, Money

GOOD, WAIT, BAD, QUIET = "good", "wait", "bad", "quiet"
# A word, a colour and a sign, because colour alone does not reach everybody. What no machine of ours knows is quiet.
SIGNS = {
    "draft": (QUIET, "○"),
    "closed": (QUIET, "–"),
    "payment_pending": (WAIT, "●"),
    "payment_authorized": (WAIT, "◐"),
    "paid": (GOOD, "✓"),
    "waiting": (WAIT, "●"),
    "refused": (BAD, "✕"),
    "payment_failed": (BAD, "✕"),
    "capture_failed": (BAD, "✕"),
    "cancelled_with_refund": (QUIET, "↩"),
    "cancelled": (QUIET, "–"),
    "expired": (QUIET, "–"),
    "fulfillment_pending": (WAIT, "●"),
    "partially_fulfilled": (WAIT, "◐"),
    "fulfilled": (GOOD, "✓"),
    "partially_refunded": (QUIET, "↩"),
    "refunded": (QUIET, "↩"),
    "created": (QUIET, "○"),
    "requires_action": (WAIT, "●"),
    "awaiting_funds": (WAIT, "●"),
    "partially_funded": (WAIT, "◐"),
    "processing": (WAIT, "●"),
    "authorized": (WAIT, "◐"),
    "partially_captured": (WAIT, "◐"),
    "captured": (GOOD, "✓"),
    "voided": (QUIET, "–"),
    "failed": (BAD, "✕"),
    "declined": (BAD, "✕"),
    "reversed": (BAD, "↩"),
    "sent": (WAIT, "●"),
    "pending": (WAIT, "●"),
    "unknown": (BAD, "▲"),
    "succeeded": (GOOD, "✓"),
    "received": (WAIT, "●"),
    "processed": (GOOD, "✓"),
    "parked": (WAIT, "●"),
    "ignored": (QUIET, "–"),
    "dead": (BAD, "▲"),
    "held": (WAIT, "●"),
    "committed": (GOOD, "✓"),
    "released": (QUIET, "–"),
    "used": (GOOD, "✓"),
    "given_back": (QUIET, "↩"),
    "honoured_late": (WAIT, "▲"),
    "open": (WAIT, "●"),
    "assigned": (WAIT, "◐"),
    "escalated": (BAD, "▲"),
    "resolved": (GOOD, "✓"),
    "requested": (WAIT, "●"),
    "awaiting_approval": (WAIT, "●"),
    "rejected": (BAD, "✕"),
    "approved": (GOOD, "◐"),
    "executed": (GOOD, "✓"),
    "inquiry": (WAIT, "●"),
    "needs_response": (BAD, "▲"),
    "under_review": (WAIT, "◐"),
    "accepted": (BAD, "↩"),
    "lost": (BAD, "✕"),
    "won": (GOOD, "✓"),
    "withdrawn": (QUIET, "–"),
    "prevented": (QUIET, "–"),
    "shipped": (WAIT, "◐"),
    "delivered": (GOOD, "✓"),
    "returned": (QUIET, "↩"),
    "granted": (GOOD, "✓"),
    "revoked": (QUIET, "–"),
}
HIDDEN = "hidden"
SECRET_WORDS = ("secret", "token", "password", "authorization", "signature")
BODY_BYTES_MAX = 64 * 1024
_CLIENT_SECRET = re.compile(
    r'("[^"\\]*(?:secret|token)[^"\\]*"\s*:\s*")(?:[^"\\]|\\.)*("|\Z)', re.IGNORECASE | re.DOTALL
)
# Controls but tab and line ends, and the marks that turn the direction of text, could make bytes read as others.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def words(code: str) -> str:
    """This will turn a code into words: `payment_pending` into Payment pending."""
    return code.replace("_", " ").capitalize()


def sign(status: str, *, label: str = "") -> SafeString:
    """This will show a status as a word with its colour and sign."""
    tone, mark = SIGNS.get(status, (QUIET, "○"))
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>', tone, mark, label or words(status)
    )


def change_of(from_state: str, to_state: str) -> SafeString | str:
    """This will show a move from one state to another, "" where nothing moved."""
    if not to_state:
        return ""
    return format_html("{} → {}", sign(from_state), sign(to_state)) if from_state else sign(to_state)


def held(reasons: Iterable[str]) -> SafeString:
    """This will show open holds as signs, or say that there is none."""
    signs = [(format_html('<span class="state state-bad"><span aria-hidden="true">▲</span> {}</span>', words(reason)),)
             for reason in reasons]  # fmt: skip
    return format_html_join(" ", "{}", signs) if signs else mark_safe('<span class="quiet">none</span>')


def money(amount_minor: int, currency: str) -> str:
    """This will write minor units of a currency as people do; a currency unknown to us as it stands."""
    if currency not in EXPONENTS:
        return f"{amount_minor} {currency} (minor units)"
    return Money(amount_minor, currency).display()


def amount(amount_minor: int, currency: str) -> SafeString:
    """This will show money for a column: at the right, figures of one width."""
    return format_html('<span class="amount">{}</span>', money(amount_minor, currency))


def percent(fraction: Decimal) -> SafeString:
    """This will show a fraction in hundredths, without zeros at its end."""
    return format_html('<span class="amount">{} %</span>', f"{(fraction * 100).normalize():f}")


def figure(number: int) -> SafeString:
    """This will show a number for a column."""
    return format_html('<span class="amount">{}</span>', f"{number:,}")


def at(moment: datetime | None, *, none: str = "not yet") -> SafeString:
    """This will show a time in the shop's zone, exact to the second on demand; `none` in place of no time."""
    if moment is None:
        return format_html('<span class="quiet">{}</span>', none)
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{local:%H:%M:%S %Z}",
        f"{local.day} {local:%b %Y, %H:%M}",
    )


def to_row(row: Model, text: object) -> SafeString:
    """This will link to a row's own page."""
    meta = row._meta  # noqa: SLF001 - Django's own name for it
    return format_html(
        '<a href="{}">{}</a>', reverse(f"console:{meta.app_label}_{meta.model_name}_change", args=[row.pk]), text
    )


def to_order(order_public_id: str) -> SafeString:
    """This will link to the order of a public id, by searching for it."""
    if not order_public_id:
        return mark_safe('<span class="quiet">none</span>')
    address = reverse("console:orders_order_changelist")
    return format_html('<a href="{}?{}">{}</a>', address, urlencode({"q": order_public_id}), order_public_id)


def masked_email(email: str) -> str:
    """This will keep what support compares with what a customer says: the first letter and the domain."""
    name, at_sign, domain = email.partition("@")
    return f"{name[:1]}•••{at_sign}{domain}" if at_sign else ""


def masked_phone(phone: str) -> str:
    """This will keep the last three figures."""
    return f"••• {phone[-3:]}" if len(phone) > 6 else "•••" if phone else ""


def initials(name: str) -> str:
    """This will keep the first letter of each part of a name."""
    return " ".join(f"{part[0]}." for part in name.split())


def without_secrets(value: Any) -> Any:
    """This will replace what a key's name says is secret, at every depth of a JSON value."""
    if isinstance(value, dict):
        return {
            key: HIDDEN if any(word in key.lower() for word in SECRET_WORDS) and inner else without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value


def json_text(value: Any) -> SafeString:
    """This will show a JSON value as text, its secrets hidden."""
    plain = json.dumps(without_secrets(value), indent=2, ensure_ascii=False)
    return format_html('<pre class="raw" tabindex="0">{}</pre>', visible(plain))


def facts_text(facts: dict[str, Any], currency: str) -> str:
    """This will write the facts of a history row that say something: money as money, the rest as it stands."""
    said = {name: value for name, value in without_secrets(facts).items() if value not in ("", None, [], {})}
    return " · ".join(_fact(name, value, currency) for name, value in said.items())


def _fact(name: str, value: Any, currency: str) -> str:
    if name.endswith("_minor") and type(value) is int:
        return f"{words(name.removesuffix('_minor')).lower()} {money(value, currency)}"
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{name.replace('_', ' ')}: {visible(shown)}"


def bytes_text(body: bytes) -> str:
    """This will return bytes as text that reads as what they are, their client secrets and tokens hidden.

    What is no UTF-8 and what cannot be seen is written as an escape. The caller escapes it for HTML.
    """
    text = body.decode("utf-8", errors="backslashreplace")
    return visible(_CLIENT_SECRET.sub(rf"\g<1>{HIDDEN}\g<2>", text))


def visible(text: str) -> str:
    """This will write invisible characters as escapes."""
    return _INVISIBLE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
