"""The other side of `decoders.py`: a process that decodes what it is sent, one image at a time.

A message is one line of JSON; a request is followed by the bytes of the image:
`{"item": …, "size": bytes, "limits": {…}, "preview_px": …}` → `{"facts": {…}, "preview": bytes}`,
followed by the bytes of the preview, or `{"reason": …, "problem": …}`.
"""

import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

from lowdiff.errors import InputError
from lowdiff.ingest.facts import Described
from lowdiff.ingest.limits import Limits

READY = b"ready\n"
"""The first line of a worker."""


def main() -> None:
    """Serve requests until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    warnings.simplefilter("ignore")  # readers complain about files; the verdict tells enough
    logging.disable(logging.CRITICAL)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not answer
    from lowdiff.ingest.describe import describe_image  # not for the parent, and within the limit
    from lowdiff.ingest.memory import limit_own_memory

    allowed_mb = Limits().memory_mb
    limit_own_memory(allowed_mb)

    def describe(body: bytes, *, limits: Limits, **about: Any) -> Described:
        nonlocal allowed_mb
        if limits.memory_mb != allowed_mb:  # another source allows more pixels, or fewer
            allowed_mb = limits.memory_mb
            limit_own_memory(allowed_mb)
        return describe_image(body, limits=limits, **about)

    answers.write(READY)
    answers.flush()
    serve(sys.stdin.buffer, answers, describe)


def serve(requests: BinaryIO, answers: BinaryIO, describe: Callable[..., Described]) -> None:
    """Answer each request in its order."""
    while line := requests.readline():
        answer, preview = _answer(json.loads(line), requests, describe)
        answers.write(json.dumps(answer).encode() + b"\n" + preview)
        answers.flush()


def _answer(
    request: dict[str, Any], requests: BinaryIO, describe: Callable[..., Described]
) -> tuple[dict[str, Any], bytes]:
    item = request["item"]
    try:
        found = describe(
            requests.read(request["size"]),
            item=item,
            limits=Limits(**request["limits"]),
            preview_px=request["preview_px"],
        )
    except InputError as refusal:
        return {"reason": refusal.reason, "problem": str(refusal).removeprefix(f"{item}: ")}, b""
    preview = found.preview or b""
    return {"facts": vars(found.facts), "preview": len(preview)}, preview


if __name__ == "__main__":
    main()
