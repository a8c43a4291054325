"""Tesseract through pytesseract: pixels in, raw words out. Nothing else touches pytesseract."""

import os
import shutil
from dataclasses import dataclass

import pytesseract
from PIL import Image
from pytesseract import Output, TesseractError, TesseractNotFoundError

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr.engine import RawWord

NAME = "tesseract"

# Tesseract's own threads make one image slower than one thread does; batches run images side by
# side instead. Only the engine gets this environment: ours stays as it is.
pytesseract.pytesseract.environ = {**os.environ, "OMP_THREAD_LIMIT": "1"}


@dataclass(frozen=True)
class Tesseract:
    """An engine that was found to be there; make it with `open_tesseract`.

    The `mode` of `read` is Tesseract's page segmentation mode (`--psm`, 0..13).
    """

    languages: tuple[str, ...]
    timeout_s: float
    version: str
    name: str = NAME

    def read(self, image: Image.Image, *, mode: int, item: str) -> list[RawWord]:
        """Read one greyscale image in a process of its own.

        Args:
            mode: Tesseract's `--psm`, 0..13.
            item: id or path for messages.

        Raises:
            InputError: the engine hung longer than `timeout_s` (and was killed) or crashed.
        """
        try:
            table = pytesseract.image_to_data(
                image,
                lang="+".join(self.languages),
                config=f"--psm {mode}",
                timeout=self.timeout_s,
                output_type=Output.DICT,
            )
        except TesseractError as error:
            raise InputError(
                item, f"Tesseract failed on it ({error.message})", reason="ocr_crashed"
            ) from error
        except RuntimeError as error:  # pytesseract's way to tell a timeout
            raise InputError(
                item,
                f"Tesseract took longer than {self.timeout_s:g} s and was stopped",
                reason="ocr_timeout",
                do="Raise ocr_timeout_s to give it more time.",
            ) from error
        return [_word(table, row) for row in range(len(table["text"])) if _is_word(table, row)]


def open_tesseract(languages: tuple[str, ...], *, timeout_s: float) -> Tesseract:
    """Find the engine and check that it knows the languages.

    Args:
        languages: Tesseract's codes, such as `eng` or `deu`.
        timeout_s: for one reading of one image.

    Raises:
        ServiceError: Tesseract is not installed.
        InputError: a language pack is not installed.
    """
    if shutil.which(pytesseract.pytesseract.tesseract_cmd) is None:
        raise _not_installed()
    try:
        version = str(pytesseract.get_tesseract_version())
        known = pytesseract.get_languages()
    except (TesseractNotFoundError, SystemExit) as error:
        raise _not_installed() from error
    missing = [language for language in languages if language not in known]
    if missing:
        packs = " ".join(f"tesseract-ocr-{code.replace('_', '-')}" for code in missing)
        raise InputError(
            f"OCR language {missing[0]}",
            "its language pack is not installed",
            reason="ocr_language_missing",
            found=", ".join(sorted(known)) or "none",
            do=f"Run `sudo apt-get install {packs}`, or change ocr_languages.",
        )
    return Tesseract(languages=languages, timeout_s=timeout_s, version=version)


def installed_version() -> str:
    """The version of the program on PATH; empty when there is none."""
    if shutil.which(pytesseract.pytesseract.tesseract_cmd) is None:
        return ""
    return str(pytesseract.get_tesseract_version())


def _not_installed() -> ServiceError:
    return ServiceError(
        "tesseract",
        "the program is not installed or not on PATH",
        reason="ocr_engine_missing",
        do="Run `sudo apt-get install tesseract-ocr`.",
    )


def _is_word(table: dict[str, list[str]], row: int) -> bool:
    return float(table["conf"][row]) >= 0 and bool(table["text"][row].strip())


def _word(table: dict[str, list[str]], row: int) -> RawWord:
    x, y, width, height = (float(table[key][row]) for key in ("left", "top", "width", "height"))
    block, paragraph, line = (int(table[key][row]) for key in ("block_num", "par_num", "line_num"))
    return RawWord(
        text=table["text"][row].strip(),
        confidence=min(1.0, float(table["conf"][row]) / 100),
        box=(x, y, width, height),
        line=(block, paragraph, line),
        engine=NAME,
    )
