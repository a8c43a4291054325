"""Tesseract through pytesseract: pixels in, raw words out. Nothing else touches pytesseract."""

import math
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytesseract
from PIL import Image
from pytesseract import Output, TesseractError, TesseractNotFoundError

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr.engine import CRASHED, RawWord, hung

NAME = "tesseract"

# Tesseract's own threads make one image slower than one thread does; batches run images side by
# side instead. Only the engine gets this environment: ours stays as it is.
pytesseract.pytesseract.environ = {**os.environ, "OMP_THREAD_LIMIT": "1"}

_COLUMNS = ("block_num", "par_num", "line_num", "left", "top", "width", "height", "conf", "text")


@dataclass(frozen=True)
class Tesseract:
    """An engine that was found to be there; make it with `open_tesseract`.

    The `mode` of `read` is Tesseract's page segmentation mode (`--psm`, 0..13).
    """

    languages: tuple[str, ...]
    timeout_s: float
    version: str
    name: str = NAME

    def read(
        self, image: Image.Image, *, mode: int, item: str, timeout_s: float = math.inf
    ) -> list[RawWord]:
        """Read one greyscale image in a process of its own.

        Args:
            mode: Tesseract's `--psm`, 0..13.
            item: id or path for messages.
            timeout_s: it is stopped after this time, or after its own timeout.

        Raises:
            InputError: the engine hung (and was killed) or crashed.
        """
        limit_s = min(timeout_s, self.timeout_s)
        try:
            table = pytesseract.image_to_data(
                image,
                lang="+".join(self.languages),
                config=f"--psm {mode}",
                timeout=limit_s,
                output_type=Output.DICT,
            )
        except TesseractError as error:
            raise InputError(
                item, f"Tesseract failed on it ({error.message})", reason=CRASHED
            ) from error
        except RuntimeError as error:  # pytesseract's way to tell a timeout
            raise hung(item, "Tesseract", limit_s) from error
        return words_of(zip(*(table[name] for name in _COLUMNS), strict=True))


def words_of(rows: Iterable[Sequence[str]]) -> list[RawWord]:
    """The words of Tesseract's table.

    Args:
        rows: block, paragraph, line, left, top, width, height, confidence in percent (-1 for what
            is no word), text.
    """
    words = []
    for block, paragraph, line, left, top, width, height, confidence, text in rows:
        if float(confidence) >= 0 and text.strip():
            words.append(
                RawWord(
                    text=text.strip(),
                    confidence=min(1.0, float(confidence) / 100),
                    box=(float(left), float(top), float(width), float(height)),
                    line=(int(block), int(paragraph), int(line)),
                    engine=NAME,
                )
            )
    return words


def open_tesseract(languages: tuple[str, ...], *, timeout_s: float) -> Tesseract:
    """Find the engine and check that it knows the languages.

    Args:
        languages: Tesseract's codes, such as `eng` or `deu`.
        timeout_s: for one reading of one image.

    Raises:
        ServiceError: Tesseract is not installed.
        InputError: a language pack is not installed.
    """
    version = installed_version()
    if not version:
        raise ServiceError(
            "tesseract",
            "the program is not installed or not on PATH",
            reason="ocr_engine_missing",
            do="Run `sudo apt-get install tesseract-ocr`.",
        )
    check_languages(languages, pytesseract.get_languages())
    return Tesseract(languages=languages, timeout_s=timeout_s, version=version)


def check_languages(wanted: Sequence[str], known: Sequence[str]) -> None:
    """Refuse languages that cannot be read.

    Raises:
        InputError: a language pack is not installed; the message has the line that installs it.
    """
    missing = [language for language in wanted if language not in known]
    if missing:
        packs = " ".join(f"tesseract-ocr-{code.replace('_', '-').lower()}" for code in missing)
        raise InputError(
            f"OCR language {missing[0]}",
            "its language pack is not installed",
            reason="ocr_language_missing",
            found=", ".join(sorted(known)) or "none",
            do=f"Run `sudo apt-get install {packs}`, or change ocr_languages, or `languages` of "
            "the source.",
        )


def installed_version() -> str:
    """The version of the program on PATH; empty when there is none."""
    if shutil.which(pytesseract.pytesseract.tesseract_cmd) is None:
        return ""
    try:
        return str(pytesseract.get_tesseract_version())
    except (TesseractNotFoundError, SystemExit):
        return ""
