"""The autoencoder of an exported run, as diffusers loads models.

This file is copied into the exported folder, with everything of ours that it imports.
"""

from typing import Any

from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor

from lowdiff.models.autoencoders import build_autoencoder

Model: Any = ModelMixin  # what they add at run time, their types do not tell
Config: Any = ConfigMixin


class LowdiffAutoencoder(Model, Config):  # type: ignore[misc]
    """Images in [-1, 1] to latents of unit scale, and back.

    Args:
        arch: the kind of network.
        model: its configuration.
    """

    config_name = "config.json"

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, arch: str, model: dict[str, Any]) -> None:
        super().__init__()
        self.network = build_autoencoder(arch, model, item="exported model")

    def encode(self, images: Tensor) -> Tensor:
        """Latents of images."""
        return self.network.encode(images)

    def decode(self, latents: Tensor, *, size_px: tuple[int, int] | None = None) -> Tensor:
        """Images from latents; (height, width) cuts what `encode` padded."""
        return self.network.decode(latents, size_px=size_px)
