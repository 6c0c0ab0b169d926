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
DRIVERS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "troth"}


def test_every_driver_is_a_service() -> None:
    assert {service["command"][1] for service in DRIVERS.values()} == {"intake", "relay", "project", "clock", "api"}


@pytest.mark.parametrize("name", DRIVERS)
def test_a_service_is_configured_by_settings_that_exist(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in DRIVERS[name]["environment"].items():
        assert key.removeprefix("TROTH_").lower() in Settings.model_fields
        monkeypatch.setenv(key, re.sub(r"\$\{TROTH_PASSWORD[^}]*\}", "secret", str(value)))
    settings = Settings()
    assert settings.database is not None
    assert settings.kafka is not None
    assert "secret" not in repr(settings)


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
