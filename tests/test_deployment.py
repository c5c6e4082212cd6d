"""The files a shop is deployed with, as far as they can be held to their word without Docker."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from commerce.celery import app
from commerce.health import QUEUES

ROOT = Path(settings.BASE_DIR)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if str(service["image"]).startswith("surety")}
STANDING = {name: service for name, service in SERVICES.items() if name != "migrate"}
BUILD_ENVIRONMENT = {
    "SURETY_ENV": "production",
    "SECRET_KEY": "build",
    "DATA_KEY": "build",
    "ALLOWED_HOSTS": "build",
    "STRIPE_SECRET_KEY": "build",
    "STRIPE_WEBHOOK_SECRETS": "build",
    "EMAIL_URL": "dummymail://",
}


class TestDockerfile:
    def test_passes_its_linter(self) -> None:
        hadolint = Path(sys.executable).with_name("hadolint")

        found = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

        assert (found.returncode, found.stdout) == (0, "")

    def test_ends_as_a_user_who_is_not_root(self) -> None:
        stages = re.split(r"(?m)^FROM ", (ROOT / "Dockerfile").read_text())[1:]

        last_users = {stage.split("\n")[0]: re.findall(r"(?m)^USER (\S+)$", stage) for stage in stages}

        assert last_users.pop("python:3.13-slim AS build") == []  # thrown away
        assert {users[-1] for users in last_users.values() if users} == {"10001"}

    def test_lets_every_app_in_and_nothing_by_accident(self) -> None:
        let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
        apps = {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()}

        assert let_in == apps | {"manage.py", "requirements.txt", "LICENSE", "templates", "sandbox"}

    def test_the_image_holds_all_that_the_shop_needs(self, tmp_path: Path) -> None:
        # What the build copies and then does, without the container: tests and sandbox stay out.
        let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        for name in let_in:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
            else:
                shutil.copy(ROOT / name, tmp_path / name)
        shutil.rmtree(tmp_path / "sandbox")
        environment = {"PATH": os.environ["PATH"], **BUILD_ENVIRONMENT}

        for words in (["collectstatic", "--no-input"], ["check"], ["check_work", "--help"]):
            done = subprocess.run(
                [sys.executable, "manage.py", *words],
                cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        assert (tmp_path / "staticfiles" / "staticfiles.json").exists()


class TestSecrets:
    @pytest.mark.pains("C8")
    @pytest.mark.parametrize("role", ["0", "1"], ids=["shop", "webhook door"])
    @pytest.mark.parametrize("value", [None, "", "whsec_development"], ids=["unset", "empty", "everybody's"])
    def test_production_does_not_start_when_no_webhook_could_be_verified(self, value: str | None, role: str) -> None:
        environment = {"PATH": os.environ["PATH"], **BUILD_ENVIRONMENT, "WEBHOOKS_ONLY": role}
        del environment["STRIPE_WEBHOOK_SECRETS"]
        if value is not None:
            environment["STRIPE_WEBHOOK_SECRETS"] = value

        started = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert started.returncode != 0
        assert "Set STRIPE_WEBHOOK_SECRETS in the environment; production does not start without it." in started.stderr


class TestCompose:
    def test_every_queue_has_a_worker_of_its_own(self) -> None:
        commands = [service.get("command", []) for service in OURS.values()]
        consumed = [command[command.index("-Q") + 1] for command in commands if "-Q" in command]
        routed = {route["queue"] for route in app.conf.task_routes.values()} | {app.conf.task_default_queue}

        assert sorted(consumed) == sorted(QUEUES) == sorted(routed)

    @pytest.mark.parametrize("name", sorted(STANDING))
    def test_who_stays_up_says_how_it_is(self, name: str) -> None:
        test = STANDING[name]["healthcheck"]["test"]

        assert test[0] in {"CMD", "CMD-SHELL"}
        assert STANDING[name]["restart"] == "unless-stopped"

    @pytest.mark.parametrize("name", sorted(OURS))
    def test_our_processes_can_write_nothing_but_their_own(self, name: str) -> None:
        service = OURS[name]

        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service  # the image's user, who is not root
        assert set(service.get("volumes", [])) <= {"sandbox:/var/lib/sandbox"}

    def test_is_what_compose_reads(self) -> None:
        checker = Path(sys.executable).with_name("check-jsonschema")
        words = ["--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.yml")]

        found = subprocess.run([checker, *words], capture_output=True, text=True, check=False)

        assert found.returncode == 0, found.stdout

    def test_names_nothing_that_is_not_there(self) -> None:
        stages = set(re.findall(r"(?m)^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text()))
        for name, service in SERVICES.items():
            awaited = service.get("depends_on", {})
            volumes = [volume.partition(":")[0] for volume in service.get("volumes", [])]

            assert set(awaited) <= set(SERVICES) - {name}
            assert {wait["condition"] for wait in awaited.values()} <= {
                "service_healthy", "service_completed_successfully",
            }  # fmt: skip
            assert set(volumes) <= set(COMPOSE["volumes"])
            assert {config["source"] for config in service.get("configs", [])} <= set(COMPOSE["configs"])
            assert service.get("build", {}).get("target", "app") in stages

    def test_waits_for_nobody_who_never_tells_how_they_are(self) -> None:
        for service in SERVICES.values():
            for name, wait in service.get("depends_on", {}).items():
                is_health = wait["condition"] == "service_healthy"
                assert is_health == ("healthcheck" in SERVICES[name]), name

    def test_sets_no_name_that_nobody_reads(self) -> None:
        table = set(re.findall(r"(?m)^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text()))
        options = set(re.findall(r"`(SANDBOX_[A-Z_]+)", (ROOT / "sandbox" / "README.md").read_text()))

        for name, service in OURS.items():
            assert set(service["environment"]) <= (options if name == "sandbox" else table), name

    def test_only_the_sandbox_waits_to_be_asked_for(self) -> None:
        assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
            "sandbox": ["sandbox"]
        }
        assert all("sandbox" not in service.get("depends_on", {}) for service in SERVICES.values())

    def test_our_processes_find_the_sandbox_inside_and_browsers_outside(self) -> None:
        example = dict(re.findall(r"(?m)^(\w+)=(.*)$", (ROOT / ".env.example").read_text()))
        inside = f"http://sandbox:{SERVICES['sandbox']['environment']['SANDBOX_PORT']}"
        outside = f"http://127.0.0.1:{example['SANDBOX_PORT']}"

        assert {example[name] for name in ("STRIPE_API_BASE", "SANDBOX_URL")} == {inside}
        assert {example[name] for name in ("STRIPE_HOSTED_PAGES", "SANDBOX_PUBLIC_URL")} == {outside}
        assert SERVICES["sandbox"]["environment"]["SANDBOX_WEBHOOK_URL"].startswith("http://webhooks:8010/")
        assert "webhooks" in example["ALLOWED_HOSTS"].split(",")

    def test_nothing_listens_beyond_this_machine(self) -> None:
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)

    def test_every_name_it_asks_for_stands_in_the_example(self) -> None:
        asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
        example = set(re.findall(r"(?m)^(\w+)=", (ROOT / ".env.example").read_text()))

        assert asked <= example

    def test_the_webhook_door_has_its_own_role_and_the_sandbox_no_secret_of_the_shop(self) -> None:
        assert SERVICES["webhooks"]["environment"]["DATABASE_URL"].startswith("postgres://surety_webhooks:")
        assert not {"SECRET_KEY", "DATA_KEY", "DATABASE_URL"} & set(SERVICES["sandbox"]["environment"])
