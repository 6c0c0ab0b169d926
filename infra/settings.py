"""Settings: read once, from the environment, each with a default, a unit and a meaning."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict


def _loopback(host: str) -> str:
    try:
        ours = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        ours = False
    if not ours:
        only = "troth has no access control yet and serves loopback addresses only, such as 127.0.0.1"
        raise PydanticCustomError("not_loopback", only)
    return host


def _address(database: SecretStr | None) -> SecretStr | None:
    if database is None:
        return None
    from infra.postgres.connect import is_address  # noqa: PLC0415  # a third of a second that who uses files need not wait

    if not is_address(database.get_secret_value()):
        # Nothing of what was given is said again: it may be a password.
        example = "postgresql://troth@localhost/troth, where what is special in a password is escaped: %40 is @, %25 is %"
        raise PydanticCustomError("no_address", "this is no address of a PostgreSQL, such as " + example)
    return database


class Settings(BaseSettings):
    """Everything that can be set, as `TROTH_…` in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="TROTH_", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    home: Path = Path("troth-data")
    """The folder that holds the embedded ledger."""
    ledger: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = "main"
    """The ledger's name; fixed when the folder is made, since stream ids contain it."""
    database: Annotated[SecretStr | None, AfterValidator(_address)] = None
    """The PostgreSQL that holds record and views, such as postgresql://troth@localhost/troth; none for SQLite in the folder."""
    kafka: str | None = None
    """Bootstrap servers of the Kafka to take reports from and publish entries to, such as localhost:9092; none for no Kafka."""
    kafka_partitions: Annotated[int, Field(ge=1, le=1_000)] = 12
    """How many partitions topics are made with; those of the entries stay as they are for ever."""
    kafka_replication: Annotated[int, Field(ge=1, le=9)] = 3
    """On how many brokers each partition of a topic that is made is kept."""
    kafka_session_seconds: Annotated[int, Field(ge=6, le=300)] = 10
    """After how many seconds without a sign of life others take over the partitions of a process."""
    instance: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,100}$")] | None = None
    """A name of this process that stays the same when it is started again: then it gets the same partitions back at once."""
    host: Annotated[str, AfterValidator(_loopback)] = "127.0.0.1"
    """The address that `troth serve` binds to: loopback only."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8700
    """The port that `troth serve` binds to; 0 lets the system choose one."""
    poll_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 200
    """How often `troth serve` looks for entries that another process recorded, in milliseconds."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe log lines to write."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """How log lines look; auto is console on a terminal and JSON elsewhere."""
