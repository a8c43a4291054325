"""The whole state of labeling, and the same in words for somebody who asks on Monday."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.label_tables import AcceptanceDecision, CorrectionMark
from lowdiff.labels.accept.decide import Verdict, decide
from lowdiff.labels.accept.policy import Policy
from lowdiff.labels.progress.gains import Gain, next_gains
from lowdiff.labels.progress.pace import (
    Forecast,
    Pace,
    forecast,
    measure_pace,
    read_visits,
)
from lowdiff.labels.progress.tally import Tally, count_labels
from lowdiff.labels.schema import Schema

GAINS_TOLD = 3


@dataclass(frozen=True)
class Status:
    """Where labeling stands."""

    policy: Policy
    error_limit: float
    tally: Tally
    pace: Pace
    forecast: Forecast
    verdicts: tuple[Verdict, ...]
    gains: tuple[Gain, ...]
    notices: tuple[str, ...]
    """What somebody has to know: acceptance that was switched off, corrections not yet exported."""
    history: tuple[Verdict, ...]
    """Every decision that rests on audits, oldest first."""

    def record(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        tally = asdict(self.tally)
        del tally["waiting"], tally["audit_left"]
        return {
            "acceptance": self.policy.recipe(),
            **tally,
            "pace": asdict(self.pace),
            "forecast": asdict(self.forecast),
            "decisions": [asdict(verdict) for verdict in self.verdicts],
            "next": [asdict(gain) | {"reachable": gain.is_reachable} for gain in self.gains],
            "notices": list(self.notices),
        }


def read_status(
    catalog: Catalog,
    schema: Schema,
    policy: Policy,
    *,
    error_limit: float,
    audit_share: float,
    today: date,
) -> Status:
    """Gather everything from the catalog; keeps nothing and asks no server."""
    tally = count_labels(catalog, schema, policy, audit_share=audit_share)
    verdicts = decide(
        catalog, schema, error_limit=error_limit, audit_share=audit_share, preview=True
    )
    with catalog.read() as session:
        pace = measure_pace(read_visits(session), today=today)
        decisions = session.scalars(select(AcceptanceDecision).order_by(AcceptanceDecision.id))
        rows = list(decisions)
        marks = list(session.scalars(select(CorrectionMark).order_by(CorrectionMark.id)))
    return Status(
        policy=policy,
        error_limit=error_limit,
        tally=tally,
        pace=pace,
        forecast=forecast(pace, tally.to_see, today=today),
        verdicts=tuple(verdicts),
        gains=tuple(next_gains(verdicts, tally)),
        notices=(*_switched_off(rows), *_corrected(marks)),
        history=tuple(_verdict(row) for row in rows if row.audited),
    )


def _verdict(row: AcceptanceDecision) -> Verdict:
    return Verdict(
        row.field, row.family, row.state == "on", row.threshold, row.audited, row.errors,
        row.upper_bound, row.error_limit, row.calibration_labels, row.reason, needed=None,
    )  # fmt: skip


def _switched_off(rows: Sequence[AcceptanceDecision]) -> list[str]:
    """Fields whose drafts counted once and do not any more."""
    found: dict[tuple[str, str], str | None] = {}
    on: dict[tuple[str, str], bool] = {}
    for row in rows:
        pair = (row.field, row.family)
        if row.state == "on":
            on[pair], found[pair] = True, None
        elif on.get(pair) and found.get(pair) is None:
            found[pair] = (
                f"{row.field}: drafts by {row.family} do not count any more since "
                f"{row.decided_at:%-d %B %Y}. {row.reason}"
            )
    return [notice for notice in found.values() if notice]


def _corrected(marks: Sequence[CorrectionMark]) -> list[str]:
    kinds = {kind: {m.target for m in marks if m.kind == kind} for kind in ("dataset", "run")}
    if not marks:
        return []
    return [
        f"{len(kinds['dataset'])} dataset versions and {len(kinds['run'])} runs hold labels that "
        "were corrected since: `lowdiff label corrections` lists them"
    ]
