"""What broker and workers are told: a message may be lost, come twice or grow old, and none of that may matter."""

import pytest

from commerce.celery import app
from core.policies import DEFAULTS
from payments.services.operations import LEASE_SECONDS


class TestBroker:
    @pytest.mark.pains("J2")
    def test_keeps_a_message_until_its_task_has_ended_and_gives_it_away_when_its_worker_died(self) -> None:
        assert app.conf.task_acks_late is True
        assert app.conf.task_reject_on_worker_lost is True
        assert app.conf.worker_prefetch_multiplier == 1

    @pytest.mark.pains("J1")
    def test_takes_a_task_for_lost_long_after_whoever_ran_it_lost_its_lease(self) -> None:
        redelivered_after = app.conf.broker_transport_options["visibility_timeout"]

        assert redelivered_after > 2 * max(LEASE_SECONDS, DEFAULTS["webhooks"]["lease_seconds"])


class TestBeat:
    @pytest.mark.pains("J1")
    def test_sends_nothing_that_is_still_there_when_its_successor_comes(self) -> None:
        late = {
            name: entry["options"].get("expires")
            for name, entry in app.conf.beat_schedule.items()
            if not 0 < entry["options"].get("expires", 0) <= entry["schedule"]
        }

        assert late == {}
        assert len(app.conf.beat_schedule) > 10
