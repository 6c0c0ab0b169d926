"""`troth serve`: the ledger in one process. `troth demo`: the same, with a year of a small company in it."""

import shlex
from datetime import date
from typing import Annotated, Any

import typer

from infra import wiring
from infra.cli.show import err, out
from infra.demo import play
from infra.settings import Settings

Host = Annotated[str | None, typer.Option(help="The address to listen on, in place of TROTH_HOST: loopback only.")]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65_535, help="The port to listen on, in place of TROTH_PORT; 0 lets the system choose one."),
]


def serve(host: Host = None, port: Port = None) -> None:
    """Take reports in, keep the views and the time, and answer questions, until told to stop (SIGTERM, Ctrl+C)."""
    run(_settings(host, port))


def demo(
    host: Host = None,
    port: Port = None,
    seed: Annotated[int | None, typer.Option(help="Which year it is to be: another seed, another course of events.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Its last day, such as 2026-06-30; else yesterday.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Only fill the ledger.")] = False,
) -> None:
    """Fill an empty ledger with a year of a small company, then serve it; one that holds such a year is only served."""
    settings = _settings(host, port)
    with err.status("a year of Kestrel Coffee is being reported"):
        played = play.play(settings, seed, _day(until))
    out.print(play.SUMMARY.format(home=wiring.where(settings), **played._asdict()), soft_wrap=True)
    out.print("Worth trying:" if no_serve else "Worth trying, here in another window:")
    prefix = "" if settings.home == Settings.model_fields["home"].default else f"TROTH_HOME={shlex.quote(str(settings.home))} "
    for command, meaning in play.COMMANDS:
        out.print(f"  {prefix}{command:<44} {meaning}", soft_wrap=True)
    if not no_serve:
        run(settings)


def run(settings: Settings) -> None:
    """Serve until told to stop, and say where."""
    from infra.http.serving import serve as serve_until_stopped  # noqa: PLC0415  # half a second for no other command

    serve_until_stopped(settings, lambda url: out.print(f"{url} serves the ledger in {wiring.where(settings)}", soft_wrap=True))


def _settings(host: str | None, port: int | None) -> Settings:
    given: dict[str, Any] = {"host": host, "port": port}
    return Settings(**{name: value for name, value in given.items() if value is not None})


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--until {text} is no date such as 2026-06-30") from None
