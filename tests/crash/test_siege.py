"""Every driver of a ledger on Kafka is killed at every point that it comes by, while the others go on and reports come in.

This is the short form; `python -m tests.campaigns.crash --kills 100` kills a hundred times at each point.
"""

from pathlib import Path
from random import Random

import pytest

from tests.crash.siege import ANY_TIME, POINTS, Siege, Told, told

pytestmark = [pytest.mark.crash, pytest.mark.service]


@pytest.mark.parametrize("kept", ["sqlite", "postgres"])
def test_killed_at_every_point_it_ends_as_if_it_never_was(
    kept: str, kafka_bootstrap: str, ledger_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database = request.getfixturevalue("database") if kept == "postgres" else None
    chance = Random(ledger_name)

    def choose(driver: str) -> Told | None:
        killed = {each.point for each in siege.lives if each.killed and each.driver == driver}
        point = next((each for each in (*POINTS[driver], ANY_TIME) if each not in killed), None)
        return None if point is None else told(driver, point, chance)

    siege = Siege(tmp_path, kafka_bootstrap, ledger_name, database, seed=11, streams=1_000)
    try:
        siege.besiege(choose)
        siege.finish()
        siege.prove()
    finally:
        siege.close()
    killed = {(each.driver, each.point) for each in siege.lives if each.killed}
    assert killed == {(driver, point) for driver, points in POINTS.items() for point in (*points, ANY_TIME)}
