"""What a file is by its first bytes, in words for a refusal."""

_READ = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"BM", "BMP"),
    (b"\0\0\1\0", "ICO"),
    *((b"P%d" % number, "PPM") for number in range(1, 8)),
)
"""Formats that are accepted: such a file is damaged where it cannot be opened."""
_NOT_READ = (
    (b"%PDF", "a PDF"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "a PostScript file"),
    (b"\x1f\x8b", "gzip (an .svgz must be unpacked first)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"version https://git-lfs", "a Git LFS pointer"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "XML without an <svg>"),
    (b"\xffO\xffQ", "JPEG 2000"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"qoif", "QOI"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"{", "JSON"),
)
_BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
}


def damaged_kind(body: bytes) -> str | None:
    """The accepted format that a file begins like."""
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "WebP"
    if body[4:8] == b"ftyp" and _BRANDS.get(body[8:12]) == "AVIF":
        return "AVIF"
    return next((name for magic, name in _READ if body.startswith(magic)), None)


def other_kind(body: bytes) -> str:
    """What a file is that begins like none of the accepted formats."""
    head = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, name in _NOT_READ:
        if head[: len(magic)].lower() == magic.lower():
            return name
    if body[4:8] == b"ftyp":
        return _BRANDS.get(body[8:12], "a video")
    if body[257:262] == b"ustar":
        return "a tar archive"
    return f"data of no known kind (they begin with {body[:6].hex(' ')})"
