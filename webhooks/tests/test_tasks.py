"""The workers' edge: the names others enqueue, and the clock it reads."""

from datetime import datetime, timedelta

import pytest
from celery import current_app

from core import clock
from core.models import ProviderAccount
from core.tests.factories import NOW
from webhooks import tasks
from webhooks.services import PROCESS_JOB
from webhooks.tests.conftest import Wakes
from webhooks.tests.factories import an_event, event_body

pytestmark = pytest.mark.usefixtures("database")


class LaterClock(clock.SystemClock):
    """A minute after the event came."""

    def now(self) -> datetime:
        """Stand still."""
        return NOW + timedelta(minutes=1)


class TestTasks:
    def test_stand_under_the_names_that_are_woken(self) -> None:
        assert {PROCESS_JOB, "webhooks.sweep"} <= set(current_app.tasks)

    def test_process_ends_an_event(self, account: ProviderAccount) -> None:
        event = an_event(account, event_body(type="customer.created"))

        with clock.use(LaterClock()):
            tasks.process(event_id=event.pk)

        event.refresh_from_db()
        assert (event.status, event.processed_at) == ("ignored", NOW + timedelta(minutes=1))

    def test_sweep_wakes_for_what_is_due(self, account: ProviderAccount, wakes: Wakes) -> None:
        event = an_event(account, event_body())
        wakes.clear()

        with clock.use(LaterClock()):
            tasks.sweep()

        assert wakes == [(PROCESS_JOB, {"event_id": event.pk})]
