"""Passes of what is compared, interleaved in one run, as ratios: these machines are noisy, a ratio less so."""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Aim(NamedTuple):
    """What is compared with what, the ratio that is aimed at, and the one that it should not be below (or above: `most`)."""

    what: str
    against: str
    aim: str
    bound: float
    most: bool = False


def compared(
    measured: Mapping[str, Callable[[], float]], *, to: str, passes: int = 3, unit: str = "/s", more: str = ""
) -> dict[str, list[float]]:
    """Measure each (a rate, more is better) in turn, `passes` times; print the rates and their ratios to the floor `to`."""
    rates = interleaved(measured, passes, unit)
    say(f"\n{'what':<44} {'median':>12} {'ratio to ' + to:>28}   spread{more}")
    for name, found in rates.items():
        ratios = [one / floor for one, floor in zip(found, rates[to], strict=True)]
        say(f"{name:<44} {median(found):>12,.0f} {median(ratios):>28.2f}   {min(ratios):.2f} to {max(ratios):.2f}")
    return rates


def interleaved(measured: Mapping[str, Callable[[], float]], passes: int, unit: str) -> dict[str, list[float]]:
    """Measure each in turn, `passes` times; print what was found."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(passes):
        for name, measure in measured.items():
            found[name].append(measure())
            say(f"pass {number + 1}: {name:<44} {found[name][-1]:>12,.4g}{unit}   load {os.getloadavg()[0]:.1f}")
    return found


def table(found: Mapping[str, Sequence[float]], aims: Sequence[Aim]) -> None:
    """Print the ratio of each pair, pass by pass: aim, bound, median, spread."""
    say(f"\n{'what':<40} {'against':<32} {'aim':>10} {'bound':>9} {'median':>8}   spread")
    for what, against, aim, bound, most in aims:
        if what in found and against in found:
            ratios = [one / other for one, other in zip(found[what], found[against], strict=True)]
            limit = f"{'≤' if most else '≥'} {bound:g}"
            missed = "" if (median(ratios) <= bound if most else median(ratios) >= bound) else "   MISSED"
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            say(f"{what:<40} {against:<32} {aim:>10} {limit:>9} {median(ratios):>8.2f}   {spread}{missed}")


def peak_memory() -> int:
    """The most memory that this process has had, in bytes. `ru_maxrss` begins with what its parent had when it split it off."""
    (found,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    return int(found) * 1024


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
