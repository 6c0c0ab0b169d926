"""`troth schema`: what publishers send and what the API answers, for programs."""

from pathlib import Path
from typing import Annotated

import typer

from domain.kinds import KINDS, RESERVED
from infra.cli.show import Json, as_json, out, table
from infra.contracts import schemas


def schema(
    kind: Annotated[
        str | None, typer.Argument(help="The kind of report, such as promise.made.v1.", autocompletion=lambda: list(KINDS))
    ] = None,
    *,
    openapi: Annotated[bool, typer.Option("--openapi", help="Print the OpenAPI document of the HTTP API.")] = False,
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", file_okay=False, help="Write all of them into this folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of one kind of report, or list the kinds."""
    if openapi or write is not None:
        from infra.contracts import generate  # noqa: PLC0415  # it loads the HTTP API, which no other command needs

        if write is not None:
            out.print(f"{len(generate.write(write))} files written to {write}", soft_wrap=True)
        else:
            as_json(generate.openapi())
    elif kind is not None:
        if kind not in KINDS:
            raise typer.BadParameter("no such kind is released: `troth schema` lists the kinds")
        as_json(schemas.of_kind(kind))
    elif json:
        as_json([{"kind": each, "reserved": each in RESERVED, "meaning": schemas.meaning(each)} for each in KINDS])
    else:
        table("", ["kind", "meaning"], [(each, schemas.meaning(each)) for each in KINDS], empty="")
