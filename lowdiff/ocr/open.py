"""Open the engines of the settings, together."""

from collections.abc import Sequence

from lowdiff.errors import ServiceError
from lowdiff.ocr.engine import Engine
from lowdiff.ocr.processes import EngineProcesses
from lowdiff.ocr.reader import Reader
from lowdiff.ocr.stage import ENGINES, engines_for, rapid_version
from lowdiff.ocr.tesseract import open_tesseract


def open_reader(
    languages: tuple[str, ...], engines: Sequence[str] = ENGINES, *, timeout_s: float
) -> Reader:
    """The reader of the settings; its processes start with the first image that needs them.

    Args:
        languages: Tesseract's codes; PP-OCR's one model reads Latin, Chinese and Japanese.
        engines: names as in `ocr_engines`.
        timeout_s: for one reading of one image.

    Raises:
        ServiceError: an engine is not installed.
        InputError: a language pack is not installed.
    """
    opened: list[Engine] = []
    for name in engines_for(languages, engines):
        if name == "rapidocr":
            opened.append(_open_rapid(timeout_s))
        else:
            opened.append(open_tesseract(languages, timeout_s=timeout_s))
    return Reader(tuple(opened), languages)


def _open_rapid(timeout_s: float) -> Engine:
    found = rapid_version()
    if not found:
        raise ServiceError(
            "rapidocr",
            "is not installed",
            reason="ocr_engine_missing",
            do="Run `pip install rapidocr onnxruntime`, or take it out of ocr_engines.",
        )
    return EngineProcesses("rapidocr", found, timeout_s=timeout_s)
