"""Numbers, times and sizes as a person reads them."""

from datetime import datetime

NONE = "–"
"""Stands where there is no value."""

_SIZES = ("bytes", "kB", "MB", "GB", "TB")
_RANGE_SEPARATOR = "\N{NARROW NO-BREAK SPACE}"


def count(number: float | None) -> str:
    """A whole number with separators: `12,345`."""
    return NONE if number is None else f"{number:,.0f}"


def number(value: float | None, digits: int = 3) -> str:
    """A measurement with so many significant digits and no exponent: `0.0123`, `24.1`."""
    if value is None:
        return NONE
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if "e" in text else text


def percent(share: float | None) -> str:
    """A share of 0 … 1 in whole percent; what is small but not nothing stays visible.

    `0.004` is `<1%` and `0.999` is `>99%`: only nothing is `0%` and only everything is `100%`.
    """
    if share is None:
        return NONE
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def share_of(part: float, whole: float) -> float:
    """`part / whole`, and 0 where there is no whole."""
    return part / whole if whole else 0.0


def size(size_bytes: float | None) -> str:
    """An amount of bytes in powers of 1000: `4.3 MB`."""
    if size_bytes is None:
        return NONE
    amount, unit = float(size_bytes), 0
    while amount >= 999.5 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    digits = 0 if unit == 0 or amount >= 9.95 else 1
    return f"{amount:.{digits}f}{_RANGE_SEPARATOR}{_SIZES[unit]}"


def duration(seconds: float | None) -> str:
    """A time in its two largest units: `45 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    if seconds is None:
        return NONE
    if 0 < seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def day(moment: datetime | None) -> str:
    """A date and a time in UTC: `2 January 2026, 03:04 UTC`."""
    if moment is None:
        return NONE
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A number and its noun: `1 image`, `2 images`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def short(text: str, longest: int = 12) -> str:
    """The beginning of an id or digest, enough to tell it from others."""
    return text[:longest]


def clip(text: str, longest: int) -> str:
    """A text of at most `longest` characters, cut at a word, with an ellipsis."""
    flat = " ".join(text.split())
    if len(flat) <= longest:
        return flat
    head = flat[: longest - 1]
    cut = head.rfind(" ")
    return (head[:cut] if cut > longest // 2 else head).rstrip(",.;: ") + "…"
