"""Tesseract linked into the process, through tesserocr: its models are loaded once, not each time.

The wheel brings a Tesseract of its own and no languages: it reads those of the system. Nothing
else touches tesserocr. A crash ends the process, so only `worker.py` reads with it.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PIL import Image

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr.engine import CRASHED, RawWord
from lowdiff.ocr.tesseract import NAME, check_languages, words_of


class Tesserocr:
    """The engine, its models loaded; make it with `load_tesserocr`."""

    name = NAME

    def __init__(self, languages: Sequence[str], folder: str) -> None:
        from tesserocr import PyTessBaseAPI

        self.version = installed_version()
        self._api = PyTessBaseAPI(path=folder, lang="+".join(languages))

    def read(self, image: Image.Image, *, mode: int, item: str) -> list[RawWord]:
        """Read one image.

        Args:
            image: L or RGB.
            mode: Tesseract's page segmentation mode, 0..13.
            item: id or path for messages.

        Raises:
            InputError: the engine failed on this image.
        """
        try:
            self._api.SetPageSegMode(mode)
            depth = len(image.getbands())  # SetImage would claim 96 dpi, which hides big letters
            size = (image.width, image.height, depth, image.width * depth)
            self._api.SetImageBytes(image.tobytes(), *size)
            if not self._api.Recognize():
                raise RuntimeError("it gives no reason")
            table = self._api.GetTSVText(0)
        except RuntimeError as error:
            raise InputError(item, f"Tesseract failed on it ({error})", reason=CRASHED) from error
        finally:
            self._api.Clear()
            self._api.ClearAdaptiveClassifier()  # an image must not depend on those before it
        return words_of(_columns(line) for line in table.splitlines())


def _columns(line: str) -> list[str]:
    """What `words_of` wants of level, page, block, paragraph, line, word, box, confidence, text."""
    cells = line.split("\t", 11)
    return [*cells[2:5], *cells[6:], *[""] * (12 - len(cells))]


def load_tesserocr(languages: Sequence[str]) -> Tesserocr:
    """Load the models; some 0.1 s and 50 MB a language.

    Raises:
        ServiceError: tesserocr, or the system's languages, are not installed.
        InputError: a language pack is not installed.
    """
    return Tesserocr(languages, check_tesserocr(languages))


def check_tesserocr(languages: Sequence[str]) -> str:
    """Look whether everything is there; the folder of the languages, with a `/` at its end.

    Raises:
        ServiceError: tesserocr, or the system's languages, are not installed.
        InputError: a language pack is not installed.
    """
    if not installed_version():
        raise ServiceError(
            "tesserocr",
            "is not installed",
            reason="ocr_engine_missing",
            do="Run `pip install 'lowdiff[tesserocr]'`, or say tesseract in ocr_engines.",
        )
    folder = languages_folder()
    if folder is None:
        raise ServiceError(
            "tesserocr",
            "finds no languages of Tesseract",
            reason="ocr_engine_missing",
            do="Run `sudo apt-get install tesseract-ocr`, or set TESSDATA_PREFIX to their folder.",
        )
    check_languages(languages, [path.stem for path in folder.glob("*.traineddata")])
    return f"{folder}/"


@cache
def installed_version() -> str:
    """Of the library that is linked in, and of tesserocr; empty when that is not installed."""
    try:
        import tesserocr

        found = re.search(r"\d[\w.-]*", tesserocr.tesseract_version())
        return f"{found.group() if found else 'unknown'} (tesserocr {version('tesserocr')})"
    except (PackageNotFoundError, ImportError):
        return ""


@cache
def languages_folder() -> Path | None:
    """Where the program on PATH has its languages; `TESSDATA_PREFIX` wins, as it does there."""
    named = os.environ.get("TESSDATA_PREFIX")
    if named:
        return Path(named)
    try:
        listed = subprocess.run(
            ["tesseract", "--list-langs"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r'"(.+)"', listed)
    return Path(found.group(1)) if found else None
