"""The learning rate over a run, and the seed of each step."""

import hashlib

from lowdiff.models.presets import TrainConfig


def learning_rate(step: int, *, steps: int, plan: TrainConfig) -> float:
    """Warm up, hold, cool down linearly; the last step is nearly zero.

    Source: warm-up, stable, decay as in Hu et al. 2024, arXiv:2404.06395, section 4.

    Args:
        step: 0 for the first.
    """
    warmup = max(1.0, plan.warmup_share * steps)
    cooldown = max(1.0, plan.cooldown_share * steps)
    return plan.learning_rate * min(1.0, (step + 1) / warmup, (steps - step) / cooldown)


def step_seed(seed: int, step: int) -> int:
    """The seed of everything random in a step: a run resumes anywhere without keeping a state."""
    digest = hashlib.sha256(f"{seed}:{step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
