"""One thing that was looked at."""

from typing import NamedTuple


class Check(NamedTuple):
    """One thing that was looked at; `do` is empty where all is well, or nothing is wrong yet."""

    name: str
    ok: bool
    found: str
    do: str = ""
