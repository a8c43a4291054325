"""What is remembered of an image to find and judge its near-duplicates without decoding it again.

A fingerprint holds a small picture (for the comparison), corner features (ORB: Rublee et al.
2011, "ORB: an efficient alternative to SIFT or SURF") to align two pictures, and the views by
which candidates are found (`lowdiff.dedupe.views`). About 10 kB, at most some 20 kB.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lowdiff.dedupe.trim import content_box
from lowdiff.dedupe.views import VIEWS_SHAPE, views_of

METHOD_VERSION = "twins/2"
"""Changes whenever fingerprints or verdicts of old and new code must not be mixed."""

AREA_PX = 256 * 256
"""The small picture has about this many pixels, whatever its aspect."""
LONGEST_PX = 640
SHORTEST_PX = 8
MAX_ENLARGEMENT = 4.0
CORNERS = 150
_HEAD = struct.Struct("<4sIIHHHBBHI")
_MAGIC = b"twn1"
_LIGHT = 236
"""A drawing whose opaque pixels are lighter than this would vanish on a white ground."""

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """A small picture of an image, its corners and its views."""

    width_px: int
    """Of the original image."""
    height_px: int
    picture: bytes
    """The small picture: lossy WebP, with alpha when the image has some."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the content inside plain borders, in pixels of `rgb`."""
    corners: NDArray[np.float16]
    """Positions (n, 2) of ORB corners in pixels of `rgb`."""
    descriptors: NDArray[np.uint8]
    """ORB descriptors (n, 32)."""
    views: NDArray[np.int8]
    """One descriptor of coarse shape and colour a view, see `lowdiff.dedupe.views`."""

    @cached_property
    def rgba(self) -> NDArray[np.uint8]:
        """The small picture at its working size, with alpha."""
        with Image.open(io.BytesIO(self.picture)) as opened:
            image = opened.convert("RGBA")
        size = _working_size(*image.size)
        if size != image.size:
            image = image.resize(size, Image.Resampling.BICUBIC)
        return np.asarray(image)

    @cached_property
    def has_alpha(self) -> bool:
        """Whether parts of the picture are transparent."""
        return bool(self.rgba[..., 3].min() < 250)

    @cached_property
    def rgb(self) -> Rgb:
        """The small picture over the ground that suits it."""
        return over(self.rgba, own_ground(self.rgba))

    @cached_property
    def key(self) -> bytes:
        """Orders two fingerprints, so that comparing them does not depend on who comes first."""
        return struct.pack("<II", self.width_px, self.height_px) + self.picture

    def to_bytes(self) -> bytes:
        """Pack for storage; `from_bytes` gives the same fingerprint back."""
        head = _HEAD.pack(
            _MAGIC,
            self.width_px,
            self.height_px,
            *self.box[:2],
            len(self.corners),
            0,
            0,
            0,
            len(self.picture),
        )
        rest = struct.pack("<HH", *self.box[2:])
        body = (
            self.corners.astype("<f2").tobytes()
            + self.descriptors.tobytes()
            + zlib.compress(self.views.tobytes(), 6)
        )
        return head + rest + self.picture + body

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Fingerprint":
        """Unpack what `to_bytes` made.

        Raises:
            ValueError: these bytes are no fingerprint of this version.
        """
        try:
            magic, width, height, left, top, n, _a, _b, _c, size = _HEAD.unpack_from(packed)
            if magic != _MAGIC:
                raise ValueError(f"no fingerprint of this version: it starts with {magic!r}")
            right, bottom = struct.unpack_from("<HH", packed, _HEAD.size)
            at = _HEAD.size + 4
            picture, at = packed[at : at + size], at + size
            corners = np.frombuffer(packed, "<f2", 2 * n, at).reshape(n, 2).astype(np.float16)
            at += 4 * n
            descriptors = np.frombuffer(packed, np.uint8, 32 * n, at).reshape(n, 32)
            views = np.frombuffer(zlib.decompress(packed[at + 32 * n :]), np.int8)
            box = (left, top, right, bottom)
            return cls(
                width, height, picture, box, corners, descriptors, views.reshape(VIEWS_SHAPE)
            )
        except (struct.error, zlib.error) as error:
            raise ValueError(f"no whole fingerprint: {error}") from error


def fingerprint(image: Image.Image) -> Fingerprint:
    """Fingerprint of a decoded, upright image (RGB or RGBA; other modes are converted).

    Deterministic: the same pixels give the same bytes.
    """
    small = _small(image)
    picture = _pack_picture(small)
    # all that follows looks at the packed picture: what is compared is what was indexed
    draft = Fingerprint(
        image.width,
        image.height,
        picture,
        (0, 0, 1, 1),
        np.zeros((0, 2), np.float16),
        np.zeros((0, 32), np.uint8),
        np.zeros(VIEWS_SHAPE, np.int8),
    )
    rgb = draft.rgb
    box = content_box(rgb)
    corners, descriptors = find_corners(rgb)
    return Fingerprint(
        image.width,
        image.height,
        picture,
        box,
        corners,
        descriptors,
        views_of(rgb, box, over(draft.rgba, (0, 0, 0)) if draft.has_alpha else None),
    )


def find_corners(rgb: Rgb) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """The strongest ORB corners of a small picture: positions and descriptors."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    orb = cv2.ORB_create(  # type: ignore[attr-defined]
        nfeatures=CORNERS,
        scaleFactor=1.25,
        nlevels=6,
        fastThreshold=8,
        edgeThreshold=12,
        patchSize=24,
    )
    found, descriptors = orb.detectAndCompute(gray, None)
    if descriptors is None:
        return np.zeros((0, 2), np.float16), np.zeros((0, 32), np.uint8)
    order = sorted(range(len(found)), key=lambda i: -found[i].response)[:CORNERS]
    at = np.array([found[i].pt for i in order], np.float16).reshape(-1, 2)
    return at, descriptors[order]


def own_ground(rgba: NDArray[np.uint8]) -> tuple[int, int, int]:
    """White, or dark for a transparent drawing that is nearly white itself."""
    alpha = rgba[..., 3].astype(np.float32)
    if alpha.min() >= 250:
        return (255, 255, 255)
    weight = float(alpha.sum())
    lightness = float((rgba[..., :3].mean(2) * alpha).sum()) / weight if weight else 0.0
    return (40, 40, 40) if lightness > _LIGHT else (255, 255, 255)


def over(rgba: NDArray[np.uint8], ground: tuple[int, int, int]) -> Rgb:
    """Composite on a plain ground."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    mixed = rgba[..., :3] * alpha + np.array(ground, np.float32) * (1 - alpha)
    return np.rint(mixed).astype(np.uint8)


def _small(image: Image.Image) -> Image.Image:
    """Scaled down to the working area; never enlarged here, so that little is stored."""
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA")
    width, height = image.size
    scale = min(1.0, (AREA_PX / (width * height)) ** 0.5, LONGEST_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == image.size:
        return image
    # alpha is premultiplied while scaling, or hidden colours would bleed into the edges
    if image.mode == "RGBA":
        return (
            image.convert("RGBa")
            .resize(size, Image.Resampling.BOX, reducing_gap=2.0)
            .convert("RGBA")
        )
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _pack_picture(small: Image.Image) -> bytes:
    opaque = small.mode == "RGB" or small.getchannel("A").getextrema()[0] >= 250  # type: ignore[operator]
    out = io.BytesIO()
    (small.convert("RGB") if opaque else small).save(out, "WEBP", quality=70, method=3)
    return out.getvalue()


def _working_size(width: int, height: int) -> tuple[int, int]:
    scale = min((AREA_PX / (width * height)) ** 0.5, LONGEST_PX / max(width, height))
    scale = min(max(scale, 1.0), MAX_ENLARGEMENT)
    return (
        max(SHORTEST_PX, round(width * scale)),
        max(SHORTEST_PX, round(height * scale)),
    )
