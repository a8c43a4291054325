"""The denoiser of an exported run, as diffusers loads models.

This file is copied into the exported folder, with everything of ours that it imports.
"""

from typing import Any

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor

from lowdiff.models.denoisers import build_denoiser
from lowdiff.models.text import Text

Model: Any = ModelMixin  # what they add at run time, their types do not tell
Config: Any = ConfigMixin


class LowdiffDenoiser(Model, Config):  # type: ignore[misc]
    """Maps (x_t, t, text) to a prediction.

    Args:
        arch: the kind of network.
        model: its configuration.
        run: what else a pipeline must know: `objective`, `image_px`, `run_id`, `dataset`.
    """

    config_name = "config.json"

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, arch: str, model: dict[str, Any], run: dict[str, Any]) -> None:
        super().__init__()
        self.network = build_denoiser(arch, model, item="exported model")

    def forward(self, x_t: Tensor, t: Tensor, text: Text) -> Tensor:
        """Predict from noised latents; t is 0 at data and 1 at noise."""
        out: Tensor = self.network(x_t, t, text)
        return out
