"""`troth run`: one driver alone, in a process of its own; any number of them may run."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from infra import log
from infra.cli.show import out
from infra.drivers import DriverName, alone
from infra.health import Health
from infra.http.binding import PortTaken
from infra.running import Running, ending
from infra.settings import Settings

Driver = Literal["intake", "relay", "project", "clock", "api"]


class HealthPortTaken(PortTaken):
    """The port that health is to be asked on is taken."""


def run(
    driver: Annotated[
        Driver,
        typer.Argument(
            help="intake: records the reports that come by Kafka. relay: publishes entries on Kafka, one at a time. "
            "project: folds entries into views, each process its share of the partitions. clock: records what lapses; one at a "
            "time. api: takes reports by HTTP and answers questions."
        ),
    ],
    health: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65_535,
            help="Answer /livez, /readyz and /metrics on this loopback port; api does so on its own.",
        ),
    ] = None,
) -> None:
    """Run one driver alone until told to stop (SIGTERM, Ctrl+C). Start as many processes as there is work for."""
    settings = Settings()
    if driver == "api":
        if health is not None:
            raise typer.BadParameter("api answers /livez, /readyz and /metrics on TROTH_PORT: leave --health out")
        from infra.http.serving import serve  # noqa: PLC0415  # half a second for no other command

        serve(settings, lambda url: out.print(f"{url} answers for the ledger {settings.ledger}", soft_wrap=True), driving=False)
        return
    _alone(settings, driver, health)


def _alone(settings: Settings, driver: DriverName, health: int | None) -> None:
    log.configure(settings)
    with (
        _told_to_stop() as stop,
        ending([alone(settings, driver)]) as loops,
        _health(health, loops) as where,
    ):
        for each in loops:
            each.on_failure = stop.set
        if all(each.failed is None for each in loops):
            out.print(f"{driver} of the ledger {settings.ledger} runs" + (f", {where}" if where else ""), soft_wrap=True)
            log.get().info("running", name=driver, ledger=settings.ledger)
            stop.wait()
        log.get().info("stopping", name=driver)
    for each in loops:
        if each.failed is not None:
            raise each.failed
    log.get().info("stopped", name=driver)


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Set once a signal says to stop: what is under way is finished, and the process ends with 0."""
    stop = threading.Event()
    former = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)


@contextmanager
def _health(port: int | None, loops: Sequence[Running]) -> Iterator[str | None]:
    if port is None:
        yield None
        return
    try:
        health = Health(port, loops)
    except OSError as wrong:
        raise HealthPortTaken(f"cannot listen on port {port} of 127.0.0.1: {wrong.strerror}") from None
    with health:
        yield health.url
