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


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """The seed of everything random in a step: a run resumes anywhere without keeping a state.

    Args:
        rank: of the process, for what every process draws for itself (dropout).
    """
    text = f"{seed}:{step}" if rank == 0 else f"{seed}:{step}:{rank}"
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
