"""Passes of what is compared, interleaved in one run, as ratios: these machines are noisy, a ratio less so."""

import sys
from collections.abc import Callable, Mapping
from statistics import median


def compared(
    measured: Mapping[str, Callable[[], float]], *, to: str, passes: int = 3, unit: str = "/s", more: str = ""
) -> dict[str, list[float]]:
    """Measure each (a rate, more is better) in turn, `passes` times; print the rates and their ratios to the floor `to`."""
    rates: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(passes):
        for name, measure in measured.items():
            rates[name].append(measure())
            say(f"pass {number + 1}: {name:<44} {rates[name][-1]:>12,.0f}{unit}")
    say(f"\n{'what':<44} {'median':>12} {'ratio to ' + to:>28}   spread{more}")
    for name, found in rates.items():
        ratios = [one / floor for one, floor in zip(found, rates[to], strict=True)]
        say(f"{name:<44} {median(found):>12,.0f} {median(ratios):>28.2f}   {min(ratios):.2f} to {max(ratios):.2f}")
    return rates


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
