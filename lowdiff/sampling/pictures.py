"""Pictures that people bring: read, fitted, and put back around what was painted."""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from lowdiff.errors import InputError

Size = tuple[int, int]
"""Width and height in pixels."""
SMALLEST_PX, LARGEST_PX = 8, 4096


def parse_size(text: str) -> Size:
    """`128x96` (width x height) or `64` (both).

    Raises:
        InputError: it is neither, or a side is out of range.
    """
    parts = text.lower().replace("×", "x").split("x")
    try:
        sides = [int(part) for part in parts]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise InputError(
            f"size {text}", "is no size", reason="bad_size", allowed="such as 64 or 128x96"
        )
    return check_size((sides[0], sides[-1]))


def check_size(size: Size) -> Size:
    """The same size.

    Raises:
        InputError: a side is out of range.
    """
    if not all(SMALLEST_PX <= side <= LARGEST_PX for side in size):
        raise InputError(
            "size", "is out of range", reason="bad_size", found=describe(size),
            allowed=f"{SMALLEST_PX} to {LARGEST_PX} pixels a side",
        )  # fmt: skip
    return size


def describe(size: Size) -> str:
    """As it is written on the command line."""
    return f"{size[0]}x{size[1]}"


def read_picture(path: Path) -> Image.Image:
    """A picture file as RGB, upright; what is transparent becomes white.

    Raises:
        InputError: it is not there or cannot be read.
    """
    picture = _opened(path)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        ground = Image.new("RGBA", coloured.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(ground, coloured)
    return picture.convert("RGB")


def read_mask(path: Path, like: Image.Image) -> Image.Image:
    """A mask file as 0 and 255; white is painted anew, black is kept.

    Raises:
        InputError: it cannot be read, has another size than the picture, or marks nothing.
    """
    mask = _opened(path).convert("L").point(lambda value: 255 if value > 127 else 0)
    if mask.size != like.size:
        raise InputError(
            path, "is a mask of another size than its picture", reason="mask_size",
            found=describe(mask.size), allowed=describe(like.size),
            do="Save it with the width and height of the picture.",
        )  # fmt: skip
    if mask.getextrema() == (0, 0):
        raise InputError(
            path, "marks nothing", reason="empty_mask", found="a black mask",
            do="Paint white what is to be drawn anew.",
        )  # fmt: skip
    return mask


def fitting_size(picture: Image.Image, *, image_px: int, multiple: int) -> Size:
    """The picture's shape at the area of an `image_px` square, sides divisible by `multiple`."""
    width, height = picture.size
    scale = image_px / math.sqrt(width * height)
    sides = [max(multiple, round(side * scale / multiple) * multiple) for side in (width, height)]
    return min(sides[0], LARGEST_PX), min(sides[1], LARGEST_PX)


def to_tensor(picture: Image.Image, size: Size) -> Float[Tensor, "1 3 h w"]:
    """A picture at this size, in [-1, 1]."""
    fitted = picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.asarray(fitted).copy())
    return pixels.permute(2, 0, 1)[None].float() / 127.5 - 1


def to_hole(mask: Image.Image, size: Size, *, factor: int) -> Float[Tensor, "1 1 y x"]:
    """A mask in latent cells: 1 where any pixel of a cell is to be painted."""
    fitted = mask if mask.size == size else mask.resize(size, Image.Resampling.BOX)
    marked = torch.from_numpy((np.asarray(fitted) > 0).astype(np.float32))[None, None]
    below, right = -size[1] % factor, -size[0] % factor
    return F.max_pool2d(F.pad(marked, (0, right, 0, below)), factor)


def put_back(painted: Image.Image, original: Image.Image, mask: Image.Image) -> Image.Image:
    """The painted picture inside the mask and the original, pixel by pixel, outside."""
    fitted = painted
    if painted.size != original.size:
        fitted = painted.resize(original.size, Image.Resampling.LANCZOS)
    return Image.composite(fitted, original, mask)


def to_uint8(images: Float[Tensor, "b 3 h w"]) -> UInt8[Tensor, "b h w 3"]:
    """From [-1, 1] to bytes on the CPU."""
    scaled = ((images.float() + 1) * 127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).cpu()


def to_pictures(images: Float[Tensor, "b 3 h w"]) -> list[Image.Image]:
    """PIL pictures from images in [-1, 1]."""
    return [Image.fromarray(image.contiguous().numpy()) for image in to_uint8(images)]


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            upright: Image.Image = ImageOps.exif_transpose(picture)
            return upright
    except FileNotFoundError as error:
        raise InputError(path, "is not there", reason="no_such_picture") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            path, f"cannot be read as a picture ({error})", reason="unreadable_picture",
            do="Save it as PNG, JPEG or WebP.",
        ) from error  # fmt: skip
