"""Form bodies and query strings, as Stripe's SDK encodes them: `a[b]=1`, `expand[0]=c`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.dialects.stripe.errors import InvalidParametersError
from sandbox.words import words

NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
CURRENCIES = words(
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn"
    " bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd"
    " gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak"
    " lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd"
    " omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std"
    " szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar"
    " zmw"
)
# Without decimals, and written with two that are always 00.
WHOLE_OF_TWO = frozenset({"isk", "ugx"})
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
AMOUNT_MAX = 99_999_999

Form = dict[str, Any]


def parse_form(text: str) -> Form:
    """This will return nested dicts; a list is a dict keyed by position."""
    form: Form = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found = NAME.match(name)
        if not found:
            raise InvalidParametersError(f"Invalid parameter name: {name}", parameter=name, code="parameter_unknown")
        keys = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
        place = form
        for key in keys[:-1]:
            deeper = place.setdefault(key or str(len(place)), {})
            if not isinstance(deeper, dict):
                raise InvalidParametersError(f"Invalid object: {name}", parameter=keys[0])
            place = deeper
        place[keys[-1] or str(len(place))] = value
    return form


def refuse_unknown(form: Form, *, known: frozenset[str]) -> None:
    """This will refuse parameters the operation does not have."""
    for name in form:
        if name not in known:
            raise InvalidParametersError(
                f"Received unknown parameter: {name}", parameter=name, code="parameter_unknown"
            )


def read_text(form: Form, name: str) -> str | None:
    """This will return a text parameter, None when absent or empty."""
    value = form.get(name)
    if isinstance(value, dict):
        raise InvalidParametersError("Invalid string", parameter=name)
    return value or None


def read_required(form: Form, name: str) -> str:
    """This will return a text parameter that must be there."""
    value = read_text(form, name)
    if value is None:
        raise InvalidParametersError(f"Missing required param: {name}.", parameter=name, code="parameter_missing")
    return value


def read_integer(form: Form, name: str) -> int | None:
    """This will return a whole number, None when absent."""
    value = read_text(form, name)
    if value is None:
        return None
    if not re.fullmatch(r"-?\d{1,18}", value):
        raise InvalidParametersError(f"Invalid integer: {value}", parameter=name, code="parameter_invalid_integer")
    return int(value)


def read_positive(form: Form, name: str) -> int | None:
    """This will return an amount of at least 1, None when absent."""
    value = read_integer(form, name)
    if value is not None and value < 1:
        raise InvalidParametersError(
            "This value must be greater than or equal to 1.",
            parameter=name,
            code="parameter_invalid_integer",
        )
    return value


def read_boolean(form: Form, name: str, *, default: bool = False) -> bool:
    """This will return a boolean, `default` when absent."""
    value = read_text(form, name)
    if value not in {None, "true", "false"}:
        raise InvalidParametersError(f"Invalid boolean: {value}", parameter=name)
    return default if value is None else value == "true"


def read_choice(form: Form, name: str, *, choices: tuple[str, ...]) -> str | None:
    """This will return one of `choices`, None when absent."""
    value = read_text(form, name)
    if value is not None and value not in choices:
        raise InvalidParametersError(f"Invalid {name}: must be one of {', '.join(choices)}", parameter=name)
    return value


def read_list(form: Form, name: str) -> list[str]:
    """This will return a list parameter."""
    value = form.get(name, {})
    return [str(item) for item in value.values()] if isinstance(value, dict) else [str(value)]


def read_metadata(form: Form) -> dict[str, str]:
    """This will return metadata within Stripe's limits; an empty value unsets its name."""
    value = form.get("metadata", {})
    if not isinstance(value, dict):
        if value:
            raise InvalidParametersError("Invalid object", parameter="metadata")
        return {}
    if len(value) > 50:
        raise InvalidParametersError("Metadata can have up to 50 keys.", parameter="metadata")
    for name, text in value.items():
        if isinstance(text, dict) or len(name) > 40 or len(text) > 500:
            raise InvalidParametersError(
                "Metadata keys can have up to 40 characters, values up to 500.",
                parameter=f"metadata[{name}]",
            )
    return {name: text for name, text in value.items() if text}


def read_money(form: Form) -> tuple[int, str]:
    """This will return amount and currency of a new payment.

    Three-decimal currencies end in 0, since card networks know only two of their decimals; krónur and Uganda's
    shillings end in 00, since they have none. Source: docs.stripe.com/currencies#three-decimal and #special-cases.
    """
    read_required(form, "amount")
    amount, currency = read_positive(form, "amount"), read_required(form, "currency").lower()
    assert amount is not None
    if currency not in CURRENCIES:
        raise InvalidParametersError(f"Invalid currency: {currency}", parameter="currency")
    if amount > AMOUNT_MAX:
        raise InvalidParametersError(
            f"Amount must be no more than {AMOUNT_MAX} in minor units.",
            parameter="amount",
            code="amount_too_large",
        )
    if currency in THREE_DECIMALS and amount % 10:
        raise InvalidParametersError(
            f"Invalid amount: {currency} amounts must be rounded to the nearest ten.",
            parameter="amount",
        )
    refuse_fraction(amount, currency, parameter="amount")
    return amount, currency


def refuse_fraction(amount: int, currency: str, *, parameter: str) -> None:
    """This will refuse a part of what has no parts, with the provider's own code."""
    if currency in WHOLE_OF_TWO and amount % 100:
        raise InvalidParametersError(
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and charged amounts must"
            " be evenly divisible by 100.",
            parameter=parameter,
            code="invalid_charge_amount_no_decimal_compatible",
        )


def is_address(value: str) -> bool:
    """This will tell whether a browser may be sent there: no script, no file."""
    return re.match(r"^(?!(?:javascript|data|vbscript|file|blob):)[a-z][a-z0-9+.-]*://[^\s/\\]+", value) is not None


def read_url(form: Form, name: str) -> str | None:
    """This will return an address to come back to: a web address, or one of an app's own scheme."""
    value = read_text(form, name)
    if value is not None and not is_address(value):
        raise InvalidParametersError("Not a valid URL", parameter=name, code="url_invalid")
    return value
