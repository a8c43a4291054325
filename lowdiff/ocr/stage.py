"""The stage `ocr` as the catalog knows it: what a result depends on."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lowdiff.catalog.artifacts import Stage
from lowdiff.ocr import calibrate, tesseract, tesserocr
from lowdiff.ocr.alphabets import BEYOND_PPOCR
from lowdiff.ocr.plan import PAGE_MODE, SPARSE_MODE
from lowdiff.ocr.reader import Reader

STAGE_NAME = "ocr"
STAGE_VERSION = "2"
"""Raised by a person when the same image would be read differently."""
ENGINES = ("tesseract", "rapidocr")
PAGE_MODES = (PAGE_MODE, SPARSE_MODE)


def engines_for(languages: Sequence[str], engines: Sequence[str]) -> tuple[str, ...]:
    """The engines that can read one of the languages, in a fixed order.

    PP-OCR stays out when it knows none of them: its opinion would only disturb.
    """
    able = {name for name in engines if name != "rapidocr" or set(languages) - BEYOND_PPOCR}
    return tuple(sorted(able or engines))


def ocr_stage(
    languages: Sequence[str],
    engines: Sequence[str] = ENGINES,
    *,
    page_modes: tuple[int, int] = PAGE_MODES,
    first_look: bool = True,
) -> Stage:
    """The stage as it follows from the settings; it needs no engine to be installed.

    Another version of an engine is another stage: what it reads may differ.
    """
    versions = dict(_named(name) for name in engines_for(languages, engines))
    return _stage(versions, languages, page_modes, first_look=first_look)


def stage_of(reader: Reader) -> Stage:
    """The stage of what `reader` reads."""
    versions = {engine.name: engine.version for engine in reader.engines}
    return _stage(versions, reader.languages, reader.page_modes, first_look=reader.first_look)


def _stage(
    versions: dict[str, str],
    languages: Sequence[str],
    page_modes: tuple[int, int],
    *,
    first_look: bool,
) -> Stage:
    params: dict[str, Any] = {
        "engines": dict(sorted(versions.items())),
        "languages": list(languages),
        "page_modes": list(page_modes),
        "first_look": first_look,
        "calibration": calibrate.version(),
    }
    return Stage(STAGE_NAME, STAGE_VERSION, params)


@cache
def _named(setting: str) -> tuple[str, str]:
    """Name and version of the engine that a value of `ocr_engines` stands for."""
    if setting == "rapidocr":
        return setting, rapid_version()
    linked = setting == "tesserocr"
    version = tesserocr.installed_version() if linked else tesseract.installed_version()
    return tesseract.NAME, version


def rapid_version() -> str:
    """Of rapidocr and what runs its models; empty when one is not installed."""
    try:
        return f"{version('rapidocr')} (onnxruntime {version('onnxruntime')})"
    except PackageNotFoundError:
        return ""
