"""Where a stack listens, and who listens there."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from commerce.devstack import environment
from commerce.devstack.environment import free_ports
from commerce.devstack.processes import listens


class TestFreePorts:
    @pytest.mark.parametrize(("first", "last"), [(10_100, 65_535), (32_768, 60_999), (10_000, 65_435)])
    def test_are_none_that_the_system_gives_to_others_before_the_stack_listens(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, last: int
    ) -> None:
        said = tmp_path / "ip_local_port_range"
        said.write_text(f"{first}\t{last}\n")
        monkeypatch.setattr(environment, "GIVEN_AWAY", said)

        ports = free_ports()

        assert len({ports.web, ports.webhooks, ports.sandbox}) == 3
        assert not {ports.web, ports.webhooks, ports.sandbox} & set(range(first, last + 1))

    @pytest.mark.parametrize("said", ["1024 65535", None])
    def test_are_any_where_the_system_gives_all_away_or_does_not_say(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None
    ) -> None:
        monkeypatch.setattr(environment, "GIVEN_AWAY", tmp_path / "ip_local_port_range")
        if said is not None:
            environment.GIVEN_AWAY.write_text(said)

        ports = free_ports()

        assert len({ports.web, ports.webhooks, ports.sandbox}) == 3
        assert said is not None or max(ports.web, ports.webhooks, ports.sandbox) < 32_768

    def test_are_free(self, monkeypatch: pytest.MonkeyPatch) -> None:
        free = {10_007, 10_011, 10_093}
        monkeypatch.setattr(environment, "PORTS_TO_DRAW", range(10_000, 10_000 + environment.DRAWS))
        monkeypatch.setattr(environment, "is_free", lambda port: port in free)

        ports = free_ports()

        assert {ports.web, ports.webhooks, ports.sandbox} == free


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody says whose socket listens")
class TestListens:
    def test_who_holds_the_socket_and_nobody_else(self) -> None:
        with socket.socket() as held, subprocess.Popen(["sleep", "60"]) as other:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
            assert not listens(os.getpid(), port=port)

            held.listen()

            assert listens(os.getpid(), port=port)
            assert not listens(other.pid, port=port)
            other.kill()
            other.wait()
            assert not listens(other.pid, port=port)
        assert not listens(os.getpid(), port=port)
