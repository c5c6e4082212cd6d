"""The HTTP edge all endpoints share: problem details (RFC 9457), strict input, money, idempotent answers, ETags."""

import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import IO, Any

import structlog
from django.conf import settings
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout
from rest_framework import exceptions, parsers, serializers
from rest_framework.request import Request

from core import idempotency
from core.cards import places_of_card_numbers
from core.errors import DomainError, Invalid, Kind, Unavailable
from core.locales import LOCALE, accepted_locales, choose_locale
from core.models import SalesChannel
from core.problems import error_json, problem_json
from core.wire import encode

log = structlog.get_logger()

PROBLEM_TYPE = "application/problem+json"
BODY_MAX_BYTES = 1_048_576
LOCALE_HELP = "Send a language and perhaps a country, as in en or en-GB."


class BodyTooLarge(DomainError):
    """More than a megabyte of JSON."""

    code = "body_too_large"
    title = "The request body is too large."
    kind = Kind.TOO_LARGE


class LengthRequired(DomainError):
    """A body in pieces or of a size that is no number."""

    code = "length_required"
    title = "Send the body's size as Content-Length."
    kind = Kind.LENGTH_REQUIRED


class NotJson(Invalid):
    """The body is not the JSON it must be."""

    code = "not_json"
    title = "The request body is not valid JSON."


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class NotStorable(Invalid):
    """A NUL in an address or header, a number beyond every column: nothing could be stored or found under it."""

    code = "not_storable"
    title = "The request holds a character or number that cannot be stored. Nothing was done."


class CardNumberSent(Invalid):
    """A card number where none may be; the answer names the place and never the number."""

    code = "card_number_refused"
    title = "Card numbers are never sent to the shop; use the payment form. Nothing was done."


class StrictJSONParser(parsers.BaseParser):
    """JSON in UTF-8 of bounded size, without NaN, NUL characters, repeated names or card numbers."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:  # noqa: ARG002
        """This will return the parsed body. Raises: BodyTooLarge, NotJson, CardNumberSent."""
        raw = stream.read(BODY_MAX_BYTES + 1)
        if len(raw) > BODY_MAX_BYTES:
            raise BodyTooLarge
        try:
            parsed = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique)
            # Lone surrogates and NUL are legal JSON that no database can store.
            if "\x00" in raw.decode("utf-8") or b"\\u0000" in raw:
                raise ValueError("NUL character")
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError) as error:
            raise NotJson from error
        refuse_card_numbers(parsed)
        return parsed


def refuse_card_numbers(body: Any) -> None:
    """This will look into every name and value of a parsed body. Raises: CardNumberSent."""
    places = sorted(set(places_of_card_numbers(body)))
    if places:
        raise CardNumberSent(errors=[{"field": place, "message": CardNumberSent.title} for place in places])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return names


class StrictSerializer(serializers.Serializer[Any]):
    """Input that refuses unknown fields and takes no type for another: a client that sends `total`, or `"yes"` for
    true, learns that it has no effect.
    """

    def to_internal_value(self, data: Any) -> Any:
        """Check names before types before values."""
        if isinstance(data, Mapping):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {name: ["This field is not known; the server decides it or does not use it."] for name in unknown}
                )
            # An address's parameters are all text: their fields read it.
            fields = {} if self.context.get("is_query") else self.fields
            mistyped = [
                place for name, field in fields.items() if name in data for place in _mistyped(field, data[name], name)
            ]
            if mistyped:
                raise serializers.ValidationError({place: ["This is not of the field's type."] for place in mistyped})
        return super().to_internal_value(data)


def _mistyped(field: serializers.Field[Any, Any, Any, Any], value: Any, place: str) -> Iterator[str]:
    """DRF reads 7 as text and "yes" as true. Whether null may stand is the field's own rule."""
    if value is None:
        return
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mistyped(field.child, item, f"{place}[{index}]")
    elif isinstance(field, serializers.DictField) and isinstance(value, dict):
        for name, item in value.items():
            yield from _mistyped(field.child, item, f"{place}.{name}")
    elif not isinstance(value, _type_of(field)) or (isinstance(value, bool) and _type_of(field) is int):
        yield place


def _type_of(field: serializers.Field[Any, Any, Any, Any]) -> type:
    known: dict[type, type] = {
        serializers.BooleanField: bool,
        serializers.IntegerField: int,
        serializers.CharField: str,
        serializers.ChoiceField: str,
        serializers.ListField: list,
        serializers.DictField: dict,
    }
    return next((kind for field_class, kind in known.items() if isinstance(field, field_class)), object)


class MoneyShape(serializers.Serializer[Any]):
    """Integer minor units, ISO 4217 code, and text for people."""

    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()
    display = serializers.CharField()


class ProblemShape(serializers.Serializer[Any]):
    """RFC 9457 with a stable `code`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    trace_id = serializers.CharField()
    # The problem's own member, declared over DRF's property of the same name.
    errors = serializers.ListField(child=serializers.DictField(), required=False)  # type: ignore[assignment]


def problem(
    *, status: int, code: str, title: str, detail: str = "", headers: Mapping[str, str] | None = None, **facts: Any
) -> HttpResponse:
    """This will return an RFC 9457 answer; `facts` become extension members."""
    return _problem(problem_json(status=status, code=code, title=title, detail=detail, **facts), headers=headers)


def _problem(body: dict[str, Any], *, headers: Mapping[str, str] | None) -> HttpResponse:
    response = JsonResponse(body, status=body["status"], content_type=PROBLEM_TYPE)
    response["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def problem_of(error: DomainError) -> HttpResponse:
    """This will return the answer for an anticipated error."""
    headers = {} if error.retry_after_seconds is None else {"Retry-After": str(error.retry_after_seconds)}
    return _problem(error_json(error), headers=headers)


def problem_response(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """This will be DRF's exception handler: every refusal is a problem; what nobody foresaw stays a crash, logged
    once.
    """
    if isinstance(error, DomainError):
        return problem_of(error)
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        log.error("store_unavailable", error=type(error).__name__, view=type(context.get("view")).__name__)
        return problem_of(Unavailable())
    if isinstance(error, DataError):
        log.warning("not_storable", view=type(context.get("view")).__name__)
        return problem_of(NotStorable())
    if isinstance(error, Http404):
        return problem(status=404, code="not_found", title="There is nothing here.")
    if isinstance(error, exceptions.ValidationError):
        return problem(
            status=400,
            code="invalid",
            title="The request is not valid.",
            errors=[{"field": field, "message": message} for field, message in _flatten(error.detail)],
        )
    if isinstance(error, exceptions.APIException):
        wait = getattr(error, "wait", None)
        return problem(
            status=error.status_code,
            code=str(error.default_code),
            title=str(error.detail),
            headers={"Retry-After": str(int(wait) + 1)} if wait else None,
        )
    return None


def _flatten(detail: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(detail, Mapping):
        steps = {key: f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".strip(".") for key in detail}
        return [pair for key, value in detail.items() for pair in _flatten(value, steps[key])]
    if isinstance(detail, list):
        if all(isinstance(item, str) for item in detail):
            return [(path, str(item)) for item in detail]
        return [pair for index, item in enumerate(detail) for pair in _flatten(item, f"{path}[{index}]")]
    return [(path, str(detail))]


def answer(
    body: bytes, *, status: int, is_replay: bool = False, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """This will return a private JSON answer of exactly these bytes; a refusal that was stored is a problem still."""
    media_type = PROBLEM_TYPE if status >= 400 else "application/json"
    response = HttpResponse(body, status=status, content_type=media_type)
    response["Cache-Control"] = "private, no-store"
    if is_replay:
        response["Idempotent-Replayed"] = "true"
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def keyed_request(request: Request, *, principal: str, operation: str) -> idempotency.KeyedRequest:
    """This will bind the Idempotency-Key header to who asks for what. Raises: KeyRequired, KeyMalformed."""
    return idempotency.KeyedRequest(
        principal=principal,
        operation=operation,
        raw_key=idempotency.parse_key(request.headers.get("Idempotency-Key")),
        fingerprint=idempotency.fingerprint_of(request.data, path=request.path),
    )


def validated_query(form_class: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """This will return the address's parameters as the form reads them.

    Raises: ValidationError for one that is not known, is wrong or stands twice.
    """
    sent = request.query_params
    twice = [name for name, values in sent.lists() if len(values) > 1]
    if twice:
        raise serializers.ValidationError({name: ["This parameter stands twice."] for name in sorted(twice)})
    form = form_class(data=sent.dict(), context={"is_query": True})
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def nothing_sent(request: Request) -> None:
    """This will refuse a body that an operation has no use for. Raises: ValidationError."""
    StrictSerializer(data=request.data).is_valid(raise_exception=True)


def read_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """This will answer other methods than GET and HEAD with a problem; for views that are not DRF's."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in {"GET", "HEAD"}:
            return problem(
                status=405, code="method_not_allowed", title="This can only be read.", headers={"Allow": "GET, HEAD"}
            )
        return view(request, *args, **kwargs)

    return guarded


def with_etag(request: Request, *, version: str, render: Callable[[], Any]) -> HttpResponse:
    """This will answer 304 to a matching If-None-Match without rendering, else the body with its strong ETag."""
    etag = f'"{version}"'
    response = HttpResponse(status=304) if _has(request, etag) else answer(encode(render()), status=200)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-store"
    return response


def asked_locale(request: Request, *, channel: SalesChannel) -> str:
    """This will return the locale to show: the address's `?locale=`, else what Accept-Language asks for, as far as the
    shop speaks it; else the shop's own.

    Raises: ValidationError for a `?locale=` that is none.
    """
    named = request.query_params.get("locale")
    if named is not None and LOCALE.fullmatch(named) is None:
        raise serializers.ValidationError({"locale": [LOCALE_HELP]})
    asked = accepted_locales(request.headers.get("Accept-Language", "")) if named is None else (named,)
    return choose_locale(asked, own=channel.default_locale, others=channel.locales)


def public_answer(request: Request, body: Any, *, locale: str) -> HttpResponse:
    """This will answer in this language what anybody may see and keep for a minute; 304 to whoever has these very
    bytes. Unless the address named the language, a kept answer fits only who asks for the same ones.
    """
    raw = encode(body)
    etag = f'"{hashlib.sha256(locale.encode() + raw).hexdigest()[:32]}"'
    response = HttpResponse(status=304) if _has(request, etag) else answer(raw, status=200)
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=60"
    response["Content-Language"] = locale
    if "locale" not in request.query_params:
        response["Vary"] = "Accept-Language"
    return response


def _has(request: Request, etag: str) -> bool:
    """Compare weakly, as RFC 9110 13.1.2 asks: a proxy that compresses turns `"x"` into `W/"x"`."""
    asked = {tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")}
    return etag in asked or "*" in asked


def caller_address(request: HttpRequest) -> str:
    """This will return the network address a request comes from, as far as our own proxies vouch for it.

    Each of `TRUSTED_PROXIES_COUNT` proxies appends whom it heard; what stands further left is the client's own word.
    An IPv6 network of 64 bits counts as one caller: every subscriber has one. "" where nothing is known.
    """
    count = settings.TRUSTED_PROXIES_COUNT
    heard = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    text = heard[-count] if 0 < count <= len(heard) else request.META.get("REMOTE_ADDR", "")
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)
