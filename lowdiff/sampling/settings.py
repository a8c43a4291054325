"""How pictures are drawn: the values that a person may turn, checked once."""

from dataclasses import dataclass, fields

from lowdiff.errors import InputError
from lowdiff.sampling.guidance import Guidance
from lowdiff.sampling.samplers import SAMPLERS
from lowdiff.sampling.walk import Knobs

RANGES = {
    "steps": (1, 10_000),
    "guidance": (0, 100),
    "guide_from": (0, 1),
    "guide_to": (0, 1),
    "rescale": (0, 1),
    "eta": (0, 1),
    "noise_scale": (0, 10),
    "shift": (0.01, 100),
}
"""What is allowed, both ends included."""


@dataclass(frozen=True)
class Sampling:
    """The settings of a sampler.

    Attributes:
        sampler: a name in `samplers.SAMPLERS`.
        steps: of the sampler; Heun's cost two model calls each.
        guidance, guide_from, guide_to, rescale: see `guidance.Guidance`.
        eta, noise_scale: see `walk.Knobs`.
        shift: of the times; above 1 spends more steps on noise, which larger pictures than those of
            the training want. See `objectives.times.shifted`.

    Raises:
        InputError: a setting is out of range, or there is no such sampler.
    """

    sampler: str = "heun"
    steps: int = 20
    guidance: float = 2.0
    guide_from: float = 0.1
    guide_to: float = 0.9
    rescale: float = 0.0
    eta: float = 0.0
    noise_scale: float = 1.0
    shift: float = 1.0

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise InputError(
                f"sampler {self.sampler}",
                "is not known",
                reason="bad_sampler",
                allowed=", ".join(SAMPLERS),
            )
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(
                    name, "is out of range", reason=f"bad_{name}", found=value,
                    allowed=f"{low:g} to {high:g}",
                )  # fmt: skip

    def lean(self) -> Guidance:
        """How hard the caption is followed."""
        return Guidance(self.guidance, self.guide_from, self.guide_to, self.rescale)

    def knobs(self) -> Knobs:
        """What some samplers let you turn."""
        return Knobs(eta=self.eta, noise_scale=self.noise_scale)

    def origin(self) -> dict[str, object]:
        """What a picture says of its making: sampler, steps, guidance and all that was turned."""
        always = ("sampler", "steps", "guidance")
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name in always or getattr(self, field.name) != field.default
        }


def check_strength(strength: float) -> None:
    """Refuse a strength outside of [0, 1].

    Raises:
        InputError: it is.
    """
    if not 0 <= strength <= 1:
        raise InputError(
            "strength", "is out of range", reason="bad_strength", found=strength, allowed="0 to 1"
        )
