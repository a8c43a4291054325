"""The other side of `decoders.py`: a process that decodes what it is sent, one image at a time.

A message is one line of JSON; a request is followed by the bytes of the image:
`{"item": …, "size": bytes, "limits": {…}, "preview_px": …}` → `{"facts": {…}, "preview": bytes}`,
followed by the bytes of the preview, or `{"reason": …, "problem": …}`.
"""

import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

from lowdiff.errors import InputError
from lowdiff.ingest.facts import describe_image
from lowdiff.ingest.limits import Limits

MEMORY_LIMIT_BYTES = 3 << 30
"""Address space of the process; 50 megapixels take about 1 GB."""

READY = b"ready\n"
"""The first line of a worker."""


def main() -> None:
    """Serve requests until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _limit_memory()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not answer
    answers.write(READY)
    answers.flush()
    serve(sys.stdin.buffer, answers)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request in its order."""
    while line := requests.readline():
        request = json.loads(line)
        body = requests.read(request["size"])
        answer, preview = _answer(request, body)
        answers.write(json.dumps(answer).encode() + b"\n" + preview)
        answers.flush()


def _answer(request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    item = request["item"]
    try:
        found = describe_image(
            body, item=item, limits=Limits(**request["limits"]), preview_px=request["preview_px"]
        )
    except InputError as refusal:
        return {"reason": refusal.reason, "problem": str(refusal).removeprefix(f"{item}: ")}, b""
    except MemoryError:
        problem = "needs too much memory to decode"
        return {"reason": "too_much_memory", "problem": problem}, b""
    preview = found.preview or b""
    return {"facts": asdict(found.facts), "preview": len(preview)}, preview


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system can
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))


if __name__ == "__main__":
    main()
