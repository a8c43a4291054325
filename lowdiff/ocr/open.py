"""Open the engines of the settings, together."""

import math
from collections.abc import Sequence

from lowdiff.errors import ServiceError
from lowdiff.ocr import tesseract
from lowdiff.ocr.engine import StoppableEngine
from lowdiff.ocr.processes import COMMAND, EngineProcesses
from lowdiff.ocr.reader import Reader
from lowdiff.ocr.stage import ENGINES, PAGE_MODES, engines_for, rapid_version
from lowdiff.ocr.tesseract import open_tesseract
from lowdiff.ocr.tesserocr import check_tesserocr, installed_version
from lowdiff.settings import Settings


def open_reader(
    languages: tuple[str, ...],
    engines: Sequence[str] = ENGINES,
    *,
    timeout_s: float,
    image_timeout_s: float = math.inf,
    page_modes: tuple[int, int] = PAGE_MODES,
) -> Reader:
    """Find the engines and join them; their processes start with the first image.

    Args:
        languages: Tesseract's codes; PP-OCR's one model reads Latin, Greek, Chinese and Japanese.
        engines: names as in `ocr_engines`.
        timeout_s: for one reading of one image.
        image_timeout_s: for all readings of one image.
        page_modes: Tesseract's segmentation of a page, and of single words.

    Raises:
        ServiceError: an engine is not installed.
        InputError: a language pack is not installed.
    """
    opened = tuple(_open(name, languages, timeout_s) for name in engines_for(languages, engines))
    return Reader(opened, languages, page_modes, image_timeout_s)


def reader_of(settings: Settings, languages: tuple[str, ...] | None = None) -> Reader:
    """The reader of the settings.

    Args:
        languages: instead of those of the settings.

    Raises:
        ServiceError: an engine is not installed.
        InputError: a language pack is not installed.
    """
    return open_reader(
        languages or settings.ocr_languages,
        settings.ocr_engines,
        timeout_s=settings.ocr_timeout_s,
        image_timeout_s=settings.ocr_image_timeout_s,
        page_modes=settings.ocr_page_modes,
    )


def _open(name: str, languages: tuple[str, ...], timeout_s: float) -> StoppableEngine:
    if name == "rapidocr":
        return _open_rapid(timeout_s)
    if name == "tesserocr":
        check_tesserocr(languages)
        command = (*COMMAND, name, *languages)
        version = installed_version()
        return EngineProcesses(tesseract.NAME, version, timeout_s=timeout_s, command=command)
    return open_tesseract(languages, timeout_s=timeout_s)


def _open_rapid(timeout_s: float) -> StoppableEngine:
    found = rapid_version()
    if not found:
        raise ServiceError(
            "rapidocr",
            "is not installed",
            reason="ocr_engine_missing",
            do="Run `pip install rapidocr onnxruntime`, or take it out of ocr_engines.",
        )
    command = (*COMMAND, "rapidocr")
    return EngineProcesses("rapidocr", found, timeout_s=timeout_s, command=command)
