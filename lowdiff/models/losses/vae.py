"""What an autoencoder is trained to lower: terms by name, each with its weight."""

from collections.abc import Callable, Mapping

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.errors import InputError
from lowdiff.models.losses.critic import Critic
from lowdiff.models.losses.features import FeatureLoss, Lpips, random_features
from lowdiff.models.losses.pixels import bce, edge, gradient, l1, mse, ssim
from lowdiff.models.vae import Vae, kl_per_pixel

ImageLoss = Callable[[Tensor, Tensor], Tensor]

IMAGE_LOSSES: dict[str, Callable[[], ImageLoss]] = {
    "mse": lambda: mse,
    "l1": lambda: l1,
    "bce": lambda: bce,
    "edge": lambda: edge,
    "gradient": lambda: gradient,
    "ssim": lambda: ssim,
    "random": random_features,
    "lpips": Lpips,
}
"""Terms that compare an image with its reconstruction."""
OTHER_TERMS = ("kl", "scale", "self", "adversarial")
"""`kl`: nats per pixel value; `scale`: half-size latents decode to half-size images; `self`:
features of a network of the user's own; `adversarial`: a critic."""


class VaeLoss(nn.Module):
    """The weighted sum of terms.

    Args:
        weights: by name; a weight of 0 turns a term off.
        eye: stages of a network for `self`.
        critic_from: images after which the `adversarial` term counts.

    Attributes:
        critic: trained together with the autoencoder; None without the term `adversarial`.

    Raises:
        InputError: a term is not known, or `self` has no network.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        eye: list[nn.Module] | None = None,
        critic_from: int = 0,
    ) -> None:
        super().__init__()
        self.weights = {name: weight for name, weight in weights.items() if weight}
        unknown = sorted(self.weights.keys() - IMAGE_LOSSES.keys() - set(OTHER_TERMS))
        if unknown or ("self" in self.weights and eye is None):
            raise InputError(
                f"loss {', '.join(unknown) or 'self'}",
                "is not known" if unknown else "needs a network of your own",
                reason="unknown_loss",
                allowed=", ".join(sorted([*IMAGE_LOSSES, *OTHER_TERMS])),
            )
        self.parts = nn.ModuleDict()
        self.plain: dict[str, ImageLoss] = {}
        for name in self.weights.keys() & IMAGE_LOSSES.keys():
            made = IMAGE_LOSSES[name]()
            if isinstance(made, nn.Module):
                self.parts[name] = made
            self.plain[name] = made
        if "self" in self.weights and eye is not None:
            self.parts["self"] = self.plain["self"] = FeatureLoss(eye)
        self.critic = Critic(from_image=critic_from) if "adversarial" in self.weights else None

    def forward(
        self,
        vae: Vae,
        images: Float[Tensor, "b 3 h w"],
        noise: Float[Tensor, "b c y x"],
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Args:
            images: in [-1, 1].
            noise: where in its posterior each latent lies, in deviations.
        """
        mean, log_variance = vae.raw_moments(images)
        spread = (0.5 * log_variance).exp() if vae.variational else 0.0
        latents = mean + noise * spread
        redrawn = vae.raw_decode(latents)[..., : images.shape[-2], : images.shape[-1]]
        total = redrawn.new_zeros(())
        # the order of the terms must not change the sum
        for name in sorted(self.plain):
            total = total + self.weights[name] * self.plain[name](redrawn, images)
        if "kl" in self.weights and vae.variational:
            kl = kl_per_pixel(mean, log_variance, pixel_values=images[0].numel())
            total = total + self.weights["kl"] * kl
        if "scale" in self.weights:
            total = total + self.weights["scale"] * scale_error(vae, latents, images)
        if self.critic is not None:
            verdict = self.critic.weighed(total, redrawn, vae.last_layer())
            total = total + self.weights["adversarial"] * verdict
            total = total + self.critic.own_loss(images, redrawn)
        return total


def scale_error(
    vae: Vae, latents: Float[Tensor, "b c y x"], images: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, ""]:
    """How far half-size latents are from decoding to half-size images: the mean absolute error.

    Latents that pass are easier to learn for a denoiser (Skorokhodov et al. 2025,
    arXiv:2502.14831). Only for autoencoders of any size.
    """
    small = F.avg_pool2d(images, 2)
    redrawn = vae.raw_decode(F.avg_pool2d(latents, 2))
    rows, columns = (
        min(*sides) for sides in zip(redrawn.shape[-2:], small.shape[-2:], strict=True)
    )
    difference: Tensor = redrawn[..., :rows, :columns] - small[..., :rows, :columns]
    return difference.abs().mean()
