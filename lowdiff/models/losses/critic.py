"""A critic that learns to tell reconstructions from pictures, patch by patch.

Sources: patches, Isola et al. 2017, arXiv:1611.07004; hinge losses and spectral norm, Miyato et al.
2018, arXiv:1802.05957; the weight by the ratio of gradients at the last layer, Esser et al. 2021,
arXiv:2012.09841. One backward pass trains both sides: the critic sees detached reconstructions, and
the autoencoder is judged by a critic whose weights are detached.
"""

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

MOST = 1e3
"""The adversarial term never outweighs the others by more."""


class Critic(nn.Module):
    """A verdict per patch: above 1 is surely a picture, below -1 surely a reconstruction.

    Args:
        from_image: the autoencoder is left alone until it has seen so many images; the critic
            learns from the first.
    """

    seen: Tensor

    def __init__(self, *, channels: int = 32, layers: int = 3, from_image: int = 0) -> None:
        super().__init__()
        sizes = [3, *(channels * min(2**layer, 8) for layer in range(layers))]
        stages: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            stages += [
                spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)),
                nn.LeakyReLU(0.2),
            ]
        self.patches = nn.Sequential(*stages, spectral_norm(nn.Conv2d(sizes[-1], 1, 3, padding=1)))
        self.from_image = from_image
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 y x"]:
        """One verdict per patch."""
        out: Tensor = self.patches(images)
        return out.float()

    def own_loss(
        self, images: Float[Tensor, "b 3 h w"], redrawn: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, ""]:
        """What the critic learns from; 2 for one who knows nothing, 0 for one who is sure."""
        real, fake = self(images), self(redrawn.detach())
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def verdict(self, redrawn: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
        """What the autoencoder is to lower; it teaches the critic nothing."""
        weights = {name: one.detach() for name, one in self.named_parameters()}
        state = {**weights, **dict(self.named_buffers())}
        told: Tensor = functional_call(self, state, (redrawn,))
        return -told.mean()

    def weighed(
        self, rest: Float[Tensor, ""], redrawn: Float[Tensor, "b 3 h w"], last: nn.Parameter
    ) -> Float[Tensor, ""]:
        """The verdict, as steep at the last layer as all other terms together.

        Args:
            rest: all other terms.
            last: the weights that made the pixels.
        """
        verdict = self.verdict(redrawn)
        (by_rest,) = torch.autograd.grad(rest, last, retain_graph=True)
        (by_verdict,) = torch.autograd.grad(verdict, last, retain_graph=True)
        ratio = (by_rest.norm() / (by_verdict.norm() + 1e-6)).clamp(0, MOST).detach()
        due = (self.seen >= self.from_image).float()
        if self.training:
            self.seen += len(redrawn)
        weighed: Tensor = verdict * ratio * due
        return weighed
