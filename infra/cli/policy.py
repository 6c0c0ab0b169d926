"""`troth policy`: the weights, half-lives and thresholds that everything is judged by."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from consumers.policy import adopted_policies, policy_in_force
from domain import policy as policies
from domain.policy import Policy, PolicyRefused
from infra import wiring
from infra.cli.opened import bring_up_to_date, existing, instant
from infra.cli.show import Json, as_json, out

app = typer.Typer(name="policy", help="What everything is judged by: show it, adopt another.", no_args_is_help=True)


@app.command()
def show(
    version: Annotated[str | None, typer.Option(help="This version, in place of the one in force.")] = None,
    json: Json = False,
) -> None:
    """Print a policy as the TOML that `troth policy adopt` reads, with the reason of every number."""
    with closing(wiring.open_log(existing())) as log:
        if version is None:
            policy = policy_in_force(log, wiring.now())
        else:
            found = [each for each in adopted_policies(log) if each.version == version]
            if not found:
                raise typer.BadParameter(f"no policy of the version {version} was adopted")
            (policy,) = found
    if json:
        as_json({"version": policy.version, "hash": policy.hash, "policy": policy.model_dump(mode="json")})
    else:
        out.print(f"# sha256 {policy.hash}\n{toml(policy)}", soft_wrap=True)


@app.command()
def adopt(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The policy, as `troth policy show` prints one.")],
    since: Annotated[
        str | None, typer.Option("--from", metavar="INSTANT", help="In force from then: RFC 3339 with a zone; else now.")
    ] = None,
    json: Json = False,
) -> None:
    """Put a policy on the record, in force from now on; all that it judges is built anew, and answers change over at once."""
    policy = policies.read(file.read_text("utf-8"))
    settings, now = existing(), wiring.now()
    moment = instant("--from", since)
    with closing(wiring.open_log(settings)) as log:
        if any(each.version == policy.version and each.hash != policy.hash for each in adopted_policies(log)):
            raise PolicyRefused(f"version {policy.version} was adopted before and said something else: give it another version")
        receipt = wiring.adopt(wiring.open_intake(log), policy, now if moment is None else moment)
    bring_up_to_date(settings)
    if json:
        as_json({"version": policy.version, "hash": policy.hash, "position": receipt.position})
    else:
        out.print(f"policy {policy.version} is adopted, {policy.hash}", soft_wrap=True)
        out.print("`troth status` shows when all that it judges is built")


def toml(policy: Policy) -> str:
    """A policy as TOML: a table for each part, then the reasons."""
    document = policy.model_dump(mode="json")
    lines = [f"version = {_value(document['version'])}"]
    for grade in document["grades"]:
        lines += ["", "[[grades]]", *_pairs(grade)]
    lines += ["", "[trust]", *_pairs(document["trust"])]
    layers = document["layers"]
    lines += ["", "[layers]", *_pairs({name: each for name, each in layers.items() if not isinstance(each, dict)})]
    for name, rules in layers.items():
        if isinstance(rules, dict):
            lines += ["", f"[layers.{name}]", *_pairs(rules)]
    lines += ["", "[reasons]", *(f"{_value(name)} = {_value(reason)}" for name, reason in document["reasons"].items())]
    return "\n".join(lines)


def _pairs(table: dict[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in table.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, int):
        return f"{value:_}"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")  # text in JSON is text in TOML, but for DEL
