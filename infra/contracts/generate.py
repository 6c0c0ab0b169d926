"""Writes the contracts: `python -m infra.contracts.generate` writes them where they are committed."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from domain.kinds import KINDS
from infra.contracts.schemas import of_kind
from infra.http.app import create
from infra.settings import Settings

COMMITTED = Path(str(files("infra").joinpath("contracts")))


def openapi() -> dict[str, Any]:
    """The HTTP API as OpenAPI 3.1."""
    return create(Settings.model_construct()).openapi()


def contracts() -> dict[str, str]:
    """Each contract by its path in the folder, as the file holds it."""
    documents = {f"kinds/{kind}.json": of_kind(kind) for kind in KINDS} | {"openapi.json": openapi()}
    return {path: text(document) for path, document in documents.items()}


def text(document: dict[str, Any]) -> str:
    """A document as its file holds it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[Path]:
    """Write all contracts into a folder and return their paths; files of kinds that are gone are left to their reader."""
    written = []
    for path, content in contracts().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
        written.append(target)
    return written


if __name__ == "__main__":
    write(COMMITTED)
