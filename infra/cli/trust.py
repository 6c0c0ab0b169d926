"""`troth explain`: every contribution to a score."""

from typing import Annotated

import typer

from domain.evidence import Direction
from infra.asking import trust
from infra.asking.trust import SubjectKind
from infra.cli.opened import AsOf, KnownAt, asking
from infra.cli.show import Json, as_json, day, out, share, table


def explain(
    subject: Annotated[str, typer.Argument(help="The party; or with --of the team, person, category or channel.")],
    *,
    of: Annotated[SubjectKind, typer.Option(help="What kind of subject it is.")] = "party",
    direction: Annotated[Direction, typer.Option(help="Trust in us, or ours in them.")] = "in_us",
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many contributions.")] = 20,
    json: Json = False,
) -> None:
    """Say why a score is what it is: every contribution, and they sum to it exactly."""
    with asking(as_of, known_at, subject if of == "party" else None) as moment:
        answer = trust.explain(moment, of, subject, direction)
    if json:
        as_json(answer)
        return
    score = answer.score
    out.print(
        f"{of} {subject}: {score.grade}, score {share(score.score_micro)}, interval {share(score.lower_micro)} to "
        f"{share(score.upper_micro)}, from {score.evidence_count} pieces of evidence",
    )
    rows = [
        (day(each.at), each.family, each.reference, each.because, share(each.weight_micro), f"{each.contribution_micro:+,}")
        for each in answer.contributions[:limit]
    ]
    table(
        "", ["at", "what", "reference", "because", "weight#", "millionths#"], rows, empty="No evidence: the score is the prior."
    )
    rest = answer.contributions[limit:]
    if rest:
        out.print(f"and {len(rest)} more, together {sum(each.contribution_micro for each in rest):+,}")
    total = sum(each.contribution_micro for each in answer.contributions)
    out.print(f"prior {answer.prior_micro:,} {total:+,} = {answer.prior_micro + total:,} millionths")
    out.print(f"policy {answer.asked.policy_version} {answer.asked.policy_hash[:12]}, position {answer.asked.position}")
