"""Logs: structlog on standard error, with an allow-list of keys, so that personal data cannot leak into them."""

import logging
import sys
import threading
from collections.abc import MutableMapping
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Any

import structlog

from infra.settings import Settings

ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "address",
        "count",
        "counts",
        "entries",
        "generation",
        "home",
        "lag",
        "ledger",
        "name",
        "names",
        "outcome",
        "policy_hash",
        "position",
        "reason",
        "seconds",
        "status",
        "version",
        "where",
    }
)
"""Every key that may be logged. What is not among them is replaced, and named, so that the omission is seen."""


def configure(settings: Settings) -> None:
    """Send logs to standard error in the form that the settings ask for."""
    on_terminal = sys.stderr.isatty() if settings.log_format == "auto" else settings.log_format == "console"
    renderer = structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed_keys,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[OtherLoggers()], level=logging.WARNING, force=True)
    # kafka-python says whenever a step of its own took a tenth of a second: on a busy machine, all the time.
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)


def get() -> Any:
    """The logger."""
    return structlog.get_logger()


def only_allowed_keys(_: object, __: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Keep what is on the list; say which keys were left out."""
    kept = {key: value for key, value in event.items() if key in ALLOWED}
    left_out = sorted(set(event) - set(kept))
    return kept | {"left_out": left_out} if left_out else kept


class OtherLoggers(logging.Handler):
    """Lets what libraries log through the same gate: the fixed part of their message, and where an exception came from.

    What they fill into it, an exception's own text among it, may hold anything (an address holds the party's id), and is
    left out.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record's name, the fixed part of its message, and the type and the place of its exception."""
        fixed = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        more: dict[str, Any] = {"name": record.name, "reason": fixed.strip()}
        if record.exc_info and record.exc_info[0] is not None:
            more |= {"outcome": record.exc_info[0].__name__, "where": place(record.exc_info[2])}
        get().log(record.levelno, "library", **more)


def thread_ended(what: threading.ExceptHookArgs) -> None:
    """Log that a thread has ended of what nobody caught there. The text of that may hold anything, and is left out."""
    get().error("thread_ended", reason=what.exc_type.__name__, where=place(what.exc_traceback))


def place(traceback: TracebackType | None) -> list[str]:
    """The last steps that led to an exception, as `file.py:line function`, the innermost last."""
    return [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in extract_tb(traceback)[-5:]]
