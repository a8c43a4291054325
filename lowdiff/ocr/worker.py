"""The other side of `processes.py`: a process that reads the pixels it is sent with RapidOCR.

A request is one line of JSON followed by the pixels, a picture's answer is one line of JSON:
`{"item": …, "mode": …, "width": …, "height": …}` + RGB bytes → `{"words": […]}` or
`{"reason": …, "problem": …}`.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

from PIL import Image

from lowdiff.errors import InputError, LowdiffError
from lowdiff.ocr.engine import Engine
from lowdiff.ocr.rapid import open_rapid


def main() -> None:
    """Load the engine, say so, serve until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not answer
    try:
        engine = open_rapid()
    except LowdiffError as error:
        _say(answers, {"reason": error.reason, "problem": error.problem})
        return
    _say(answers, {"version": engine.version})
    serve(engine, sys.stdin.buffer, answers)


def serve(engine: Engine, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request in its order."""
    while line := requests.readline():
        request = json.loads(line)
        size = (request["width"], request["height"])
        pixels = requests.read(size[0] * size[1] * 3)
        image = Image.frombytes("RGB", size, pixels)
        try:
            words = engine.read(image, mode=request["mode"], item=request["item"])
        except (InputError, MemoryError) as error:
            _say(answers, {"reason": "ocr_crashed", "problem": str(error) or "no memory left"})
        else:
            _say(answers, {"words": [asdict(word) for word in words]})


def _say(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
