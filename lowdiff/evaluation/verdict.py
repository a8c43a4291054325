"""Is a run good enough to take the place of the promoted one?

By default a run is promoted unless it is clearly worse in what every run is measured for. Where the
user names metrics it is promoted only when it beats the present one on each of them, by more than
what may be chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lowdiff.evaluation.metrics import Difference, compare_figure, find_metrics

PROMOTE = "promote"
HOLD = "hold"
NOT_WORSE = ("reconstruction.psnr_db", "denoising.validation", "retrieval.top10")
"""What must not get worse where the user names nothing."""


@dataclass(frozen=True)
class Verdict:
    """`promote` or `hold`, against whom, and why."""

    decision: str
    incumbent: str | None
    """The run that is promoted now; None when there is none."""
    reasons: tuple[str, ...]
    promote_on: tuple[str, ...] = ()
    """The metrics that the user named."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }


def compare(
    candidate: Mapping[str, Any],
    incumbent: Mapping[str, Any] | None,
    *,
    promote_on: Sequence[str] = (),
) -> Verdict:
    """Promote a candidate or hold it.

    Args:
        candidate: its evaluation.
        incumbent: the evaluation of the promoted run on the same dataset version, if there is one.
        promote_on: paths of metrics that the candidate must all beat the incumbent on. Without any,
            a figure of `NOT_WORSE` that only one of them has, or that means something else for
            each (a loss in another latent space), is passed over.

    Raises:
        InputError: a metric is not known.
    """
    metrics = find_metrics(promote_on or NOT_WORSE)
    named = tuple(promote_on)
    if incumbent is None:
        return Verdict(PROMOTE, None, ("no run is promoted yet",), named)
    found = [compare_figure(metric, candidate, incumbent) for metric in metrics]
    passed = [one.outcome == "better" if promote_on else one.outcome != "worse" for one in found]
    reasons = tuple(in_words(one) for one in found)
    decision = PROMOTE if all(passed) else HOLD
    return Verdict(decision, str(incumbent["run_id"]), reasons, named)


def in_words(difference: Difference) -> str:
    """One clause for a person."""
    path = difference.metric.path
    if difference.outcome == "unknown":
        return f"{path} does not count: {difference.why}"
    told = f"{path} went from {difference.old:.4g} to {difference.new:.4g}"
    if difference.outcome == "tie":
        return f"{told}, a tie (within {difference.margin:.3g})"
    return f"{told}, {difference.outcome} by more than {difference.margin:.3g}"
