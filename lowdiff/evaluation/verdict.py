"""Is a run good enough to take the place of the promoted one?"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

PROMOTE = "promote"
HOLD = "hold"


@dataclass(frozen=True)
class Rule:
    """One figure that must not get worse by more than its tolerance."""

    metric: str
    """Path in the evaluation, such as `retrieval.top10`."""
    higher_is_better: bool
    relative_tolerance: float = 0.0
    noise: float = 0.0
    """How much of the difference may be chance: for a share over n images 2 standard errors."""


@dataclass(frozen=True)
class Verdict:
    """`promote` or `hold`, against whom, and why."""

    decision: str
    incumbent: str | None
    """The run that is promoted now; None when there is none."""
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"reasons": list(self.reasons)}


def default_rules(prompts: int) -> list[Rule]:
    """Validation loss within 2 %, the own prompt among ten within two standard errors; PSNR.

    Args:
        prompts: number of prompts that were drawn; few of them make the share coarse.
    """
    two_errors = 2 * (0.25 / max(prompts, 1)) ** 0.5  # at a share of 1/2, where it is largest
    return [
        Rule("reconstruction.psnr_db", higher_is_better=True, noise=0.2),
        Rule("denoising.validation", higher_is_better=False, relative_tolerance=0.02),
        Rule("retrieval.top10", higher_is_better=True, noise=two_errors),
    ]


def compare(
    candidate: Mapping[str, Any],
    incumbent: Mapping[str, Any] | None,
    *,
    rules: Sequence[Rule] | None = None,
) -> Verdict:
    """Promote a candidate unless a rule finds it worse than the incumbent.

    Args:
        candidate: its evaluation.
        incumbent: the evaluation of the promoted run on the same dataset version, if there is one.
        rules: default: `default_rules`. A figure that only one of the two has is passed over.
    """
    if incumbent is None:
        return Verdict(PROMOTE, None, ("no run is promoted yet",))
    rules = (
        rules if rules is not None else default_rules(int(figure(candidate, "retrieval.n") or 0))
    )
    reasons, worse = [], False
    for rule in rules:
        new, old = figure(candidate, rule.metric), figure(incumbent, rule.metric)
        if new is None or old is None:
            reasons.append(f"{rule.metric} is not there for both, so it does not count")
            continue
        loss = (old - new) if rule.higher_is_better else (new - old)
        allowed = abs(old) * rule.relative_tolerance + rule.noise
        is_worse = loss > allowed
        worse |= is_worse
        reasons.append(
            f"{rule.metric} went from {old:.4g} to {new:.4g}, "
            + (f"worse by more than {allowed:.3g}" if is_worse else f"within {allowed:.3g}")
        )
    return Verdict(HOLD if worse else PROMOTE, str(incumbent["run_id"]), tuple(reasons))


def figure(evaluation: Mapping[str, Any], path: str) -> float | None:
    """The number at a dotted path; None when there is none."""
    value: Any = evaluation
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return float(value) if isinstance(value, int | float) else None
