"""What happens to a finished graphic in other hands: it still is the same one."""

import io
import random
from collections.abc import Callable

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

Edit = Callable[[Image.Image, random.Random], Image.Image]


def _flat(image: Image.Image, ground: str = "white") -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    backdrop = Image.new("RGBA", image.size, ground)
    return Image.alpha_composite(backdrop, image).convert("RGB")


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    _flat(image).save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BICUBIC)


def _jpeg_chain(image: Image.Image, rng: random.Random) -> Image.Image:
    for _ in range(3):
        image = _scaled(_jpeg(image, rng.randint(30, 90)), rng.uniform(0.9, 1.1))
    return image


def _smaller(image: Image.Image, rng: random.Random) -> Image.Image:
    return _scaled(image, rng.uniform(0.3, 0.6))


def _bigger(image: Image.Image, rng: random.Random) -> Image.Image:
    return _scaled(image, rng.uniform(1.4, 2))


def _recoloured(image: Image.Image, rng: random.Random) -> Image.Image:
    red, green, blue = (rng.uniform(0.92, 1.08) for _ in range(3))
    pixels = np.asarray(_flat(image), np.float32) * (red, green, blue)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _enhanced(kind: type[ImageEnhance._Enhance]) -> Edit:
    def edit(image: Image.Image, rng: random.Random) -> Image.Image:
        return kind(_flat(image)).enhance(rng.choice((0.75, 0.8, 1.2, 1.3)))

    return edit


def _gamma(image: Image.Image, rng: random.Random) -> Image.Image:
    gamma = rng.choice((0.75, 0.85, 1.2, 1.35))
    return _flat(image).point([round(255 * (i / 255) ** gamma) for i in range(256)] * 3)


def _border(colour: str) -> Edit:
    def edit(image: Image.Image, rng: random.Random) -> Image.Image:
        wide = round(max(image.size) * rng.uniform(0.03, 0.15))
        size = (image.width + 2 * wide, image.height + 2 * wide)
        canvas = Image.new("RGB", size, colour)
        canvas.paste(_flat(image), (wide, wide))
        return canvas

    return edit


def _screenshot(image: Image.Image, rng: random.Random) -> Image.Image:
    """The graphic in a window with a title bar, buttons, an address and some page around it."""
    inner = _flat(image)
    bar = max(24, inner.height // 11)
    margin = round(inner.width * rng.uniform(0.01, 0.06))
    dark = rng.random() < 0.5
    canvas = Image.new(
        "RGB",
        (inner.width + 2 * margin, inner.height + bar + 2 * margin),
        (32, 33, 36) if dark else (250, 250, 250),
    )
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, canvas.width, bar), fill=(60, 61, 65) if dark else (222, 225, 230))
    for k, colour in enumerate(((255, 95, 86), (255, 189, 46), (39, 201, 63))):
        x = 10 + k * bar // 2
        draw.ellipse((x, bar // 3, x + bar // 3, bar // 3 * 2), fill=colour)
    font = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", bar // 2)
    draw.text((3 * bar, bar // 4), "https://example.org/ad", font=font, fill=(130, 130, 130))
    canvas.paste(inner, (margin, bar + margin))
    return canvas


def _crop(least: float, most: float) -> Edit:
    def edit(image: Image.Image, rng: random.Random) -> Image.Image:
        left, top, right, bottom = (rng.uniform(least, most) for _ in range(4))
        width, height = image.size
        box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        return image.crop(tuple(map(round, box)))  # type: ignore[arg-type]

    return edit


def _crop_side(image: Image.Image, rng: random.Random) -> Image.Image:
    share = rng.uniform(0.1, 0.2)
    width, height = image.size
    box = [0, 0, width, height]
    side = rng.randrange(4)
    box[side] += round((1 if side < 2 else -1) * share * (width, height)[side % 2])
    return image.crop(tuple(box))  # type: ignore[arg-type]


def _watermark(image: Image.Image, rng: random.Random) -> Image.Image:
    base = _flat(image).convert("RGBA")
    layer = Image.new("RGBA", base.size, (255, 255, 255, 0))
    size = max(12, base.width // 9)
    font = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf", size)
    draw = ImageDraw.Draw(layer)
    at = (base.width * rng.uniform(0.05, 0.3), base.height * rng.uniform(0.3, 0.6))
    draw.text(
        at,
        "© SAMPLE",
        font=font,
        fill=(255, 255, 255, 95),
        stroke_width=1,
        stroke_fill=(0, 0, 0, 95),
    )
    return Image.alpha_composite(base, layer).convert("RGB")


def _stamp(image: Image.Image, rng: random.Random) -> Image.Image:
    """A small opaque logo in a corner."""
    base = _flat(image)
    side = round(min(base.size) * 0.12)
    x = rng.choice((8, base.width - side - 8))
    y = rng.choice((8, base.height - side - 8))
    draw = ImageDraw.Draw(base)
    draw.ellipse((x, y, x + side, y + side), fill=(30, 90, 200), outline="white", width=3)
    draw.line(
        (
            x + side * 0.3,
            y + side * 0.6,
            x + side * 0.5,
            y + side * 0.3,
            x + side * 0.7,
            y + side * 0.6,
        ),
        fill="white",
        width=max(2, side // 10),
    )
    return base


def _blur(image: Image.Image, rng: random.Random) -> Image.Image:
    return _flat(image).filter(ImageFilter.GaussianBlur(rng.uniform(1, 2.2)))


def _sharper(image: Image.Image, rng: random.Random) -> Image.Image:
    return _flat(image).filter(ImageFilter.UnsharpMask(2, rng.randint(80, 160)))


def _rotated(image: Image.Image, rng: random.Random) -> Image.Image:
    angle = rng.uniform(1, 3) * rng.choice((-1, 1))
    ground = None if image.mode == "RGBA" else (255, 255, 255)
    return image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=ground)


def _shifted(image: Image.Image, rng: random.Random) -> Image.Image:
    flat = _flat(image)
    canvas = Image.new("RGB", flat.size, "white")
    canvas.paste(flat, tuple(round(rng.uniform(-0.05, 0.05) * side) for side in flat.size))
    return canvas


def _padded(image: Image.Image, rng: random.Random) -> Image.Image:
    """To another aspect, on a plain ground."""
    flat = _flat(image)
    side = round(max(flat.size) * rng.uniform(1.0, 1.2))
    size = (side, side) if flat.width != flat.height else (round(side * 1.6), side)
    canvas = Image.new("RGB", size, rng.choice(("white", "black", "#dddddd")))
    canvas.paste(flat, ((size[0] - flat.width) // 2, (size[1] - flat.height) // 2))
    return canvas


def _palette(image: Image.Image, rng: random.Random) -> Image.Image:
    return _flat(image).quantize(rng.choice((32, 64, 128))).convert("RGB")


def _gray(image: Image.Image, _rng: random.Random) -> Image.Image:
    return _flat(image).convert("L").convert("RGB")


def _on(ground: str) -> Edit:
    return lambda image, _rng: _flat(image, ground)


def _worn(image: Image.Image, rng: random.Random) -> Image.Image:
    """Several things at once: cropped, made smaller, brightened and compressed."""
    image = _crop(0.01, 0.05)(image, rng)
    image = ImageEnhance.Brightness(_flat(_scaled(image, rng.uniform(0.45, 0.8)))).enhance(1.12)
    return _jpeg(image, rng.randint(35, 60))


EDITS: dict[str, Edit] = {
    "jpeg30": lambda image, _rng: _jpeg(image, 30),
    "jpeg-chain": _jpeg_chain,
    "smaller": _smaller,
    "bigger": _bigger,
    "recoloured": _recoloured,
    "brightness": _enhanced(ImageEnhance.Brightness),
    "contrast": _enhanced(ImageEnhance.Contrast),
    "saturation": _enhanced(ImageEnhance.Color),
    "gamma": _gamma,
    "border-white": _border("white"),
    "border-black": _border("black"),
    "screenshot": _screenshot,
    "crop": _crop(0.05, 0.2),
    "crop-side": _crop_side,
    "watermark": _watermark,
    "stamp": _stamp,
    "blur": _blur,
    "sharper": _sharper,
    "rotated": _rotated,
    "shifted": _shifted,
    "padded": _padded,
    "palette": _palette,
    "gray": _gray,
    "on-white": _on("white"),
    "on-black": _on("black"),
    "worn": _worn,
}
"""Every edit that leaves the graphic what it was."""
