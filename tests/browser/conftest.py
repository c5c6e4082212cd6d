"""A real Chromium before the real application, at the widths and in the schemes people use.

Every page opened through `window` is watched: at the end of the test nothing may have been written to the browser's
console as an error, refused by the content security policy, asked of another host, or answered by a failure nobody
expected.
"""

import os
import shutil
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.conf import settings as project
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django.fixtures import Settings

from commerce.devstack.install import is_installed
from tests.running import a_copy, wait_until
from tests.stack.client import Shopper

SCREENS = Path(os.environ.get("SCREENS_DIR", project.BASE_DIR / "test-results" / "screens"))
LOOKS = [(width, scheme) for width in (360, 768, 1280) for scheme in ("light", "dark")]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
# Axe would read style sheets anew in a page's own style element, which the policy refuses; no rule that runs needs it.
RUN_AXE = """
(context) => axe.run(context, {resultTypes: ["violations"], preload: false}).then((run) => run.violations)
"""
GRAVE = {"serious", "critical"}
SEED_SECONDS_MAX = 120
HEIGHTS = {360: 740, 768: 1024, 1280: 800}
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error("CSP refused " + event.violatedDirective + " " + event.blockedURI));
"""

Window = Callable[..., Page]


class QuietHandler(WSGIRequestHandler):
    """Says nothing about requests that went well."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
        """Keep the test's output readable."""


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """A thread per request, like a browser needs."""

    daemon_threads = True


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or one loud line. It ends with its module, and Playwright's event loop with it: see below."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail("REQUIRE_BROWSER=1 and there is no chromium on PATH: apt-get install chromium")
        pytest.skip("NO BROWSER TESTS: there is no chromium on PATH (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def beside_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright's loop runs in this thread, where Django then refuses the database although nothing awaits."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture
def address(database: str, settings: Settings) -> Iterator[str]:
    """Where the application listens for this test, with tries and used codes of its own."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}
    server = make_server("127.0.0.1", 0, get_wsgi_application(), ThreadingServer, QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def window(chromium: Browser, address: str) -> Iterator[Window]:
    """Opens a window of a width in a colour scheme; `expects` are statuses that are no surprise."""
    with watched(chromium, address) as open_window:
        yield open_window


@pytest.fixture(scope="session")
def shopper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shopper]:
    """A whole running stack with its demo goods, for all tests of the shop."""
    if not is_installed():
        pytest.skip("needs the .venv that ./run makes")
    with a_copy(tmp_path_factory.mktemp("checkout")) as checkout:
        try:
            checkout.start(SWEEP_SECONDS="1")
            shopper = Shopper(checkout)
            wait_until(checkout.has_seeded, seconds_max=SEED_SECONDS_MAX)
            yield shopper
            shopper.close()
        finally:
            checkout.end()


@pytest.fixture
def shop_window(chromium: Browser, shopper: Shopper) -> Iterator[Window]:
    """The same before the running stack, whose provider's pages are nothing to wonder about."""
    with watched(chromium, shopper.env["SURETY_URL"], shopper.env["SANDBOX_URL"]) as open_window:
        yield open_window


@contextmanager
def watched(chromium: Browser, address: str, *others: str) -> Iterator[Window]:
    """Open windows before an address and, when all is done, tell what should not have happened in any."""
    problems: list[str] = []
    contexts = []

    def open_window(*, width: int, scheme: str, expects: tuple[int | str, ...] = ()) -> Page:
        context = chromium.new_context(
            base_url=address,
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            locale="en-GB",
        )
        contexts.append(context)
        context.add_init_script(TELL_VIOLATIONS)
        context.on(
            "console",
            lambda line: (
                problems.append(f"{line.text} at {line.location['url']}")
                if is_problem(line.type, line.text, expects)
                else None
            ),
        )
        context.on("weberror", lambda error: problems.append(str(error.error)))
        context.on(
            "request",
            lambda asked: None if is_ours(asked.url, address, *others) else problems.append(f"asked {asked.url}"),
        )
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()
    assert problems == []


def is_problem(kind: str, text: str, expects: tuple[int | str, ...]) -> bool:
    """Whether a console line is an error that the test did not ask for, by status or by the network's word."""
    expected = [f"status of {each}" if isinstance(each, int) else each for each in expects]
    return kind in {"error", "warning"} and not any(words in text for words in expected)


def is_ours(url: str, *addresses: str) -> bool:
    """Whether a request stays with us."""
    return url.startswith((*addresses, "data:", "blob:"))


def look(page: Page, name: str, *, width: int, scheme: str, not_ours: str = "") -> None:
    """This will check that everybody can read the page, and keep a picture for people to judge.

    `not_ours` selects what others draw in it.
    """
    page.wait_for_load_state()
    check(page, name, not_ours=not_ours)
    keep(page, f"{name}-{width}-{scheme}")


def check(page: Page, name: str, *, not_ours: str = "") -> None:
    """This will check that nothing sticks out at the side and that axe-core finds nothing serious."""
    sizes = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert sizes[0] <= sizes[1], f"{name} is {sizes[0]} px wide in a window of {sizes[1]}"
    context = {"exclude": [[not_ours]]} if not_ours else {"include": [["html"]]}
    page.evaluate(AXE)
    found = page.evaluate(RUN_AXE, context)
    grave = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in GRAVE]
    assert (name, grave) == (name, [])


def keep(page: Page, name: str, *, full_page: bool = True) -> None:
    """This will keep a picture of the whole page, or of what the window shows of it."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=full_page)


def pytest_configure() -> None:
    """Playwright leaves its event loop to the garbage collector."""
    warnings.filterwarnings("ignore", message="unclosed event loop", category=ResourceWarning)
