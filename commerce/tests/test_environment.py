"""Where a stack listens."""

import socket
from pathlib import Path

import pytest

from commerce.devstack import environment
from commerce.devstack.environment import PORTS_TO_DRAW, free_ports

GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST_GIVEN_AWAY = 32_768


class TestFreePorts:
    def test_are_none_that_the_system_gives_to_others_before_the_stack_listens(self) -> None:
        first = int(GIVEN_AWAY.read_text().split()[0]) if GIVEN_AWAY.exists() else 0
        if first < FIRST_GIVEN_AWAY:
            pytest.skip("this system does not say, or gives away others than usual")

        ports = free_ports()

        assert max(PORTS_TO_DRAW) < first
        assert {ports.web, ports.webhooks, ports.sandbox} <= set(PORTS_TO_DRAW)
        assert len({ports.web, ports.webhooks, ports.sandbox}) == 3

    def test_are_free(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            monkeypatch.setattr(environment, "PORTS_TO_DRAW", range(taken, taken + 40))

            ports = free_ports()

            assert taken not in {ports.web, ports.webhooks, ports.sandbox}
