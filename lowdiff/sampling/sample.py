"""From noise, or from a noised picture, to latents; and around what is already there."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.models.objectives.objective import Objective
from lowdiff.models.text import Text
from lowdiff.sampling.guidance import Denoise, Estimate, guided
from lowdiff.sampling.noise import NoiseSource
from lowdiff.sampling.samplers import SAMPLERS, step_deviation
from lowdiff.sampling.settings import Sampling
from lowdiff.sampling.walk import Moment, walk_of

Latents = Float[Tensor, "b c h w"]
NOISE_STREAM = 1 << 62
"""Added to a seed: noise on the way is another stream than the noise that it starts from."""


@dataclass(frozen=True)
class Drawer:
    """A denoiser with what its answers mean and how it is asked.

    Attributes:
        weak: a worse denoiser to be led away from; see `guidance.guided`.
    """

    objective: Objective
    denoiser: Denoise
    how: Sampling
    weak: Denoise | None = None

    def estimate(self, text: Text) -> Estimate:
        """What samplers ask."""
        return guided(self.objective, self.denoiser, text, self.how.lean(), weak=self.weak)

    def walk(self, strength: float) -> list[Moment]:
        """The moments from this share of the way to the data; steps as long as those from noise."""
        steps = max(1, round(self.how.steps * strength))
        return walk_of(self.objective, steps, start=strength, shift=self.how.shift)


@torch.no_grad()
def sample(
    drawer: Drawer,
    text: Text,
    noise: Latents,
    *,
    seeds: Sequence[int],
    source: Latents | None = None,
    strength: float = 1.0,
) -> Latents:
    """Latents from noise; or, with a source, from that picture under so much noise.

    Source of the second: Meng et al. 2022, arXiv:2108.01073 (SDEdit).

    Args:
        text: encoded captions, one row per latent, on the denoiser's device.
        noise: unit noise, there too.
        seeds: of the noise that some samplers add on the way, one per row.
        source: latents to start from.
        strength: share of the way that is walked again, in [0, 1]: 0 returns the source.
    """
    if source is not None and strength == 0:
        return source
    walk = drawer.walk(strength)
    first = walk[0]
    x = noise if source is None else first.alpha * source + first.sigma * noise
    solver = SAMPLERS[drawer.how.sampler].walk
    return solver(drawer.estimate(text), x, walk, noise_on_the_way(seeds), drawer.how.knobs())


@torch.no_grad()
def repaint(
    drawer: Drawer,
    text: Text,
    noise: Latents,
    *,
    seeds: Sequence[int],
    known: Latents,
    hole: Float[Tensor, "b 1 h w"],
    strength: float = 1.0,
    rounds: int = 4,
    jump: int = 2,
) -> Latents:
    """Fill a hole in known latents with a denoiser that was never told of holes.

    After every step what is known is put back, under as much noise as the rest has. Every `jump`
    steps are walked `rounds` times, with noise in between, so that the inside can agree with the
    outside. Source: Lugmayr et al. 2022, arXiv:2201.09865, algorithm 1 and section 4.2. Every step
    stands alone, so samplers with a memory work at their first order here.

    Args:
        known: latents of the whole picture; only those outside the hole count, unless `strength`
            is less than 1.
        hole: 1 where the picture is to be painted, 0 where it is known.
        strength: 1 paints the hole from noise; less keeps something of what is there.
        rounds: 1 jumps never back; the cost grows in proportion.
    """
    walk = drawer.walk(strength)
    estimate, extra = drawer.estimate(text), noise_on_the_way(seeds)
    solver, knobs = SAMPLERS[drawer.how.sampler].walk, drawer.how.knobs()
    x = noise if strength == 1 else walk[0].alpha * known + walk[0].sigma * noise
    for start in range(0, len(walk) - 1, jump):
        part = walk[start : start + jump + 1]
        for again in range(rounds):
            if again:
                x = _noised_again(x, part[-1], part[0], extra)
            for step in range(len(part) - 1):
                now, then = part[step], part[step + 1]
                x = solver(estimate, x, [now, then], extra, knobs)
                x = hole * x + (1 - hole) * _noised(known, then, extra)
    return x


def noise_on_the_way(seeds: Sequence[int]) -> NoiseSource:
    """The noise that belongs to these pictures besides the one that they start from."""
    return NoiseSource([seed + NOISE_STREAM for seed in seeds])


def _noised(data: Latents, at: Moment, noise: NoiseSource) -> Latents:
    return data if at.sigma == 0 else at.alpha * data + at.sigma * noise.like(data)


def _noised_again(x: Latents, at: Moment, back: Moment, noise: NoiseSource) -> Latents:
    """A forward step: as noisy as it was before."""
    return (back.alpha / at.alpha) * x + step_deviation(back, at) * noise.like(x)
