"""How far two pictures are apart for a network that looks at them, instead of pixel by pixel."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.errors import ContractError

RANDOM_SEED = 20230711
LPIPS_WEIGHTS = "squeezenet1_1-b8a52dc0.pth"


class FeatureLoss(nn.Module):
    """Mean absolute difference of normalised features, averaged over the stages of a network.

    As LPIPS (Zhang et al. 2018, arXiv:1801.03924), without learned weights per channel: each cell's
    features are brought to unit length, so loud channels of one picture do not drown another's.

    Args:
        stages: parts of a network for images in [-1, 1], one after the other; frozen here.
    """

    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages).eval().requires_grad_(False)

    def forward(
        self, prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, ""]:
        """0 for pictures that the network cannot tell apart."""
        first, second = prediction, target
        total = prediction.new_zeros(())
        for stage in self.stages:
            first = stage(first)
            with torch.no_grad():
                second = stage(second)
            difference = F.normalize(first.float(), dim=1) - F.normalize(second.float(), dim=1)
            total = total + difference.abs().sum(1).mean() / first.shape[1] ** 0.5
        return total / len(self.stages)


def random_features(*, channels: Sequence[int] = (16, 32, 64)) -> FeatureLoss:
    """The look of a network that was never trained, always the same one.

    Random weights of the right scale serve as a perceptual loss for restoration (Liu et al. 2021,
    arXiv:2108.01932); whether they help here, `benchmarks/vae.py` shows.
    """
    generator = torch.Generator().manual_seed(RANDOM_SEED)
    stages: list[nn.Module] = []
    before = 3
    for number, after in enumerate(channels):
        conv = nn.Conv2d(before, after, 3, stride=1 if number == 0 else 2, padding=1)
        with torch.no_grad():
            conv.weight.normal_(std=(2 / (9 * before)) ** 0.5, generator=generator)
            conv.bias.zero_()  # type: ignore[union-attr]
        stages.append(nn.Sequential(conv, nn.LeakyReLU(0.2)))
        before = after
    return FeatureLoss(stages)


class Lpips(nn.Module):
    """LPIPS in torchmetrics' form (SqueezeNet), with its gradient; nothing is downloaded for it.

    Raises:
        ContractError: torchmetrics or torchvision is missing, or the weights are not in torch's
            cache.
    """

    def __init__(self) -> None:
        super().__init__()
        missing = [name for name in ("torchmetrics", "torchvision") if find_spec(name) is None]
        path = Path(torch.hub.get_dir()) / "checkpoints" / LPIPS_WEIGHTS
        if missing or not path.is_file():
            raise ContractError(
                "loss lpips",
                "cannot be computed here",
                reason="lpips_missing",
                found=f"no {' and '.join(missing)}" if missing else f"no weights at {path}",
                do="Install them, or use the loss `random`, which needs nothing.",
            )
        from torchmetrics.functional.image.lpips import _NoTrainLpips

        self.net: Any = _NoTrainLpips(net="squeeze").requires_grad_(False)

    def forward(
        self, prediction: Float[Tensor, "b 3 h w"], target: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, ""]:
        """Their mean distance."""
        out: Tensor = self.net(prediction.float(), target.float()).mean()
        return out
