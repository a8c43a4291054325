"""CPU-milliseconds to describe an image, by format: `python -m benchmarks.decode [REPEATS]`.

The pictures are made here (a blurred noise with grain, which compresses like a photo), 1280 × 720
pixels. "all" is `describe_image` with a preview of 256 px as a worker runs it; "open" is Pillow's
decoding alone; "process" is parent and worker together for one message.
"""

import io
import sys
import time
from collections.abc import Callable

import numpy as np
import psutil
from PIL import Image

from lowdiff.ingest.decoders import open_decoders
from lowdiff.ingest.describe import describe_image
from lowdiff.ingest.limits import Limits

SIZE = (1280, 720)
PREVIEW_PX = 256
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h7v7z"/></svg>'


def photo(seed: int = 0) -> Image.Image:
    """Soft shapes and fine grain."""
    rng = np.random.default_rng(seed)
    soft = rng.integers(0, 255, (SIZE[1] // 8, SIZE[0] // 8, 3), dtype=np.uint8)
    large = Image.fromarray(soft).resize(SIZE, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 4, (SIZE[1], SIZE[0], 3))
    return Image.fromarray((np.asarray(large) + grain).clip(0, 255).astype(np.uint8))


def samples() -> dict[str, bytes]:
    """Name → file."""
    picture = photo()
    see_through = picture.copy()
    see_through.putalpha(Image.linear_gradient("L").resize(SIZE))
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "jpeg": _saved(picture, "JPEG", quality=85),
        "jpeg turned": _saved(picture, "JPEG", quality=85, exif=turned),
        "jpeg progressive": _saved(picture, "JPEG", quality=85, progressive=True),
        "jpeg cmyk": _saved(picture.convert("CMYK"), "JPEG", quality=85),
        "png": _saved(picture, "PNG"),
        "png rgba": _saved(see_through, "PNG"),
        "png palette": _saved(picture.quantize(), "PNG"),
        "webp": _saved(picture, "WEBP", quality=85),
        "webp lossless": _saved(picture, "WEBP", lossless=True),
        "gif": _saved(picture, "GIF"),
        "avif": _saved(picture, "AVIF"),
        "tiff": _saved(picture, "TIFF", compression="tiff_lzw"),
        "bmp": _saved(picture, "BMP"),
        "svg": SVG,
    }


def cpu_ms(action: Callable[[], object], repeats: int) -> float:
    """Of this process; the first call warms up."""
    action()
    started = time.process_time()
    for _ in range(repeats):
        action()
    return (time.process_time() - started) / repeats * 1e3


def process_ms(body: bytes, repeats: int) -> float:
    """Of this process and its worker, one message after another."""
    with open_decoders(1) as decoders:

        def ask() -> None:
            decoders.describe(body, item="x", limits=Limits(), preview_px=PREVIEW_PX)

        ask()
        (worker,) = psutil.Process().children()
        before = sum(worker.cpu_times()[:2])
        own = cpu_ms(ask, repeats)
        return own + (sum(worker.cpu_times()[:2]) - before) / (repeats + 1) * 1e3


def main(repeats: int = 30) -> None:
    """Print a table."""
    print(f"{'format':<18}{'kB':>7}{'open':>8}{'all':>8}{'process':>9}   CPU-ms of {repeats} each")
    for name, body in samples().items():

        def describe(body: bytes = body) -> object:
            return describe_image(body, item="x", limits=Limits(), preview_px=PREVIEW_PX)

        def opened(body: bytes = body) -> object:
            return Image.open(io.BytesIO(body)).load()

        alone = cpu_ms(opened, repeats) if name != "svg" else 0.0
        print(
            f"{name:<18}{len(body) / 1e3:>7.0f}{alone:>8.2f}{cpu_ms(describe, repeats):>8.2f}"
            f"{process_ms(body, repeats):>9.2f}",
            flush=True,
        )


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
