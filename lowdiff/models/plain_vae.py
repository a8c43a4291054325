"""The convolutional autoencoder without the Gaussian: it says a latent, not how sure it is."""

from jaxtyping import Float
from torch import Tensor, nn

from lowdiff.models.vae import MIN_LOG_VARIANCE, Vae, VaeConfig


class PlainAutoencoder(Vae):
    """A point per image: no noise on the way, no KL term; the baseline of the variational one."""

    variational = False

    def __init__(self, config: VaeConfig) -> None:
        super().__init__(config)
        assert isinstance(self.encoder, nn.Sequential)
        head = self.encoder[-1]
        assert isinstance(head, nn.Conv2d)
        self.encoder[-1] = nn.Conv2d(head.in_channels, config.latent_channels, 3, padding=1)

    def raw_moments(
        self, images: Float[Tensor, "b 3 h w"]
    ) -> tuple[Float[Tensor, "b c y x"], Float[Tensor, "b c y x"]]:
        """The latent, and the log-variance of one who is certain."""
        mean: Tensor = self.encoder(self.padded(images)).float()
        return mean, mean.new_full(mean.shape, MIN_LOG_VARIANCE)
