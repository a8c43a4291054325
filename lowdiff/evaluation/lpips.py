"""LPIPS where its weights are at hand; nothing is ever downloaded for it.

Source: Zhang et al. 2018, arXiv:1801.03924, in torchmetrics' form (SqueezeNet). The linear heads
ship with torchmetrics; the net is torchvision's and must lie in torch's cache.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch

from lowdiff.evaluation.pixels import Pixels, to_unit

WEIGHTS = "squeezenet1_1-b8a52dc0.pth"
CHUNK = 32

Lpips = Callable[[Pixels, Pixels], float]


def open_lpips() -> Lpips | str:
    """The mean distance of pairs, 0 for equal ones; or a sentence on why there is none."""
    missing = [name for name in ("torchmetrics", "torchvision") if find_spec(name) is None]
    if missing:
        return f"{' and '.join(missing)} not installed (pip install 'lowdiff[eval]')"
    try:
        import_module("torchvision")
    except (ImportError, RuntimeError) as error:  # it was built for another torch
        return f"torchvision cannot be imported ({error})"
    path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not path.is_file():
        return f"no weights at {path}"
    return _measure


@torch.no_grad()
def _measure(first: Pixels, second: Pixels) -> float:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    metric = LearnedPerceptualImagePatchSimilarity(net_type="squeeze")
    for at in range(0, len(first), CHUNK):
        metric.update(to_unit(first[at : at + CHUNK]), to_unit(second[at : at + CHUNK]))
    return float(metric.compute())
