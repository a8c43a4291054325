"""Any colours that a file may have, as RGB or RGBA of eight bits in sRGB."""

import io

from PIL import Image, ImageCms

_SRGB_NAMES = frozenset({"sRGB IEC61966-2.1", "sRGB built-in", "sRGB", "c2"})
"""Profiles that change nothing ("c2" is the small one that many sites embed)."""
_SPACES = {
    "GRAY": ("L", ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B")),
    "RGB ": ("RGB", ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA")),
    "CMYK": ("CMYK", ("CMYK",)),
}
"""Colour space of a profile → mode that its transform takes, modes that it may be right for."""
_BITS_PER_SAMPLE = 258  # TIFF


class Colours:
    """How to convert the strips of one image; made once, used for each."""

    def __init__(self, image: Image.Image) -> None:
        self.has_alpha = image.has_transparency_data
        """Whether the image can have pixels that are not opaque."""
        self._depth = _full_scale(image) / 256
        self._mode, self._transform = _transform_of(image)

    @property
    def are_plain(self) -> bool:
        """Whether an RGB image stays as it is."""
        return self._transform is None and not self.has_alpha

    def convert(self, strip: Image.Image) -> Image.Image:
        """The same pixels, RGB or (where some may be transparent) RGBA."""
        if strip.mode.startswith("I"):
            strip = _eight_bits(strip, self._depth)
        if not self.has_alpha:
            return self._opaque(strip)
        strip = _with_alpha(strip)
        if self._transform is None:
            return strip
        colours = self._opaque(strip)
        colours.putalpha(strip.getchannel("A"))
        return colours

    def _opaque(self, strip: Image.Image) -> Image.Image:
        if self._transform is not None:
            taken = strip if strip.mode == self._mode else strip.convert(self._mode)
            return self._transform.apply(taken)
        return strip if strip.mode == "RGB" else strip.convert("RGB")


def _with_alpha(strip: Image.Image) -> Image.Image:
    if strip.mode == "La":
        strip = strip.convert("LA")
    return strip if strip.mode == "RGBA" else strip.convert("RGBA")


def _eight_bits(strip: Image.Image, depth: float) -> Image.Image:
    wide = strip if strip.mode == "I" else strip.convert("I")
    grey = wide.point(lambda value: value * (1 / depth)).convert("L")
    if "transparency" in grey.info:  # a 16-bit grey that counts as transparent
        grey.info["transparency"] = int(grey.info["transparency"] / depth)
    return grey


def _full_scale(image: Image.Image) -> int:
    """The number after the brightest grey of an image with more than eight bits."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    deepest = bits[0] if isinstance(bits, tuple) else bits
    return 1 << deepest if deepest in (12, 16) else 1 << 16


def _transform_of(image: Image.Image) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """A transform to sRGB and the mode that it takes; none where the plain numbers are better."""
    data = image.info.get("icc_profile")
    try:
        if image.mode == "LAB":
            return "LAB", _to_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB")
        if not data:
            return "RGB", None
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        mode, fits = _SPACES.get(profile.profile.xcolor_space, ("", ()))
        if image.mode not in fits or profile.profile.profile_description in _SRGB_NAMES:
            return "RGB", None
        return mode, _to_srgb(profile, mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return "RGB", None  # a broken profile


def _to_srgb(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.ImageCmsTransform(profile, target, mode, "RGB")
