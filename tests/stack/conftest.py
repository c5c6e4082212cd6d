"""One running stack for each file of tests, in which what waits for minutes waits for seconds."""

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.running import Checkout, wait_until
from tests.stack.backstage import Backstage
from tests.stack.client import Shopper

# The provider's webhooks alone tell of payments: no sweep looks before them.
PATIENT = {"payment": {"first_check_seconds": 3600}}
IMPATIENT = {
    "payment": {"first_check_seconds": 2, "recheck_seconds": 2},
    "reservation": {"hold_seconds": 10, "extension_seconds": 10, "cap_seconds": 20},
}


@pytest.fixture(scope="module")
def shopper(copied_checkout: Checkout) -> Iterator[Shopper]:
    """A stack of its own with its demo data, for all tests of one file; orders of the demo would meet the faults meant
    for ours.
    """
    copied_checkout.start(SWEEP_SECONDS="1", DEMO_ORDERS="0")
    shopper = Shopper(copied_checkout)
    wait_until(copied_checkout.has_seeded, seconds_max=120)

    yield shopper

    shopper.close()
    copied_checkout.end()


@pytest.fixture(scope="module")
def shipped(shopper: Shopper) -> Backstage:
    """The stack with the policies it is shipped with, until a test of the file asks for others."""
    return Backstage(shopper)


@pytest.fixture(scope="module")
def patient(shopper: Shopper) -> Backstage:
    """The stack in which only webhooks tell of payments, until a test of the file asks for the impatient one."""
    backstage = Backstage(shopper)
    backstage.change_policies(**PATIENT)
    return backstage


@pytest.fixture(scope="module")
def impatient(shopper: Shopper) -> Backstage:
    """The stack in which a payment nobody told of is looked at within seconds and units are kept for ten of them."""
    backstage = Backstage(shopper)
    backstage.change_policies(**IMPATIENT)
    return backstage


@pytest.fixture(autouse=True)
def _mended(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "shopper" in request.fixturenames:
        Backstage(request.getfixturevalue("shopper")).mend()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """This will show beside a failed test what the stack's processes wrote last: they are gone when it is read."""
    report = yield
    stack: Any = getattr(item, "funcargs", {}).get("copied_checkout")
    if report.failed and stack is not None:
        report.sections.extend((f"the end of {name}.log", lines) for name, lines in stack.last_words().items())
    return report
