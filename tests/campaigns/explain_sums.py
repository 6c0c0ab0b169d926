"""Every explanation sums exactly: for all parties and promisors of a ledger now, for some parties at random past moments.

    TROTH_HOME=… python -m tests.campaigns.explain_sums --sample 50

Checked as integers: prior numerator plus all contributions' numerators is the score's numerator over the same denominator,
the sums that the score is read from are those of its evidence, and the shown millionths add up to the shown score.
"""

import argparse
import sys
from contextlib import closing
from random import Random
from typing import get_args

from domain.evidence import Direction
from domain.policy import SUBJECT
from infra import wiring
from infra.asking import trust
from infra.asking.moment import Moment, Present, past
from infra.asking.trust import SubjectKind
from infra.settings import Settings

MOMENTS = 10


def main() -> int:
    """Run the campaign; 1 where an explanation does not sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=50, help=f"how many parties to ask about at {MOMENTS} moments each")
    parser.add_argument("--seed", type=int, default=0, help="which parties and which moments")
    asked = parser.parse_args()
    settings = Settings()
    with closing(wiring.open_log(settings)) as log, closing(wiring.read_views(settings)) as views:
        with Present(views, log).moment(wiring.now()) as now:
            rows = now.views.execute("SELECT party, MIN(happened_at), MAX(happened_at) FROM timeline GROUP BY party").fetchall()
            parties = [row for row in rows if row[0] != SUBJECT]
            contributions = sum(checked(now, "party", party, way) for party, _, _ in parties for way in get_args(Direction))
            promisors = now.views.execute(
                "SELECT subject_kind, subject, direction FROM trust_sums WHERE subject_kind <> 'party'"
            )
            of_promisors = [checked(now, *row) for row in promisors.fetchall()]
        sys.stdout.write(f"{len(parties)} parties now, both ways: {contributions} contributions sum exactly\n")
        sys.stdout.write(f"{len(of_promisors)} promisors now: {sum(of_promisors)} contributions sum exactly\n")
        chance, contributions = Random(asked.seed), 0
        sample = chance.sample(parties, min(asked.sample, len(parties)))
        for party, first, last in sample:
            for _ in range(MOMENTS):
                at = chance.randint(first, last)
                moment = past(log, wiring.now(), as_of=at, known_at=None, party=party)
                with closing(moment.views):
                    contributions += sum(checked(moment, "party", party, way) for way in get_args(Direction))
    moments = len(sample) * MOMENTS
    sys.stdout.write(
        f"{len(sample)} parties at {MOMENTS} moments each ({moments}): {contributions} contributions sum exactly\n"
    )
    return 0


def checked(moment: Moment, kind: SubjectKind, subject: str, direction: Direction) -> int:
    """How many contributions there are to a subject's score; raises AssertionError where they do not sum."""
    answer = trust.explain(moment, kind, subject, direction)
    score, (evidence_count, _, _) = trust.score_of(moment, kind, subject, direction)
    prior, denominator = answer.prior_micro, int(answer.denominator)
    numerators = sum(int(each.numerator) for each in answer.contributions)
    # T = numerator / denominator and a = prior / 10^6, so T − a = Σ contributions, cross-multiplied.
    assert denominator == score.reading.denominator, subject
    assert (score.reading.numerator - numerators) * 1_000_000 == prior * denominator, subject
    assert prior + sum(each.contribution_micro for each in answer.contributions) == score.score_micro, subject
    assert answer.score.score_micro == score.score_micro, subject
    assert len(answer.contributions) == evidence_count, subject
    return evidence_count


if __name__ == "__main__":
    sys.exit(main())
