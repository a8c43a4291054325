"""The state of labeling in plain sentences and one table."""

from datetime import date

from lowdiff.labels.accept.decide import least_audits
from lowdiff.labels.progress.gains import Gain
from lowdiff.labels.progress.status import GAINS_TOLD, Status


def status_text(status: Status, *, today: date) -> str:
    """What somebody understands who never saw lowdiff."""
    tally = status.tally
    lines = [
        f"Labels of {tally.images:,} images, {_day(today)}",
        "",
        f"  {tally.finished:>8,} are finished: nothing is left for a person to see",
        f"  {tally.to_see:>8,} wait for a person, {tally.audits_to_see:,} of them with all fields "
        "(audit)",
        f"  {tally.ready:>8,} are ready for the next dataset, {tally.unusable:,} are unusable",
        "",
        *_table(status),
        "",
        *pace_sentences(status),
        *(f"Next: {sentence}" for sentence in gain_sentences(status)),
        *(f"Notice: {notice}" for notice in status.notices),
    ]
    return "\n".join(lines)


def pace_sentences(status: Status) -> list[str]:
    """Seconds, hours and the date; or why they cannot be told."""
    pace, ahead = status.pace, status.forecast
    found = []
    if pace.median_s is not None:
        found.append(
            f"A person takes {pace.median_s:.1f} s for an image (median of {pace.images:,}), "
            f"{pace.hours_spent:.1f} h so far without breaks."
        )
    if ahead.images_left == 0:
        return [*found, "Everything is labelled."]
    if ahead.hours_left is not None:
        found.append(
            f"At the present pace ({pace.recent_s:.1f} s) the {ahead.images_left:,} images that "
            f"are left take {ahead.hours_left:.1f} h."
        )
    if ahead.done_on is not None:
        found.append(
            f"With {pace.per_day:,.0f} images a working day, as in the last two weeks, it is done "
            f"on {_day(ahead.done_on)}."
        )
    return [*found, *([f"Forecast: {ahead.caution}."] if ahead.caution else [])]


def gain_sentences(status: Status) -> list[str]:
    """What the next labels would settle, the most first."""
    if status.policy.mode == "confidence":
        return ["drafts count unaudited; set acceptance = audited to know how often they are wrong"]
    if status.gains or not status.tally.to_see:
        return [_gain(gain) for gain in status.gains[:GAINS_TOLD]]
    return [
        f"label on; {least_audits(status.error_limit)} audited labels without an error settle the "
        "drafts of a field"
    ]


def _gain(gain: Gain) -> str:
    what = (
        f"{gain.needed} more audited labels of {gain.field}, if all are right, settle "
        f"{gain.drafts:,} drafts by {gain.family}"
    )
    if gain.is_reachable:
        return what
    return what + f", but only {gain.audits_left} audited images are left: raise audit_share"


def _table(status: Status) -> list[str]:
    width = max(len(name) for name in status.tally.fields) + 2
    lines = [f"  {'':<{width}}{'people':>8}{'accepted':>10}{'open':>8}"]
    for name, numbers in status.tally.fields.items():
        row = f"  {name:<{width}}{numbers.human:>8,}{numbers.accepted:>10,}{numbers.open:>8,}"
        lines.append(f"{row}   {_why(status, name)}".rstrip())
    return lines


def _why(status: Status, name: str) -> str:
    """In a few words, why drafts of a field count or do not; `label accept` tells all."""
    if status.policy.mode == "confidence":
        return ""
    found = []
    for one in status.verdicts:
        if one.field != name:
            continue
        if one.is_on:
            which = f"from confidence {one.threshold:.2f} on" if one.threshold else "all drafts"
            why = f"{which}, at most {one.upper_bound:.1%} of the field wrong"
        elif one.needed is not None:
            why = f"{one.needed} more audited labels"
        else:
            why = one.reason.split(":")[0]
        found.append(f"{one.family}: {why}")
    return "; ".join(found)


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B %Y}"
