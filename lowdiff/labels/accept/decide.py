"""Decide for every field and drafter whether its drafts count without a person, and from when on.

Nothing but audited images tells it, with a bound that holds at all times. Several thresholds are
tried, from the surest drafts down, in an order that no error has a say in: they lie at ranks of the
confidences of all audited drafts, judged or not. A threshold counts when it and all those before it
in its chain are shown to be under the limit, so that each may use the whole of its chain's alpha
(fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995; with bounds that hold at all times the
promise does so, too).

Where several drafters speak of a field, of each image the surest one, they are tried together as
well (ANY); where that succeeds it replaces what each of them has shown. The promise holds for each
of these by itself, with 95 %: for all fields together it would need bounds that are stricter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.label_tables import AcceptanceDecision
from lowdiff.labels.accept.bound import Trial, alpha_of, judge, samples_needed
from lowdiff.labels.accept.evidence import ANY, Sample, gather_samples, waiting_audits
from lowdiff.labels.schema import Schema
from lowdiff.pages.format import plural

CHAINS = (0.4, 0.65, 0.85)
"""Shares of the audited drafts, the surest first, at which chains of thresholds begin, each with as
much of alpha. One alone would stop at the first error that it cannot make up for: if it began high
among few drafts, if low among bad ones. Chosen on a brand set for tuning."""
STEP = 1.12
"""Each next threshold of a chain takes so many times as many audited drafts."""


@dataclass(frozen=True)
class Verdict:
    """What holds for the drafts of one field by one family of drafters."""

    field: str
    family: str
    is_on: bool
    threshold: float | None
    audited: int
    errors: int
    upper_bound: float
    error_limit: float
    calibration_labels: int
    reason: str
    needed: int | None
    """Further audited labels without an error until it is on; None: no threshold to try yet."""
    switched: bool = False
    """True when the state is another than before."""


def decide(
    catalog: Catalog,
    schema: Schema,
    *,
    error_limit: float,
    audit_share: float,
    preview: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> list[Verdict]:
    """Look at all labels so far and keep what follows; call it after every pull.

    Looking often costs nothing: the bounds hold at all times together. A decision is kept only
    when something of it has changed.

    Args:
        error_limit: drafts that count may be wrong this often, in (0, 0.5).
        audit_share: of all images, how many are audited.
        preview: keep nothing.

    Returns:
        One verdict for every field and family that people have judged, by field.
    """
    with catalog.read() as session:
        samples = gather_samples(session, schema, audit_share=audit_share)
        waiting = waiting_audits(session, schema, audit_share=audit_share)
        history = _history(session)
    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.field, sample.family), []).append(sample)
    for name, families in _several(groups).items():
        groups[name, ANY] = [sample for sample in samples if sample.field == name]
        waiting[name, ANY] = [sure for one in families for sure in waiting.get((name, one), ())]
    verdicts = []
    rows = []
    for pair in sorted(groups.keys() | history.keys()):
        before = history.get(pair, [])
        verdict = decide_one(
            *pair,
            groups.get(pair, []),
            waiting.get(pair, ()),
            error_limit=error_limit,
            was_on=bool(before) and before[-1].state == "on",
        )
        verdicts.append(verdict)
        row = _row(verdict, now())
        if not before or _differs(row, before[-1]):
            rows.append(row)
    if rows and not preview:
        with catalog.write() as session:
            session.add_all(rows)
    return verdicts


def _several(groups: Mapping[tuple[str, str], Sequence[Sample]]) -> dict[str, list[str]]:
    """Field → its drafters, where several speak: together they have more audits than each."""
    found: dict[str, list[str]] = {}
    for name, family in groups:
        found.setdefault(name, []).append(family)
    return {name: families for name, families in found.items() if len(families) > 1}


def decide_one(
    field: str,
    family: str,
    samples: Sequence[Sample],
    waiting: Sequence[float],
    *,
    error_limit: float,
    was_on: bool = False,
) -> Verdict:
    """The verdict on one field and family.

    Args:
        samples: of this field and family, in the order in which people judged them.
        waiting: confidences of its drafts on audited images that nobody has judged yet.
        was_on: whether its drafts count now.
    """
    audited = [sample for sample in samples if sample.is_audit]
    learned = len(samples) - len(audited)
    sure = sorted([*(sample.confidence for sample in audited), *waiting], reverse=True)
    best: tuple[float, Trial] | None = None
    failed: list[tuple[bool, int, float, Trial]] = []
    for chain, share in chains(sure, least_audits(error_limit)):
        for threshold in chain:
            wrong = [not one.right for one in audited if one.confidence >= threshold]
            trial = judge(wrong, limit=error_limit, share=share)
            if not trial.is_on:
                needed = samples_needed(trial.audited, trial.errors, error_limit, alpha=trial.alpha)
                failed.append((not trial.drifts, needed, threshold, trial))
                break
            if best is None or threshold < best[0]:
                best = threshold, trial
    if not sure:
        return Verdict(
            field, family, False, None, 0, 0, 1.0, error_limit, learned, "no audited draft", None,
            was_on,
        )  # fmt: skip
    if best is not None:
        needed, (threshold, trial) = 0, best
    else:
        _, needed, threshold, trial = min(failed, key=lambda one: one[:3])
    return Verdict(
        field=field,
        family=family,
        is_on=best is not None,
        threshold=threshold,
        audited=trial.audited,
        errors=trial.errors,
        upper_bound=trial.upper_bound,
        error_limit=error_limit,
        calibration_labels=learned,
        reason=_reason(trial, error_limit, needed),
        needed=needed,
        switched=(best is not None) != was_on,
    )


def chains(sure: Sequence[float], least: int) -> list[tuple[list[float], float]]:
    """Chains of thresholds and the share of alpha of each; chains that are equal are one.

    Args:
        sure: confidences of all audited drafts, falling.
        least: audited drafts that a first threshold takes at least.
    """
    found = [thresholds(sure, start, least) for start in CHAINS]
    return [
        (chain, found.count(chain) / len(CHAINS))
        for at, chain in enumerate(found)
        if chain not in found[:at]
    ]


def thresholds(sure: Sequence[float], start: float, least: int) -> list[float]:
    """Confidences from which on drafts are tried, falling; the last one takes all drafts.

    Args:
        sure: confidences of all audited drafts, falling.
        start: share of them that the first threshold takes.
        least: audited drafts that it takes at least.
    """
    found: list[float] = []
    rank = max(start * len(sure), float(least))
    while sure and 0.0 not in found:
        threshold = sure[min(round(rank), len(sure)) - 1]
        threshold = 0.0 if threshold == sure[-1] else threshold
        if not found or threshold < found[-1]:
            found.append(threshold)
        rank *= STEP
    return found


@cache
def least_audits(limit: float) -> int:
    """Audited drafts, none of them wrong, that are enough for one chain of several."""
    return samples_needed(0, 0, limit, alpha=alpha_of(0) / len(CHAINS))


def _reason(trial: Trial, limit: float, needed: int) -> str:
    seen = f"{plural(trial.errors, 'error')} in {plural(trial.audited, 'audited draft')}"
    bound = f"at most {trial.upper_bound:.1%} are wrong (95 %)"
    if trial.is_on:
        return f"{seen}: {bound}, the limit is {limit:.1%}"
    if trial.drifts:
        return (
            "drift: audited drafts became wrong more often than the limit, so they count no more; "
            f"since then {seen}, {needed} more without an error would do"
        )
    if trial.audited == 0:
        return f"no audited draft yet: {needed} without an error would do"
    return f"{seen}: {bound}; {needed} more without an error would bring it below {limit:.1%}"


def _history(session: Session) -> dict[tuple[str, str], list[AcceptanceDecision]]:
    found: dict[tuple[str, str], list[AcceptanceDecision]] = {}
    for row in session.scalars(select(AcceptanceDecision).order_by(AcceptanceDecision.id)):
        found.setdefault((row.field, row.family), []).append(row)
    return found


def _row(verdict: Verdict, moment: datetime) -> AcceptanceDecision:
    return AcceptanceDecision(
        field=verdict.field,
        family=verdict.family,
        state="on" if verdict.is_on else "off",
        threshold=verdict.threshold,
        audited=verdict.audited,
        errors=verdict.errors,
        upper_bound=verdict.upper_bound,
        error_limit=verdict.error_limit,
        calibration_labels=verdict.calibration_labels,
        reason=verdict.reason,
        decided_at=moment,
    )


def _differs(row: AcceptanceDecision, before: AcceptanceDecision) -> bool:
    names = ("state", "threshold", "audited", "errors", "error_limit")
    return any(getattr(row, name) != getattr(before, name) for name in names)
