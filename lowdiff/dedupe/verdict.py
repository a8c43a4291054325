"""From evidence to probabilities of near, variant and distinct."""

import math

from lowdiff.dedupe.evidence import Evidence


def probabilities(found: Evidence) -> tuple[float, float]:
    """Probability of near, and of variant; the rest is distinct."""
    near = _logistic(
        6
        - 40 * found.conflict
        - 12 * found.alone_least
        - 5 * found.alone_most
        - 14 * found.outside_least
        - 12 * found.colour_apart
        - 8 * found.lightness_apart
        - 6 * (1 - found.mean_similarity)
    )
    variant = _logistic(-4 + 8 * found.mean_similarity - 8 * found.outside_least)
    return near, (1 - near) * variant


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-max(min(x, 40), -40)))
