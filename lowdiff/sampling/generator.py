"""Prompts in, pictures out: from noise, from a picture, into a hole, between two prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from lowdiff.errors import InputError
from lowdiff.models.denoiser import Denoiser
from lowdiff.models.encoders import TextEncoder
from lowdiff.models.objectives.objective import Objective
from lowdiff.models.text import Text
from lowdiff.models.vae import Vae
from lowdiff.sampling.batches import in_batches
from lowdiff.sampling.device import Accelerator
from lowdiff.sampling.guidance import Denoise, between, with_extra
from lowdiff.sampling.noise import noise_of, slerp
from lowdiff.sampling.pictures import (
    Size,
    check_size,
    fitting_size,
    put_back,
    to_hole,
    to_pictures,
    to_tensor,
)
from lowdiff.sampling.sample import Drawer, repaint, sample
from lowdiff.sampling.settings import Sampling, check_strength

Latents = Float[Tensor, "b c h w"]
Paint = Callable[[Text, Latents, slice], Latents]
"""Latents from encoded captions and unit noise, for some rows of what was asked."""
Advance = Callable[[int], None]
BATCH = 32


@dataclass(frozen=True)
class Generator:
    """A trained denoiser with the autoencoder and the text encoder that it was trained with.

    Attributes:
        run_id: the denoiser's run.
        dataset_digest: the dataset version that it saw.
        image_px: side of the pictures that it saw.
        objective: what its answers mean.
        weak: an earlier snapshot of it, for autoguidance.
        told_of_holes: True when it was trained to fill holes: it is given, after the latents, the
            hole and what is around it.
    """

    run_id: str
    dataset_digest: str
    image_px: int
    unet: Denoiser
    vae: Vae
    encoder: TextEncoder
    accelerator: Accelerator
    objective: Objective
    weak: Denoiser | None = None
    told_of_holes: bool = False

    def generate(
        self,
        prompts: Sequence[str],
        *,
        seeds: Sequence[int],
        how: Sampling | None = None,
        size_px: int | Size | None = None,
        batch_size: int = BATCH,
        advance: Advance | None = None,
    ) -> list[Image.Image]:
        """Draw one picture per prompt.

        Args:
            seeds: one per prompt; the same prompt, seed and settings give the same picture.
            size_px: side, or width and height, of the pictures; default: the training size.
            advance: told the number of pictures after each batch.

        Returns:
            RGB pictures, in the order of the prompts.

        Raises:
            InputError: prompts and seeds are not of one number, or the size is out of range.
            ServiceError: there is not enough memory for a quarter of a batch.
        """
        size = self._size(size_px)

        def paint(text: Text, noise: Latents, rows: slice) -> Latents:
            return sample(self._drawer(how, like=noise), text, noise, seeds=seeds[rows])

        return self._draw(prompts, seeds, size, paint, batch_size=batch_size, advance=advance)

    def edit(
        self,
        picture: Image.Image,
        prompts: Sequence[str],
        *,
        seeds: Sequence[int],
        strength: float = 0.6,
        how: Sampling | None = None,
        size_px: int | Size | None = None,
        batch_size: int = BATCH,
        advance: Advance | None = None,
    ) -> list[Image.Image]:
        """Draw a picture again under a prompt, once per prompt; with "" it is varied.

        Args:
            strength: how much of it is noise when drawing begins, in [0, 1]: 0 returns what the
                autoencoder makes of it, 1 keeps nothing.
            size_px: width and height to work at and to return; default: the picture's shape at the
                area that the model was trained at.

        Raises:
            InputError, ServiceError: as `generate`; or the strength is out of range.
        """
        check_strength(strength)
        size = self._size_for(picture, size_px)
        source = self.encode(picture, size)

        def paint(text: Text, noise: Latents, rows: slice) -> Latents:
            origin = source.expand(len(noise), -1, -1, -1)
            drawer = self._drawer(how, like=noise)
            return sample(drawer, text, noise, seeds=seeds[rows], source=origin, strength=strength)

        return self._draw(prompts, seeds, size, paint, batch_size=batch_size, advance=advance)

    def inpaint(
        self,
        picture: Image.Image,
        mask: Image.Image,
        prompts: Sequence[str],
        *,
        seeds: Sequence[int],
        strength: float = 1.0,
        rounds: int = 4,
        how: Sampling | None = None,
        size_px: int | Size | None = None,
        batch_size: int = BATCH,
        advance: Advance | None = None,
    ) -> list[Image.Image]:
        """Paint the white part of the mask anew, once per prompt; every other pixel stays.

        Args:
            mask: 0 and 255, of the picture's size.
            strength: 1 paints from noise, less keeps something of what is there.
            rounds: how often each part of the way is walked so that the inside agrees with the
                outside; see `sample.repaint`. A model that was told of holes needs one only.
            size_px: width and height to work at; default: as `edit`. The result has the picture's
                own size.

        Raises:
            InputError, ServiceError: as `edit`; or the strength is 0.
        """
        check_strength(strength)
        size = self._size_for(picture, size_px)
        known = self.encode(picture, size)
        hole = to_hole(mask, size, factor=self.vae.config.factor).to(self.accelerator.device)

        def paint(text: Text, noise: Latents, rows: slice) -> Latents:
            around = known.expand(len(noise), -1, -1, -1)
            inside = hole.expand(len(noise), -1, -1, -1)
            drawer = self._drawer(how, like=noise, known=around, hole=inside)
            return repaint(
                drawer, text, noise, seeds=seeds[rows], known=around, hole=inside,
                strength=strength, rounds=1 if self.told_of_holes else rounds,
            )  # fmt: skip

        painted = self._draw(prompts, seeds, size, paint, batch_size=batch_size, advance=advance)
        return [put_back(one, picture, mask) for one in painted]

    def interpolate(
        self,
        prompts: tuple[str, str],
        *,
        seeds: tuple[int, int],
        frames: int,
        how: Sampling | None = None,
        size_px: int | Size | None = None,
        batch_size: int = BATCH,
        advance: Advance | None = None,
    ) -> list[Image.Image]:
        """Walk from one prompt and seed to another: `frames` pictures, both ends among them.

        The noise goes along the sphere, the captions as a mixture of what the model says of each.

        Raises:
            InputError, ServiceError: as `generate`; or fewer than two frames are asked.
        """
        if frames < 2:
            raise InputError("frames", "are too few", reason="bad_frames", found=frames,
                             allowed="2 or more")  # fmt: skip
        size = self._size(size_px)
        device = self.accelerator.device
        shares = torch.linspace(0, 1, frames)
        first, last = noise_of(seeds, self.latent_shape(size))
        path = torch.stack([slerp(first, last, float(share)) for share in shares])

        def paint(text: Text, _noise: Latents, rows: slice) -> Latents:
            noise, share = path[rows].to(device), shares[rows].to(device)
            other, _ = self.encoder.encode([prompts[1]] * len(noise))
            drawer = self._drawer(how, like=noise)
            mixed = replace(drawer, denoiser=between(drawer.denoiser, other.to(device), share))
            return sample(mixed, text, noise, seeds=[seeds[0]] * len(noise))

        return self._draw(
            [prompts[0]] * frames, [seeds[0]] * frames, size, paint, batch_size=batch_size,
            advance=advance,
        )  # fmt: skip

    def plain(self, like: Latents) -> Denoise:
        """The denoiser for latents of this shape, told of no hole and no augmentation."""
        return self._told(self.unet, like, None, None)

    def too_long(self, prompts: Sequence[str]) -> list[str]:
        """The prompts of which the text encoder reads only the beginning."""
        distinct = list(dict.fromkeys(prompts))
        _, cut = self.encoder.encode(distinct)
        return [prompt for prompt, is_cut in zip(distinct, cut, strict=True) if is_cut]

    def latent_shape(self, size: Size) -> tuple[int, int, int]:
        """Channels, height and width of the latents of a picture."""
        rows, columns = self.vae.latent_size(size[1], size[0])
        return self.vae.config.latent_channels, rows, columns

    @torch.no_grad()
    def encode(self, picture: Image.Image, size: Size) -> Float[Tensor, "1 c h w"]:
        """The latents of a picture at this size."""
        with self.accelerator.autocast():
            images = to_tensor(picture, size).to(self.accelerator.device)
            return self.vae.encode(images).float()

    @torch.no_grad()
    def decode(self, latents: Latents, size: Size) -> Float[Tensor, "b 3 y x"]:
        """Pictures in [-1, 1] from latents."""
        with self.accelerator.autocast():
            return self.vae.decode(latents, size_px=(size[1], size[0]))

    def _draw(
        self, prompts: Sequence[str], seeds: Sequence[int], size: Size, paint: Paint, *,
        batch_size: int, advance: Advance | None,
    ) -> list[Image.Image]:  # fmt: skip
        """Encode captions, draw noise, paint and decode, batch by batch."""
        if len(prompts) != len(seeds):
            raise InputError(
                "prompts", "need one seed each", reason="seeds_mismatch",
                found=f"{len(seeds)} seeds", allowed=f"{len(prompts)} seeds",
            )  # fmt: skip
        device = self.accelerator.device

        def draw(rows: slice) -> list[Image.Image]:
            text, _ = self.encoder.encode(prompts[rows])
            noise = noise_of(seeds[rows], self.latent_shape(size)).to(device)
            with torch.no_grad(), self.accelerator.autocast():
                latents = paint(text.to(device), noise, rows)
            return to_pictures(self.decode(latents, size))

        return in_batches(len(prompts), batch_size, draw, advance=advance)

    def _drawer(
        self, how: Sampling | None, *, like: Latents, known: Latents | None = None,
        hole: Float[Tensor, "b 1 h w"] | None = None,
    ) -> Drawer:  # fmt: skip
        """The denoiser as it is to be asked, with its extra channels filled."""
        told = self._told
        return Drawer(
            self.objective,
            told(self.unet, like, known, hole),
            how or Sampling(),
            None if self.weak is None else told(self.weak, like, known, hole),
        )

    def _told(
        self, unet: Denoiser, like: Latents, known: Latents | None,
        hole: Float[Tensor, "b 1 h w"] | None,
    ) -> Denoise:  # fmt: skip
        count = int(getattr(unet.config, "extra_channels", 0))
        if not count:
            return unet
        extra = torch.zeros(len(like), count, *like.shape[-2:], device=like.device)
        if self.told_of_holes:
            nothing = torch.ones_like(like[:, :1])
            inside = nothing if hole is None else hole
            extra[:, :1] = inside
            if known is not None:
                extra[:, 1 : 1 + like.shape[1]] = known * (1 - inside)
        return with_extra(unet, extra)

    def _size(self, size_px: int | Size | None) -> Size:
        if size_px is None:
            return self.image_px, self.image_px
        return check_size((size_px, size_px) if isinstance(size_px, int) else size_px)

    def _size_for(self, picture: Image.Image, size_px: int | Size | None) -> Size:
        if size_px is not None:
            return self._size(size_px)
        return fitting_size(picture, image_px=self.image_px, multiple=self.vae.config.factor)
