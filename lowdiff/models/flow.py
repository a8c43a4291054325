"""Flow matching: the straight path from data to noise, and the velocity along it.

Convention: t = 0 is data, t = 1 is noise; x_t = (1 - t) * x_0 + t * noise, and the velocity is
noise - x_0. At t = 1 nothing of the data is left (zero terminal signal), so plain white grounds
can be drawn honestly.
Sources: Lipman et al. 2023, arXiv:2210.02747 (their t runs the other way); logit-normal times from
Esser et al. 2024, arXiv:2403.03206, section 3.1.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class FlowMatching:
    """An objective: which times are practised, how data is noised and what is predicted.

    Attributes:
        time_mean: mean of logit(t); above 0 practises the noisy end more.
        time_std: deviation of logit(t).
    """

    time_mean: float = 0.0
    time_std: float = 1.0

    def times(self, count: int, generator: torch.Generator) -> Float[Tensor, " count"]:
        """Draw times in (0, 1), stratified: one from each of `count` equally likely slices.

        Stratification keeps each time's distribution and lowers the variance of the mean loss.
        """
        device = generator.device
        jitter = torch.rand(count, generator=generator, device=device, dtype=torch.float64)
        uniform = (torch.arange(count, device=device) + jitter) / count
        normal = torch.special.ndtri(uniform.clamp(1e-9, 1 - 1e-9))
        return torch.sigmoid(self.time_mean + self.time_std * normal).float()

    def noised(
        self,
        data: Float[Tensor, "b c h w"],
        noise: Float[Tensor, "b c h w"],
        t: Float[Tensor, " b"],
    ) -> Float[Tensor, "b c h w"]:
        """The point of the path from data to noise at each row's time."""
        at = t[:, None, None, None]
        return (1 - at) * data + at * noise

    def target(
        self, data: Float[Tensor, "b c h w"], noise: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """The velocity, the same at every time of a path."""
        return noise - data

    def losses(
        self,
        prediction: Float[Tensor, "b c h w"],
        data: Float[Tensor, "b c h w"],
        noise: Float[Tensor, "b c h w"],
    ) -> Float[Tensor, " b"]:
        """Mean squared error of the velocity, per row."""
        error = prediction.float() - self.target(data, noise)
        return error.square().mean(dim=(1, 2, 3))


OBJECTIVES = {"flow": FlowMatching}
"""Every objective by its name in a run's config."""
