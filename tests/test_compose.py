"""The compose file and the image: no Docker runs here, but what they name exists and what they run can be parsed."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from infra.cli.app import app
from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text("utf-8"))
DOCKERFILE = (ROOT / "infra" / "Dockerfile").read_text("utf-8")
PASSWORD = r"\$\{TROTH_PASSWORD[^}]*\}"
DRIVERS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "troth"}


def test_every_driver_is_a_service() -> None:
    assert {service["command"][1] for service in DRIVERS.values()} == {"intake", "relay", "project", "clock", "api"}


def test_one_service_builds_the_image_that_all_drivers_run() -> None:
    built = [name for name, service in DRIVERS.items() if "build" in service]
    assert len(built) == 1
    policies = {name: service["pull_policy"] for name, service in DRIVERS.items()}
    assert policies == dict.fromkeys(DRIVERS, "never") | {built[0]: "build"}


@pytest.mark.parametrize("name", DRIVERS)
def test_a_service_is_configured_by_settings_that_exist(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**DRIVERS[name]["environment"]}
    assert re.fullmatch(PASSWORD, environment.pop("PGPASSWORD"))
    for key, value in environment.items():
        assert key.removeprefix("TROTH_").lower() in Settings.model_fields
        monkeypatch.setenv(key, str(value))
    settings = Settings()
    assert settings.database is not None
    assert settings.kafka is not None


def test_a_password_stands_by_itself_so_that_any_character_may_be_in_it() -> None:
    for service in COMPOSE["services"].values():
        told = [str(each) for each in service["environment"].values() if "PASSWORD" in str(each)]
        assert [each for each in told if not re.fullmatch(PASSWORD, each)] == []


def test_a_database_that_is_still_being_made_is_not_taken_for_one_that_is_ready() -> None:
    assert "-h 127.0.0.1" in COMPOSE["services"]["postgres"]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", DRIVERS)
def test_a_service_runs_a_command_that_can_be_parsed(name: str) -> None:
    command: Any = typer.main.get_command(app)
    arguments = [str(each) for each in DRIVERS[name]["command"]]
    context = command.make_context("troth", [*arguments], resilient_parsing=False)
    _, subcommand, rest = command.resolve_command(context, arguments)
    subcommand.make_context(arguments[0], rest)


def test_every_service_has_a_health_check_and_waits_for_what_it_needs() -> None:
    for service in COMPOSE["services"].values():
        assert service["healthcheck"]["test"]
    for service in DRIVERS.values():
        assert service["depends_on"] == {each: {"condition": "service_healthy"} for each in ("kafka", "postgres")}
        port = re.search(r"127\.0\.0\.1:(\d+)/readyz", service["healthcheck"]["test"][-1])
        assert port is not None
        asked = service["command"][-1] if "--health" in service["command"] else str(Settings.model_fields["port"].default)
        assert port[1] == asked


def test_the_image_is_made_of_what_is_here() -> None:
    copied = [each for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for each in line.split()[:-1]]
    assert copied
    assert [each for each in copied if not (ROOT / each).exists()] == []
    assert {"domain", "projections", "consumers", "infra"} <= {*copied}
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
