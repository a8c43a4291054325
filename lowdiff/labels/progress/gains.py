"""What the next hour of labeling would gain most from."""

from collections.abc import Sequence
from dataclasses import dataclass

from lowdiff.labels.accept.decide import Verdict
from lowdiff.labels.accept.evidence import ANY
from lowdiff.labels.progress.tally import Tally


@dataclass(frozen=True)
class Gain:
    """Audited labels that are missing until drafts of a field count without a person."""

    field: str
    family: str
    threshold: float
    needed: int
    """Audited labels without an error."""
    drafts: int
    """Drafts, not audited ones, that would then not be shown any more."""
    audits_left: int
    """Audited images of which no person has said the field yet."""

    @property
    def is_reachable(self) -> bool:
        """False when there are not enough audited images: the share would have to grow."""
        return self.needed <= self.audits_left


def next_gains(verdicts: Sequence[Verdict], tally: Tally) -> list[Gain]:
    """Everything that is not accepted but could be, the most settled drafts a label first."""
    gains = []
    for verdict in verdicts:
        if verdict.is_on or verdict.needed is None or verdict.threshold is None:
            continue
        least = round(100 * verdict.threshold)
        drafts = sum(
            number
            for (name, family), steps in tally.waiting.items()
            if name == verdict.field and verdict.family in (family, ANY)
            for step, number in steps.items()
            if step >= least
        )
        if drafts:
            gains.append(
                Gain(
                    verdict.field,
                    verdict.family,
                    verdict.threshold,
                    verdict.needed,
                    drafts,
                    tally.audit_left[verdict.field],
                )
            )
    return sorted(
        gains, key=lambda gain: (not gain.is_reachable, -gain.drafts / max(1, gain.needed))
    )
