"""`troth config`: the settings, with where each value comes from."""

import os
from typing import Any, get_args

import typer
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from infra.cli.show import Json, as_json, err, out, table
from infra.settings import Settings

PREFIX = "TROTH_"


def config(json: Json = False) -> None:
    """List the settings: value, default, where the value comes from, what it means. Works with values that cannot be used."""
    given = {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    settings, faults = _read()
    rows = []
    for field, info in Settings.model_fields.items():
        name = PREFIX + field.upper()
        value = _as_given(info, given.get(name)) if settings is None else str(getattr(settings, field))
        rows.append(
            {
                "setting": name,
                "value": str(info.default) if value is None else value,
                "default": str(info.default),
                "from": "environment" if name in given else "default",
                "meaning": info.description or "",
                "fault": faults.get(name),
            }
        )
    unknown = sorted(set(given) - {row["setting"] for row in rows})
    if json:
        as_json({"settings": rows, "unknown": unknown})
    else:
        table("", ["setting", "value", "default", "from", "meaning"], [tuple(row.values())[:5] for row in rows], empty="")
        out.print("Set them in the environment.")
    for name in unknown:
        err.print(f"troth: {name} is set and is no setting of troth")
    for name, fault in faults.items():
        err.print(f"troth: {name}: {fault}")
    raise typer.Exit(2 if faults else 0)


def _as_given(info: FieldInfo, value: str | None) -> str | None:
    """A value as it stands in the environment; of a secret only that there is one."""
    secret = SecretStr in (info.annotation, *get_args(info.annotation))
    return str(SecretStr(value)) if secret and value is not None else value


def _read() -> tuple[Settings | None, dict[str, Any]]:
    try:
        return Settings(), {}
    except ValidationError as wrong:
        faults = wrong.errors(include_url=False, include_input=False)
        return None, {PREFIX + "_".join(map(str, each["loc"])).upper(): each["msg"] for each in faults}
