"""Decide for every field whether drafts count without a person, and from which confidence on.

The promise is about a field as a dataset has it: of all its labels, a person's and a machine's, at
most so many are wrong. Nothing but audited images tells it, with a bound that holds at all times: a
draft of an audited image is a loss when it would have counted and is wrong; where it would have
been shown to a person it is none (conformal risk control: Angelopoulos, Bates, Fisch, Lei and
Schuster 2024; here with a bound that holds at all times instead of an expectation).

Several thresholds are tried, from the surest drafts down. They lie at ranks of the confidences of
all audited drafts, judged or not, so that no error has a say in them. The lower a threshold, the
more is lost: the lowest one counts that is shown to be under the limit with all those above it, and
each may use the whole of alpha (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995; with
bounds that hold at all times the promise does so, too).

All drafters of a field are judged together, of each image the surest one. The promise holds for
each field by itself, with 95 %: for all fields together it would need bounds that are stricter.
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

FIRST_SHARE, LEAST_DRAFTS = 0.05, 40
"""Share of the audited drafts, the surest first, that the first threshold takes, and how many it
takes at least."""
STEP = 1.08
"""Each next threshold takes so many times as many audited drafts."""
WORST = 2.5
"""A guard, no promise: of the audited drafts that would count, at most so many times the limit may
have been wrong. Else few drafts could count that are hardly better than a guess."""


@dataclass(frozen=True)
class Verdict:
    """What holds for the drafts of one field."""

    field: str
    family: str
    """The drafter, without its version, or ANY where several speak."""
    is_on: bool
    threshold: float | None
    audited: int
    """Drafts of audited images that a person has judged, since the last drift."""
    errors: int
    """How many of these would count and are wrong."""
    upper_bound: float
    """Of the field's labels at most this share is wrong (95 %)."""
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
        One verdict for every field that people have judged, and for what counts no more.
    """
    with catalog.read() as session:
        samples = gather_samples(session, schema, audit_share=audit_share)
        waiting = waiting_audits(session, schema, audit_share=audit_share)
        history = _history(session)
    groups = _by_field(samples)
    found = _waiting(groups, waiting)
    verdicts = []
    rows = []
    for pair in sorted(groups.keys() | history.keys()):
        before = history.get(pair, [])
        if pair not in groups and before[-1].state == "off":
            continue  # its field is judged under another name now
        verdict = decide_one(
            *pair,
            groups.get(pair, []),
            found.get(pair, ()),
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


def _by_field(samples: Sequence[Sample]) -> dict[tuple[str, str], list[Sample]]:
    """(field, its drafter) → samples; ANY where several speak."""
    fields: dict[str, list[Sample]] = {}
    for sample in samples:
        fields.setdefault(sample.field, []).append(sample)
    found = {}
    for name, ones in fields.items():
        families = {one.family for one in ones}
        found[name, families.pop() if len(families) == 1 else ANY] = ones
    return found


def _waiting(
    groups: Mapping[tuple[str, str], Sequence[Sample]],
    waiting: Mapping[tuple[str, str], Sequence[float]],
) -> dict[tuple[str, str], list[float]]:
    """(field, its drafter or ANY) → confidences of drafts on audited images not judged yet."""
    return {
        (name, family): [
            sure
            for (field, other), ones in waiting.items()
            if field == name and family in (other, ANY)
            for sure in ones
        ]
        for name, family in groups
    }


def decide_one(
    field: str,
    family: str,
    samples: Sequence[Sample],
    waiting: Sequence[float],
    *,
    error_limit: float,
    was_on: bool = False,
) -> Verdict:
    """The verdict on one field.

    Args:
        samples: of this field, in the order in which people judged them.
        waiting: confidences of drafts on audited images that nobody has judged yet.
        was_on: whether its drafts count now.
    """
    audited = [sample for sample in samples if sample.is_audit]
    learned = len(samples) - len(audited)
    sure = sorted([*(sample.confidence for sample in audited), *waiting], reverse=True)
    best: tuple[float, Trial] | None = None
    first: tuple[float, Trial] | None = None
    for threshold in thresholds(sure):
        lost = [one.confidence >= threshold and not one.right for one in audited]
        trial = judge(lost, limit=error_limit)
        first = first or (threshold, trial)
        if not trial.is_on:
            break
        if _is_fair(audited[trial.until_drift :], threshold, error_limit):
            best = threshold, trial
    if first is None:
        return Verdict(
            field, family, False, None, 0, 0, 1.0, error_limit, learned,
            "the drafters of the field are judged together now" if was_on else "no audited draft",
            None, was_on,
        )  # fmt: skip
    threshold, trial = best or first
    needed = samples_needed(trial.audited, trial.errors, error_limit, alpha=trial.alpha)
    unfair = best is None and trial.is_on
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
        reason=UNFAIR if unfair else _reason(trial, error_limit, needed),
        needed=None if unfair else needed,
        switched=(best is not None) != was_on,
    )


def thresholds(sure: Sequence[float]) -> list[float]:
    """Confidences from which on drafts are tried, falling; the last one takes all drafts.

    Args:
        sure: confidences of all audited drafts, falling.
    """
    found: list[float] = []
    rank = max(FIRST_SHARE * len(sure), float(LEAST_DRAFTS))
    while sure and 0.0 not in found:
        threshold = sure[min(round(rank), len(sure)) - 1]
        threshold = 0.0 if threshold == sure[-1] else threshold
        if not found or threshold < found[-1]:
            found.append(threshold)
        rank *= STEP
    return found


def _is_fair(audited: Sequence[Sample], threshold: float, limit: float) -> bool:
    counted = [one.right for one in audited if one.confidence >= threshold]
    return bool(counted) and counted.count(False) <= WORST * limit * len(counted)


@cache
def least_audits(limit: float) -> int:
    """Audited drafts, none of them wrong, that are enough for a field."""
    return samples_needed(0, 0, limit, alpha=alpha_of(0))


UNFAIR = "of its surest drafts too many are wrong, or none was judged yet"


def _reason(trial: Trial, limit: float, needed: int) -> str:
    seen = f"{plural(trial.audited, 'audited draft')}, {trial.errors} of them would count wrongly"
    bound = f"at most {trial.upper_bound:.1%} of the field is wrong (95 %)"
    if trial.is_on:
        return f"{seen}: {bound}, the limit is {limit:.1%}"
    if trial.drifts:
        return (
            "drift: drafts that count became wrong more often than the limit, so they count no "
            f"more; since then {seen}, {needed} more without an error would do"
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
