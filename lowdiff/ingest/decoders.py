"""Decode foreign images in processes of their own.

A file that hangs, eats memory or crashes a decoder costs one process, and the image is refused.
It also uses all cores: rendering an SVG holds the interpreter's lock.
"""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import IO, Any

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.facts import Described, ImageFacts
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.worker import READY


class _Worker:
    """One process; it is started by the first image and again after each one that killed it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(
        self, body: bytes, *, item: str, limits: Limits, preview_px: int | None
    ) -> tuple[dict[str, Any], bytes] | None:
        """The answer, or None when the process died.

        Raises:
            InputError: it took too long.
        """
        process, requests, answers = self._running()
        head = {
            "item": item,
            "size": len(body),
            "limits": asdict(limits),
            "preview_px": preview_px,
        }
        alarm = threading.Timer(limits.timeout_s, process.kill)
        deadline = time.monotonic() + limits.timeout_s
        alarm.start()
        try:
            requests.write(json.dumps(head).encode() + b"\n")
            requests.write(body)
            requests.flush()
            line = answers.readline()
            answer: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
            preview = answers.read(answer.get("preview", 0))
        except BrokenPipeError:
            answer, preview = {}, b""
        finally:
            alarm.cancel()
        if not answer or len(preview) < answer.get("preview", 0):
            self.stop()
            if time.monotonic() >= deadline:
                raise _refused(item, "takes too long to decode", "decode_timeout", limits)
            return None
        return answer, preview

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        _close_quietly(process.stdin)
        _close_quietly(process.stdout)

    def _running(self) -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._process = _start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        return process, process.stdin, process.stdout


def _start() -> "subprocess.Popen[bytes]":
    """A process that has said that it is ready: one that cannot start must not refuse images."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "lowdiff.ingest.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff and others print there
        )
    except OSError as error:
        raise ServiceError(
            "decoder", f"cannot be started ({error.strerror})", reason="cannot_start"
        ) from error
    assert process.stdout is not None
    if process.stdout.readline() != READY:
        process.kill()
        raise ServiceError(
            "decoder",
            "does not start",
            reason="cannot_start",
            do=f"See what `{sys.executable} -m lowdiff.ingest.worker` says.",
        )
    return process


class Decoders:
    """A few decoder processes; use it from as many threads as you like."""

    def __init__(self, processes: int) -> None:
        self._all = [_Worker() for _ in range(processes)]
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for worker in self._all:
            self._idle.put(worker)

    def describe(
        self, body: bytes, *, item: str, limits: Limits, preview_px: int | None = None
    ) -> Described:
        """What `facts.describe_image` says, from a process that may die of it.

        Raises:
            InputError: the image is refused; `decode_timeout` and `decoder_died` tell that it hung
                or crashed.
            ServiceError: no process can be started.
        """
        limits.check_bytes(len(body), item=item)
        worker = self._idle.get()
        try:
            said = worker.ask(body, item=item, limits=limits, preview_px=preview_px)
            if said is None:  # once more: the system may have ended it for want of memory
                said = worker.ask(body, item=item, limits=limits, preview_px=preview_px)
        finally:
            self._idle.put(worker)
        if said is None:
            raise _refused(item, "crashes its decoder", "decoder_died", limits)
        answer, preview = said
        if "facts" not in answer:
            raise InputError(item, answer["problem"], reason=answer["reason"])
        facts = ImageFacts(**answer["facts"])
        return Described(facts, preview if preview_px is not None else None)

    def stop(self) -> None:
        """End the processes."""
        for worker in self._all:
            worker.stop()


@contextmanager
def open_decoders(processes: int) -> Iterator[Decoders]:
    """Decoder processes that end with the block; each starts with its first image."""
    decoders = Decoders(max(1, processes))
    try:
        yield decoders
    finally:
        decoders.stop()


def _refused(item: str, problem: str, reason: str, limits: Limits) -> InputError:
    return InputError(
        item,
        problem,
        reason=reason,
        allowed=f"{limits.timeout_s:g} s",
        do="Save the image anew with a graphics program.",
    )


def _close_quietly(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError):  # what was left to write died with the process
            pipe.close()
