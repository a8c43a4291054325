"""Big and hostile files through a real worker, whose peak of memory the kernel tells."""

import contextlib
import io
import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ingest.decoders import Decoders, open_decoders
from lowdiff.ingest.facts import Described
from lowdiff.ingest.limits import MEMORY_MB, Limits

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel tells no peak"),
]
BIG = (8660, 5773)  # 49.99 megapixels
SVG_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99">'


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def flat_png(bits: int = 8, colour_type: int = 2, extra: bytes = b"", size=BIG) -> bytes:
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour_type]
    packer = zlib.compressobj(1)
    row = bytes(1 + size[0] * samples * bits // 8)
    data = b"".join(packer.compress(row) for _ in range(size[1])) + packer.flush()
    head = struct.pack(">IIBBBBB", *size, bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + extra
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


def flat(kind: str, mode: str = "RGB", size: tuple[int, int] = BIG, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


def turned_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return flat("JPEG", exif=exif)


def svg(inner: str) -> bytes:
    return f"{SVG_HEAD}{inner}</svg>".encode()


def uses_of_uses() -> bytes:
    levels = (
        f'<g id="a{level}">{f"<use href={chr(34)}#a{level - 1}{chr(34)}/>" * 10}</g>'
        for level in range(1, 9)
    )
    return svg(f'<g id="a0"><path d="M0 0h9"/></g>{"".join(levels)}')


def text_bomb(name: bytes, keyword: bytes) -> bytes:
    packed = zlib.compress(bytes(100_000_000), 9)
    return flat_png(size=(8, 8), extra=chunk(name, keyword + packed) * 5)


ACCEPTED: dict[str, Callable[[], bytes]] = {
    "baseline JPEG": lambda: flat("JPEG"),
    "turned JPEG": turned_jpeg,
    "PNG": flat_png,
    "RGBA PNG of 16 bits": lambda: flat_png(bits=16, colour_type=6),
    "WebP of 24 megapixels": lambda: flat("WEBP", size=(6000, 4000), method=0),
    "lossless WebP of 24 megapixels": lambda: flat(
        "WEBP", size=(6000, 4000), lossless=True, method=0, quality=0
    ),
    "thin PNG": lambda: flat_png(size=(1, 20_000)),
    "packed texts": lambda: text_bomb(b"zTXt", b"Title\0\0"),
    "packed XMP": lambda: text_bomb(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"),
    "packed profile": lambda: text_bomb(b"iCCP", b"p\0\0"),
    "huge text": lambda: flat_png(
        size=(8, 8), extra=chunk(b"tEXt", b"Title\0" + b"a" * 40_000_000)
    ),
    "GIF of many frames": lambda: flat(
        "GIF",
        "P",
        (6000, 6000),
        save_all=True,
        append_images=[Image.new("P", (6000, 6000), 1), Image.new("P", (6000, 6000), 2)],
    ),
    "SVG of a huge area": lambda: (
        SVG_HEAD.replace("<svg", '<svg viewBox="0 0 1e9 1e9"').encode()
        + b'<rect width="1e9" height="1e9"/></svg>'
    ),
}
REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "progressive JPEG": (
        "too_much_memory",
        lambda: flat("JPEG", progressive=True, subsampling=0),
    ),
    "animated WebP": (
        "too_much_memory",
        lambda: flat(
            "WEBP",
            size=(5000, 5000),
            method=0,
            save_all=True,
            append_images=[Image.new("RGB", (5000, 5000), "red")],
        ),
    ),
    "AVIF": (
        "too_much_memory",
        lambda: flat("AVIF", "RGBA", (6000, 4000), speed=10, subsampling="4:4:4"),
    ),
    "TIFF in one strip": (
        "too_much_memory",
        lambda: flat("TIFF", compression="tiff_lzw", tiffinfo={278: BIG[1]}),
    ),
    "SVG of many parts": (
        "too_much_memory",
        lambda: svg('<path opacity=".5" d="M0 0h9"/>' * 1_000_000),
    ),
    "SVG of uses of uses": ("svg_too_complex", uses_of_uses),
}


def peak_after(body: bytes) -> tuple[Described | InputError, float]:
    """The verdict of a fresh worker, and the most that it ever held, in millions of bytes."""
    with open_decoders(1) as decoders:
        decoders.describe(flat_png(size=(1, 1)), item="first", limits=Limits())
        peaks = Peaks()
        try:
            said: Described | InputError = decoders.describe(
                body, item="x", limits=Limits(), preview_px=256
            )
        except InputError as refusal:
            said = refusal
        finally:
            peak = peaks.stop()
        return said, peak


class Peaks:
    """Asks the workers all the time: one that dies of its limit cannot be asked afterwards."""

    def __init__(self) -> None:
        self._most = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> float:
        self._look()
        self._ended.set()
        self._thread.join()
        assert self._most > 0
        return self._most

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self._look()

    def _look(self) -> None:
        for worker in psutil.Process().children():
            with contextlib.suppress(OSError, psutil.NoSuchProcess):
                if "lowdiff.ingest.worker" not in worker.cmdline():
                    continue
                text = Path(f"/proc/{worker.pid}/status").read_text()
                for line in text.splitlines():
                    if line.startswith("VmHWM"):
                        self._most = max(self._most, int(line.split()[1]) * 1024 / 1e6)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_big_honest_file_is_taken_within_the_memory(name):
    said, peak = peak_after(ACCEPTED[name]())
    assert isinstance(said, Described), said
    assert peak < MEMORY_MB


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_more_memory_is_refused_in_words(name):
    reason, make = REFUSED[name]
    said, peak = peak_after(make())
    assert isinstance(said, InputError)
    assert said.reason == reason, said
    assert "found" in str(said)
    assert peak < MEMORY_MB


def test_the_verdict_on_an_image_does_not_depend_on_those_before():
    with open_decoders(1) as decoders:
        bodies = [flat_png(), uses_of_uses(), flat("JPEG"), svg(""), flat_png(bits=16)]
        rounds = [[verdict_of(decoders, body) for body in bodies] for _ in range(2)]
    assert rounds == [["png", "svg_too_complex", "jpeg", "svg", "png"]] * 2


def verdict_of(decoders: Decoders, body: bytes) -> str:
    try:
        return decoders.describe(body, item="x", limits=Limits()).facts.format
    except InputError as refusal:
        return refusal.reason


def test_a_source_that_allows_more_pixels_allows_the_memory_that_they_take():
    body = flat("JPEG", progressive=True, subsampling=0)
    with open_decoders(1) as decoders:
        for _ in range(2):
            with pytest.raises(InputError, match="allowed 300 MB"):
                decoders.describe(body, item="x", limits=Limits())
            taken = decoders.describe(body, item="x", limits=Limits(max_megapixels=100))
            assert (taken.facts.width_px, taken.facts.height_px) == BIG
