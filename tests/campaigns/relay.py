"""Kills the relay many times at every named point and at any time, stops it while it loses its lock, and kills a broker.

    python -m tests.campaigns.relay --rounds 100

A round is one kill. A record is published in spite of so many of them; then the topic is read from its beginning and proved:
every entry once, unchanged, in order, behind the one before it. In the end a record is published on three brokers, while one
after another is killed and comes back; and another record while two of the three stand still and the relay is killed, so that
what one broker has appended and the others have not is hidden from whoever comes next.
"""

import argparse
import signal
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from random import Random
from threading import Event

from tests.crash.relays import POINTS_RELAYED, Relays, end_of, said
from tests.published import quick_topics
from tests.services.kafka import Kafka, started

ENTRIES = 1_001
ANY_TIME, STOPPED = "any time", "stopped, its lock taken"
_numbers = count()


def main() -> int:
    """Run the campaign and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="how often to kill at each point")
    parser.add_argument("--brokers", type=int, default=6, help="how often to kill one of three brokers, and to stop two")
    parser.add_argument("--seed", type=int, default=0, help="which passings and which moments")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="troth-relay-") as folder:
        say(f"{'killed at':<26} {'kills':>6} {'records':>8} {'came on':>8} {'seconds':>8}")
        with started(Path(folder) / "one") as kafka:
            for point in (*POINTS_RELAYED, ANY_TIME, STOPPED):
                rounds(Path(folder), kafka.bootstrap, point, asked.rounds, Random(f"{asked.seed} {point}"))
        with started(Path(folder) / "three", nodes=3) as kafka:
            killed(Path(folder), kafka, asked.brokers)
            standing_still(Path(folder), kafka, asked.brokers, Random(asked.seed))
    say("nothing lost, nothing doubled, nothing in another order")
    return 0


def rounds(folder: Path, bootstrap: str, point: str, wanted: int, chance: Random) -> None:
    """Kill so often at this point; print the figures."""
    began, kills, records, came_on = time.monotonic(), 0, 0, 0
    while kills < wanted:
        relays, records = fresh(folder, bootstrap), records + 1
        last = 0
        while kills < wanted and disturbed(relays, point, chance):
            arrived = relays.arrived()
            assert arrived >= last, (point, arrived, last)
            kills, came_on, last = kills + 1, came_on + (arrived > last), arrived
        relays.finish()
        relays.prove()
    say(f"{point:<26} {kills:>6} {records:>8} {came_on:>8} {time.monotonic() - began:>8.1f}")


def disturbed(relays: Relays, point: str, chance: Random) -> bool:
    """One life; whether it was ended, or stopped, before it was done."""
    if point == ANY_TIME:
        return relays.killed_after(lines=chance.randrange(1, 40))
    if point == STOPPED:
        return stopped(relays, chance)
    return relays.killed_at(point, passing=chance.randrange(1, 5))


def stopped(relays: Relays, chance: Random) -> bool:
    """Stop one, take its lock from it, let another come on, and wake the first while that one publishes."""
    first = relays.start(window=5)
    for _ in range(chance.randrange(1, 20)):
        said(first)
    first.send_signal(signal.SIGSTOP)
    relays.lock.unlink()
    second = relays.start(window=5)
    for _ in range(chance.randrange(1, 20)):
        said(second)
    first.send_signal(signal.SIGCONT)
    for _ in range(chance.randrange(1, 5)):
        said(second)
    first.kill()
    second.kill()
    ends = [end_of(each)[0] for each in (first, second)]
    return ends == [-signal.SIGKILL, -signal.SIGKILL]


def killed(folder: Path, kafka: Kafka, wanted: int) -> None:
    """Kill one of three brokers after another while a record is published, and start it again."""
    began = time.monotonic()
    relays = fresh(folder, kafka.bootstrap, replication=3)
    process, kills = relays.start(window=2), 0
    while kills < wanted and said(process).startswith(("at", "away")):
        node = kills % 3 + 1
        kafka.kill(node)
        for _ in range(20):
            said(process)
        kafka.start(node)
        kills += 1
    process.kill()
    end_of(process)
    relays.finish()
    relays.prove()
    say(f"{'one of three brokers':<26} {kills:>6} {1:>8} {'':>8} {time.monotonic() - began:>8.1f}")


def standing_still(folder: Path, kafka: Kafka, wanted: int, chance: Random) -> None:
    """Let two of three brokers stand still and kill the relay meanwhile; they go on while the next relay begins."""
    began = time.monotonic()
    relays = fresh(folder, kafka.bootstrap, replication=3)
    for _ in range(wanted):
        process = relays.start(window=5)
        for _ in range(chance.randrange(1, 20)):
            said(process)
        still = chance.sample((1, 2, 3), 2)
        for node in still:
            kafka.pause(node)
        Event().wait(chance.uniform(0, 0.5))
        process.kill()
        end_of(process)
        process = relays.start(window=5)
        Event().wait(chance.uniform(0, 3))
        for node in still:
            kafka.resume(node)
        while said(process).startswith("away"):
            pass
        process.kill()
        end_of(process)
    relays.finish()
    relays.prove()
    say(f"{'two of three stand still':<26} {wanted:>6} {1:>8} {'':>8} {time.monotonic() - began:>8.1f}")


def fresh(folder: Path, bootstrap: str, replication: int = 1) -> Relays:
    """A record that nobody has published yet."""
    name = f"relayed-{next(_numbers)}"
    quick_topics(bootstrap, name, replication=replication)
    return Relays(folder / name, bootstrap, name, ENTRIES)


def say(line: str) -> None:
    """A line that is seen at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
