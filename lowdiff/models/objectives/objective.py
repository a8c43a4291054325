"""An objective by its name: what is noised, what is predicted, what counts."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lowdiff.errors import ContractError, InputError
from lowdiff.models.objectives.paths import Path, make_path
from lowdiff.models.objectives.predictions import PREDICTIONS, Ends, split_of, target_of
from lowdiff.models.objectives.times import TIMES, quantiles, shifted, snapped
from lowdiff.models.objectives.weights import WEIGHTS, weights_of

Latents = Float[Tensor, "b c h w"]
Times = Float[Tensor, " b"]


@dataclass(frozen=True)
class ObjectiveConfig:
    """An objective in plain values; the run folder holds it as JSON.

    Attributes:
        path: a name in `paths.CONTINUOUS` or `paths.TABLES`.
        prediction: a name in `predictions.PREDICTIONS`.
        weight: a name in `weights.WEIGHTS`.
        times: a name in `times.TIMES`.
        time_mean: of logit(t) or log(sigma / alpha); above 0 practises the noisy end more.
        time_std: its deviation.
        shift: factor of sigma / alpha at practised and sampled times; see `times.shifted`.
        stratified: draw the times of a batch evenly.
        steps: rows of a table path.
        zero_snr: shift a table path so that it ends in pure noise.
        gamma: of the min-SNR weights.
    """

    path: str = "flow"
    prediction: str = "velocity"
    weight: str = "uniform"
    times: str = "logit-normal"
    time_mean: float = 0.0
    time_std: float = 1.0
    shift: float = 1.0
    stratified: bool = True
    steps: int = 1000
    zero_snr: bool = False
    gamma: float = 5.0

    def __post_init__(self) -> None:
        for what, known in (("prediction", PREDICTIONS), ("weight", WEIGHTS), ("times", TIMES)):
            if getattr(self, what) not in known:
                raise ValueError(f"{what} {getattr(self, what)} is not one of {', '.join(known)}")
        if self.shift <= 0 or self.time_std < 0 or self.gamma <= 0:
            raise ValueError("shift and gamma must be above 0 and time_std not below")
        path = make_path(self.path, steps=self.steps, zero_snr=self.zero_snr)
        if self.prediction == "eps" and float(path.at(torch.ones(1))[0]) == 0:
            raise ValueError(
                "eps says nothing where no data is left: on a path that ends in pure noise predict "
                "v, velocity or x0"
            )


@dataclass(frozen=True)
class Objective:
    """The arithmetic of an `ObjectiveConfig`; pure functions of tensors."""

    config: ObjectiveConfig

    @cached_property
    def path(self) -> Path:
        """The path of the config."""
        return make_path(self.config.path, steps=self.config.steps, zero_snr=self.config.zero_snr)

    def times(self, count: int, generator: torch.Generator) -> Float[Tensor, " count"]:
        """Draw times to practise, in [0, 1], on the generator's device."""
        config = self.config
        part = quantiles(count, generator, stratified=config.stratified)
        t = TIMES[config.times](part, self.path, config.time_mean, config.time_std)
        return snapped(shifted(t, self.path, config.shift), self.path.levels).float()

    def noised(self, data: Latents, noise: Latents, t: Times) -> Latents:
        """The point of the path from data to noise at each row's time."""
        alpha, sigma = self._amounts(t)
        return alpha * data + sigma * noise

    def target(self, data: Latents, noise: Latents, t: Times) -> Latents:
        """What a perfect denoiser would predict."""
        return target_of(self.config.prediction, data, noise, *self._amounts(t))

    def losses(
        self, prediction: Latents, data: Latents, noise: Latents, t: Times
    ) -> Float[Tensor, " b"]:
        """Weighted mean squared error of the prediction, per row."""
        error = prediction.float() - self.target(data, noise, t)
        plain = error.square().mean(dim=(1, 2, 3))
        config = self.config
        weights = weights_of(config.weight, config.prediction, *self.path.at(t), config.gamma)
        return plain if weights is None else weights * plain

    def split(self, prediction: Latents, x_t: Latents, t: Times) -> Ends:
        """Data and noise as the prediction has them; t is not 0."""
        return split_of(self.config.prediction, prediction, x_t, *self._amounts(t))

    def velocity(self, prediction: Latents, x_t: Latents, t: Times) -> Latents:
        """Noise less data, as the prediction has them; t is not 0."""
        x0, noise = self.split(prediction, x_t, t)
        return noise - x0

    def _amounts(self, t: Times) -> tuple[Tensor, Tensor]:
        alpha, sigma = self.path.at(t)
        return alpha[:, None, None, None], sigma[:, None, None, None]


OBJECTIVES: dict[str, ObjectiveConfig] = {
    "flow": ObjectiveConfig(),
    "story": ObjectiveConfig(
        path="course", prediction="eps", times="uniform", stratified=False, steps=500
    ),
    "eps-linear": ObjectiveConfig(path="linear", prediction="eps", times="uniform"),
    "eps-scaled-linear": ObjectiveConfig(
        path="scaled-linear", prediction="eps", weight="min-snr", times="uniform"
    ),
    "v-zero-snr": ObjectiveConfig(
        path="scaled-linear", prediction="v", times="uniform", zero_snr=True
    ),
    "x0-cosine": ObjectiveConfig(path="cosine", prediction="x0", weight="min-snr", times="uniform"),
    "edm": ObjectiveConfig(
        path="edm", prediction="v", weight="edm", times="log-normal", time_mean=-0.5, time_std=1.2
    ),
}
"""Every objective by its name.

`flow`, the default: straight path, velocity, logit-normal times. `story`: the noise on the linear
schedule of 500 steps, drawn one by one, as small courses teach it. `edm`: see `paths.EdmPath`.
"""


def find_objective(name: str) -> ObjectiveConfig:
    """The objective of this name.

    Raises:
        InputError: there is none.
    """
    if name not in OBJECTIVES:
        raise InputError(
            f"objective {name}",
            "is not known",
            reason="unknown_objective",
            allowed=", ".join(OBJECTIVES),
        )
    return OBJECTIVES[name]


def objective_of_run(config: Mapping[str, Any], *, item: object = "the run") -> Objective:
    """The objective that a run's `config.json` tells; old runs tell a name and two numbers.

    Raises:
        ContractError: another version of lowdiff wrote it.
    """
    told = config.get("objective", "flow")
    try:
        if isinstance(told, str):
            spread = {k: config[k] for k in ("time_mean", "time_std") if k in config}
            return Objective(replace(OBJECTIVES[told], **spread))
        return Objective(ObjectiveConfig(**told))
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(
            item,
            f"its objective is not one of this version of lowdiff ({error})",
            reason="other_objective",
            found=told,
            allowed=", ".join([*OBJECTIVES, *(field.name for field in fields(ObjectiveConfig))]),
            do="Use the version of lowdiff that trained it, or train it anew.",
        ) from error
