"""Decide for every field and drafter whether its drafts count without a person, and from when on.

The confidence from which on drafts are tried is chosen on labels that are not audited; whether
they are then good enough is tested on audited images only, with a bound that holds at all times.
The promise holds for each field and drafter by itself, with 95 %: for all of them together it
would need a bound for each that is as much stricter.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.label_tables import AcceptanceDecision
from lowdiff.labels.accept.bound import Trial, judge, samples_needed
from lowdiff.labels.accept.evidence import Sample, gather_samples
from lowdiff.labels.schema import Schema
from lowdiff.pages.format import plural

MARGIN = 0.5
"""A threshold is tried where errors are estimated at this share of the limit: a draft that is just
at the limit would need labels without end to show it."""
SIMILAR = 1.25
"""A threshold stays while another one would not accept this many times as many drafts."""
_STEPS = np.round(np.linspace(0, 1, 101), 2)


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
        history = _history(session)
    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.field, sample.family), []).append(sample)
    verdicts = []
    rows = []
    for pair in sorted(groups.keys() | history.keys()):
        before = history.get(pair, [])
        verdict = decide_one(*pair, groups.get(pair, []), before, error_limit=error_limit)
        verdicts.append(verdict)
        row = _row(verdict, now())
        if not before or _differs(row, before[-1]):
            rows.append(row)
    if rows and not preview:
        with catalog.write() as session:
            session.add_all(rows)
    return verdicts


def decide_one(
    field: str,
    family: str,
    samples: Sequence[Sample],
    before: Sequence[AcceptanceDecision],
    *,
    error_limit: float,
) -> Verdict:
    """The verdict on one field and family.

    Args:
        samples: of this field and family, in the order in which people judged them.
        before: earlier decisions on them, oldest first.
    """
    learned = [sample for sample in samples if not sample.is_audit]
    was_on = bool(before) and before[-1].state == "on"
    tried = [row.threshold for row in before if row.threshold is not None]
    threshold = choose_threshold(
        learned, error_limit, present=tried[-1] if tried else None, was_on=was_on
    )
    if threshold is None:
        reason = _no_threshold(learned, error_limit)
        return Verdict(
            field, family, False, None, 0, 0, 1.0, error_limit, len(learned), reason, None, was_on
        )
    changes = sum(one != other for one, other in zip(tried, [*tried[1:], threshold], strict=False))
    audited = [s for s in samples if s.is_audit and s.confidence >= threshold]
    trial = judge([not s.right for s in audited], limit=error_limit, attempt=changes)
    needed = samples_needed(trial.audited, trial.errors, error_limit, alpha=trial.alpha)
    return Verdict(
        field=field,
        family=family,
        is_on=trial.is_on,
        threshold=threshold,
        audited=trial.audited,
        errors=trial.errors,
        upper_bound=trial.upper_bound,
        error_limit=error_limit,
        calibration_labels=len(learned),
        reason=_reason(trial, error_limit, needed),
        needed=needed,
        switched=trial.is_on != was_on,
    )


def choose_threshold(
    learned: Sequence[Sample], limit: float, *, present: float | None = None, was_on: bool = False
) -> float | None:
    """The lowest confidence, in steps of 0.01, from which on drafts seem right often enough.

    Every further threshold gets a stricter test, so the present one is kept while it will do.

    Args:
        learned: samples that are not audited.
        present: the threshold that is tried already.
        was_on: whether drafts count from there on now.

    Returns:
        None when there is no such confidence, or when there are too few labels to tell.
    """
    sure = np.array([sample.confidence for sample in learned])
    wrong = np.array([not sample.right for sample in learned], dtype=bool)
    above = sure[None, :] >= _STEPS[:, None]
    n = above.sum(axis=1)
    estimated = ((above & wrong).sum(axis=1) + 0.5) / (n + 1)
    fit = np.flatnonzero(estimated <= MARGIN * limit)
    best = int(fit[0]) if len(fit) else None
    if present is not None:
        at = int(np.searchsorted(_STEPS, present))
        holds = estimated[at] <= limit
        if holds and (was_on or best is None or n[at] / SIMILAR <= n[best] <= n[at] * SIMILAR):
            return present
    return None if best is None else float(_STEPS[best])


def least_labels(limit: float) -> int:
    """So many labels, all right and none of them audited, are enough to choose a threshold."""
    return math.ceil(0.5 / (MARGIN * limit) - 1)


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


def _no_threshold(learned: Sequence[Sample], limit: float) -> str:
    least = least_labels(limit)
    errors = sum(not sample.right for sample in learned)
    if len(learned) < least:
        return f"too few labels to choose a confidence: {len(learned)} of at least {least}"
    return f"drafts are wrong too often at every confidence: {errors} of {len(learned)} in all"


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
