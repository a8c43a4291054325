"""PP-OCR through rapidocr and ONNX Runtime: pixels in, raw words out. Nothing else touches it.

The models lie in rapidocr's wheel; nothing is fetched.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from PIL import Image

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr.engine import Box, RawWord

NAME = "rapidocr"
MIN_SCORE = 0.3
"""Lines that the engine itself trusts less are not told."""
Quad = Sequence[Sequence[float]]


class RapidOcr:
    """The engine, its models loaded; make it with `open_rapid`.

    The `mode` of `read` is the longest side, in pixels, at which lines are searched for: the time
    grows with its square. Lines are read from the image as it was given.
    """

    name = NAME

    def __init__(self, engine: Any, engine_version: str) -> None:
        self._engine = engine
        self.version = engine_version
        self._lock = threading.Lock()  # the search size is an attribute of the one engine

    def read(self, image: Image.Image, *, mode: int, item: str) -> list[RawWord]:
        """Read one image; lines are told from top to bottom, each in a block of its own.

        Args:
            image: L or RGB.
            mode: longest side of the search for lines, in pixels.
            item: id or path for messages.

        Raises:
            InputError: the engine failed on this image.
        """
        bgr = np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1])
        try:
            with self._lock:
                self._engine._load_det_model().limit_side_len = mode
                said = self._engine(bgr)
        except Exception as error:
            raise InputError(
                item, f"RapidOCR failed on it ({error})", reason="ocr_crashed"
            ) from error
        if said.txts is None:
            return []
        return [
            word
            for line in range(len(said.txts))
            for word in _words(
                said.txts[line], said.scores[line], said.boxes[line], said.word_results[line], line
            )
        ]


def open_rapid() -> RapidOcr:
    """Load the models; about a second and 200 MB.

    Raises:
        ServiceError: rapidocr or onnxruntime is not installed.
    """
    try:
        found = f"{version('rapidocr')} (onnxruntime {version('onnxruntime')})"
        from rapidocr import RapidOCR
    except (PackageNotFoundError, ImportError) as error:
        raise ServiceError(
            "rapidocr",
            f"cannot be used ({error})",
            reason="ocr_engine_missing",
            do="Run `pip install rapidocr onnxruntime`, or take it out of ocr_engines.",
        ) from error
    threads = "EngineConfig.onnxruntime.{}_op_num_threads"
    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": MIN_SCORE,
            "Global.max_side_len": 1 << 16,  # the size is ours to choose
            "Global.return_word_box": True,
            "Global.return_single_char_box": True,
            "Det.limit_type": "max",
            threads.format("intra"): 1,  # images are read side by side instead
            threads.format("inter"): 1,
        }
    )
    return RapidOcr(engine, found)


def _words(
    text: str, score: float, quad: Quad, characters: Sequence[tuple[str, float, Quad]], line: int
) -> Iterator[RawWord]:
    """Split a line at its spaces; a word's confidence is that of its worst letter."""
    turn = _rotation(quad)
    tokens = text.split()
    has_letters = len(characters) == sum(map(len, tokens))  # spaces have no box
    place = 0
    for token in tokens:
        of_word = characters[place : place + len(token)] if has_letters else ()
        place += len(token)
        confidence = min((float(one[1]) for one in of_word), default=float(score))
        yield RawWord(
            text=token,
            confidence=min(confidence, 1.0),
            box=_around([one[2] for one in of_word] or [quad]),
            line=(line, 0, 0),
            engine=NAME,
            rotation=turn,
        )


def _around(quads: Sequence[Quad]) -> Box:
    points = np.concatenate([np.asarray(quad, dtype=float) for quad in quads])
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)


def _rotation(quad: Quad) -> float:
    """Angle of the long side of a line, in degrees clockwise; 0 below two degrees."""
    corners = np.asarray(quad, dtype=float)
    along, down = corners[1] - corners[0], corners[3] - corners[0]
    if np.hypot(*down) >= 1.5 * np.hypot(*along):  # written upwards or downwards
        along = down
    angle = math.degrees(math.atan2(along[1], along[0]))
    return 0.0 if abs(angle) < 2 else round(angle, 1)
