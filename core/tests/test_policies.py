"""Policies: versioned, cached, never rewritten."""

import pytest
from django.db import IntegrityError

from core import clock, policies
from core.db import transaction
from core.errors import Invalid
from core.models import Policy

pytestmark = pytest.mark.usefixtures("database")


class TestCurrent:
    def test_starts_with_the_default_version(self) -> None:
        policy = policies.current("reservation")

        assert policy.version == 1
        assert policy["hold_seconds"] == 900


class TestChange:
    def test_writes_the_next_version_and_keeps_the_other_values(self) -> None:
        with transaction("test"):
            policies.change("reservation", values={"hold_seconds": 60}, reason="a quicker sale", now=clock.now())

        policy = policies.current("reservation")

        assert (policy.version, policy["hold_seconds"], policy["cap_seconds"]) == (2, 60, 3600)

    def test_refuses_a_value_nobody_reads(self) -> None:
        with pytest.raises(Invalid), transaction("test"):
            policies.change("reservation", values={"hold_minutes": 1}, reason="typo", now=clock.now())

    def test_an_old_version_cannot_be_rewritten_by_sql(self) -> None:
        with pytest.raises(IntegrityError):
            Policy.objects.filter(name="reservation").update(values={})
