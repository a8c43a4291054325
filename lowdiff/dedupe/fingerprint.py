"""What is remembered of an image to find and judge its near-duplicates without decoding it again.

A fingerprint holds a small picture (for the comparison), a finer one in gray (for a second look
at pairs that seem to be one picture: a price has other digits), corner features (ORB: Rublee et
al. 2011, "ORB: an efficient alternative to SIFT or SURF") to align two pictures, and the views by
which candidates are found (`lowdiff.dedupe.views`). About 35 kB, noise up to some 150 kB.
"""

import io
import struct
import zlib
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lowdiff.dedupe.glance import TILE_BYTES, Glanced, tile_of
from lowdiff.dedupe.ground import OPAQUE, Colour, Rgb, over, own_ground
from lowdiff.dedupe.trim import content_box
from lowdiff.dedupe.views import VIEWS_SHAPE, views_of

METHOD_VERSION = "twins/6"
"""Changes whenever fingerprints or verdicts of old and new code must not be mixed."""

AREA_PX = 256 * 256
"""The small picture has about this many pixels, whatever its aspect."""
LONGEST_PX = 640
FINE_AREA_PX = 512 * 512
FINE_LONGEST_PX = 1280
FINE_QUALITY = 88
SHORTEST_PX = 8
MAX_ENLARGEMENT = 4.0
CORNERS = 150
_HEAD = struct.Struct("<4sII4HHIII")
_MAGIC = b"twn3"


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
    tile: bytes
    """The content as a tiny picture, see `lowdiff.dedupe.glance`."""
    fine: bytes
    """The finer picture over white: JPEG in gray."""
    fine_alpha: bytes
    """Its alpha, as such a JPEG; empty when the image has none."""

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
        return bool(cv2.minMaxLoc(cv2.extractChannel(self.rgba, 3))[0] < OPAQUE)

    @cached_property
    def ground(self) -> Colour:
        """The ground that suits it: white, or dark for a drawing that is nearly white itself."""
        return own_ground(self.rgba)

    @cached_property
    def rgb(self) -> Rgb:
        """The small picture over the ground that suits it."""
        return over(self.rgba, self.ground)

    def fine_over(self, ground: Colour) -> NDArray[np.uint8]:
        """The finer picture in gray; what is transparent shows the ground."""
        gray = _unpacked(self.fine)
        level = round(0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2])
        if self.fine_alpha and level < 255:
            # the white of the ground goes, its own level comes
            clear = cv2.bitwise_not(_unpacked(self.fine_alpha))
            gray = cv2.subtract(gray, cv2.convertScaleAbs(clear, None, (255 - level) / 255))
        return np.asarray(gray, np.uint8)

    @cached_property
    def glanced(self) -> Glanced:
        """What tells at a glance whether it may be near or a variant of another."""
        return Glanced(self.views, self.tile, self.box)

    @cached_property
    def key(self) -> bytes:
        """Orders two fingerprints, so that comparing them does not depend on who comes first."""
        return struct.pack("<II", self.width_px, self.height_px) + self.picture

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def to_bytes(self) -> bytes:
        """Pack for storage; `from_bytes` gives the same fingerprint back."""
        head = _HEAD.pack(
            _MAGIC,
            self.width_px,
            self.height_px,
            *self.box,
            len(self.corners),
            len(self.picture),
            len(self.fine),
            len(self.fine_alpha),
        )
        body = (
            self.corners.astype("<f2").tobytes()
            + self.descriptors.tobytes()
            + self.tile
            + zlib.compress(self.views.tobytes(), 6)
        )
        return head + self.picture + self.fine + self.fine_alpha + body

    @classmethod
    def from_bytes(cls, packed: bytes) -> "Fingerprint":
        """Unpack what `to_bytes` made.

        Raises:
            ValueError: these bytes are no fingerprint of this version.
        """
        try:
            if packed[:4] != _MAGIC:
                raise ValueError(f"no fingerprint of this version: it starts with {packed[:4]!r}")
            _magic, width, height, left, top, right, bottom, n, *sizes = _HEAD.unpack_from(packed)
            at, pictures = _HEAD.size, []
            for size in sizes:
                pictures.append(packed[at : at + size])
                at += size
            corners = np.frombuffer(packed, "<f2", 2 * n, at).reshape(n, 2).astype(np.float16)
            at += 4 * n
            descriptors = np.frombuffer(packed, np.uint8, 32 * n, at).reshape(n, 32)
            at += 32 * n
            views = np.frombuffer(zlib.decompress(packed[at + TILE_BYTES :]), np.int8)
            return cls(
                width_px=width,
                height_px=height,
                picture=pictures[0],
                box=(left, top, right, bottom),
                corners=corners,
                descriptors=descriptors,
                views=views.reshape(VIEWS_SHAPE),
                tile=packed[at : at + TILE_BYTES],
                fine=pictures[1],
                fine_alpha=pictures[2],
            )
        except (struct.error, zlib.error) as error:
            raise ValueError(f"no whole fingerprint: {error}") from error


def fingerprint(image: Image.Image) -> Fingerprint:
    """Fingerprint of a decoded, upright image (RGB or RGBA; other modes are converted).

    Deterministic: the same pixels give the same bytes.
    """
    finer = _shrunk(_plain_mode(image), FINE_AREA_PX, FINE_LONGEST_PX)
    fine, fine_alpha = _pack_fine(finer)
    # all that follows looks at the packed picture: what is compared is what was indexed
    draft = Fingerprint(
        width_px=image.width,
        height_px=image.height,
        picture=_pack_picture(_shrunk(finer, AREA_PX, LONGEST_PX)),
        box=(0, 0, 1, 1),
        corners=np.zeros((0, 2), np.float16),
        descriptors=np.zeros((0, 32), np.uint8),
        views=np.zeros(VIEWS_SHAPE, np.int8),
        tile=b"",
        fine=fine,
        fine_alpha=fine_alpha,
    )
    rgb = draft.rgb
    box = content_box(rgb)
    corners, descriptors = find_corners(rgb)
    on_black = over(draft.rgba, (0, 0, 0)) if draft.has_alpha else None
    return replace(
        draft,
        box=box,
        corners=corners,
        descriptors=descriptors,
        views=views_of(rgb, box, on_black),
        tile=tile_of(rgb, box),
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


def _plain_mode(image: Image.Image) -> Image.Image:
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")


def _shrunk(image: Image.Image, area_px: int, longest_px: int) -> Image.Image:
    """Scaled down to an area; never enlarged here, so that little is stored."""
    width, height = image.size
    scale = min(1.0, (area_px / (width * height)) ** 0.5, longest_px / max(width, height))
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
    opaque = small.mode == "RGB" or small.getchannel("A").getextrema()[0] >= OPAQUE  # type: ignore[operator]
    out = io.BytesIO()
    (small.convert("RGB") if opaque else small).save(out, "WEBP", quality=72, method=1)
    return out.getvalue()


def _pack_fine(finer: Image.Image) -> tuple[bytes, bytes]:
    """Gray over white and, where anything is transparent, the alpha."""
    if finer.mode == "RGB":
        return _jpeg(cv2.cvtColor(np.asarray(finer), cv2.COLOR_RGB2GRAY)), b""
    rgba = np.asarray(finer)
    gray, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2GRAY), cv2.extractChannel(rgba, 3)
    if cv2.minMaxLoc(alpha)[0] >= OPAQUE:
        return _jpeg(gray), b""
    on_white = cv2.add(cv2.multiply(gray, alpha, scale=1 / 255), cv2.bitwise_not(alpha))
    return _jpeg(on_white), _jpeg(alpha)


def _jpeg(gray: cv2.typing.MatLike) -> bytes:
    return bytes(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, FINE_QUALITY])[1])


def _unpacked(jpeg: bytes) -> cv2.typing.MatLike:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _working_size(width: int, height: int) -> tuple[int, int]:
    scale = min((AREA_PX / (width * height)) ** 0.5, LONGEST_PX / max(width, height))
    scale = min(max(scale, 1.0), MAX_ENLARGEMENT)
    return (
        max(SHORTEST_PX, round(width * scale)),
        max(SHORTEST_PX, round(height * scale)),
    )
