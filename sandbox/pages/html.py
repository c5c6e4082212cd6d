"""HTML with everything escaped."""

from html import escape

from sandbox.answers import Answer
from sandbox.words import words

ZERO_DECIMALS = words("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
THREE_DECIMALS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def page_answer(status: int, title: str, content: str) -> Answer:
    """This will return a whole page; `content` is HTML whose values are already escaped."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        '<link rel="stylesheet" href="/assets/sandbox.css"></head>'
        f"<body><main>{content}</main>"
        "<footer>Sandbox: no real money moves here.</footer></body></html>"
    )
    return Answer(status, HEADERS, page.encode())


def money(amount: int, currency: str) -> str:
    """This will return an amount for people, for example `12.30 GBP`, from minor units."""
    decimals = 0 if currency in ZERO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    sign, digits = "-" if amount < 0 else "", str(abs(amount)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return f"{sign}{int(whole):,}{'.' if decimals else ''}{fraction} {escape(currency.upper())}"


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """This will return a table; cells are HTML whose values are already escaped."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    if not rows:
        return '<p class="quiet">Nothing yet.</p>'
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'
