"""The other side of `processes.py`: a process that reads the pixels it is sent with one engine.

Its arguments are the engine, `rapidocr` or `tesserocr`, and languages for the latter. A request is
one line of JSON followed by the pixels, a picture's answer is one line of JSON:
`{"item": …, "mode": …, "colours": "L" or "RGB", "width": …, "height": …}` + bytes →
`{"words": […]}` or `{"reason": …, "problem": …}`.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

from PIL import Image

from lowdiff.errors import InputError, LowdiffError
from lowdiff.ocr.engine import CRASHED, Engine


def main(arguments: Sequence[str]) -> None:
    """Load the engine, say so, serve until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not answer
    try:
        engine = _load(*arguments)
    except LowdiffError as error:
        _say(answers, {"reason": error.reason, "problem": error.problem})
        return
    _say(answers, {"version": engine.version})
    serve(engine, sys.stdin.buffer, answers)


def _load(name: str, *languages: str) -> Engine:
    if name == "tesserocr":
        from lowdiff.ocr.tesserocr import load_tesserocr

        return load_tesserocr(languages)
    from lowdiff.ocr.rapid import open_rapid

    return open_rapid()


def serve(engine: Engine, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request in its order."""
    while line := requests.readline():
        request = json.loads(line)
        size, colours = (request["width"], request["height"]), request["colours"]
        pixels = requests.read(size[0] * size[1] * len(colours))
        image = Image.frombytes(colours, size, pixels)
        try:
            words = engine.read(image, mode=request["mode"], item=request["item"])
        except (InputError, MemoryError) as error:
            problem = error.problem if isinstance(error, InputError) else "no memory is left"
            _say(answers, {"reason": CRASHED, "problem": problem})
        else:
            _say(answers, {"words": [asdict(word) for word in words]})


def _say(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
