"""Decode foreign images in processes of their own.

A file that hangs, eats memory or crashes a decoder costs one process, and the image is refused.
It also uses all cores: rendering an SVG holds the interpreter's lock.
"""

import contextlib
import json
import os
import queue
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.facts import Described, ImageFacts
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.memory import too_much_memory
from lowdiff.ingest.worker import READY

_PIPE_BYTES = 1 << 20
_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",  # each further arena maps 64 MB
    "MALLOC_MMAP_THRESHOLD_": str(8 << 20),  # a big picture's memory goes back when it is freed
    "MALLOC_TRIM_THRESHOLD_": str(32 << 20),
    "RAYON_NUM_THREADS": "1",
}
_OUT_OF_MEMORY = (b"memory allocation of", b"MemoryError")
"""What a decoder writes to its standard error before it ends for want of memory."""


class _DiedError(Exception):
    """The process ended without an answer; the message is the end of its standard error."""


class _Worker:
    """One process; it is started by the first image and again after each one that killed it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def ask(self, body: bytes, *, item: str, limits: Limits, preview_px: int | None) -> Described:
        """The answer of the process.

        A fresh one is asked again when it dies, or has no memory for what is left of it after
        earlier images: the verdict must not depend on the images before.

        Raises:
            InputError: the image is refused.
        """
        head = {"item": item, "size": len(body), "limits": vars(limits), "preview_px": preview_px}
        request = json.dumps(head).encode() + b"\n"
        for last in (False, True):
            fresh = self._process is None
            try:
                answer, preview = self._exchange(request, body, limits.timeout_s)
            except TimeoutError:
                self.stop()
                raise _slow(item, limits) from None
            except _DiedError as death:
                said = death.args[0]
                self.stop()
                if any(sign in said for sign in _OUT_OF_MEMORY):
                    raise too_much_memory(item, allowed_mb=limits.memory_mb) from death
                if last:  # once more: the system may have ended it for want of memory
                    raise _deadly(item) from death
                continue
            if "facts" in answer:
                facts = ImageFacts(**answer["facts"])
                return Described(facts, None if preview_px is None else preview)
            refusal = InputError(item, answer["problem"], reason=answer["reason"])
            if refusal.reason != "too_much_memory" or fresh or last:
                raise refusal
            self.stop()
        raise AssertionError("unreachable")

    def stop(self) -> None:
        process, self._process = self._process, None
        said, self._said = self._said, None
        if process is not None:
            process.kill()
            process.wait()
            _close_quietly(process.stdin)
            _close_quietly(process.stdout)
        _close_quietly(said)

    def _exchange(
        self, request: bytes, body: bytes, timeout_s: float
    ) -> tuple[dict[str, Any], bytes]:
        requests, answers = self._running()
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(BrokenPipeError):
            requests.write(request)
            requests.write(body)
            requests.flush()
        waiting = select.poll()
        waiting.register(answers, select.POLLIN)
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1e3):
            raise TimeoutError
        line = answers.readline()
        if not line.endswith(b"\n"):
            raise _DiedError(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        preview = answers.read(answer.get("preview", 0))
        if len(preview) < answer.get("preview", 0):
            raise _DiedError(self._last_words())
        return answer, preview

    def _running(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 -- stop() closes it
            self._process = _start(self._said)
            self._await_ready(self._process)
        return _pipes(self._process)

    def _await_ready(self, process: "subprocess.Popen[bytes]") -> None:
        """One that cannot start must not refuse images; it must not be left behind, either."""
        requests, answers = _pipes(process)
        ready = False
        try:
            ready = answers.readline() == READY
        finally:
            if not ready:
                self.stop()
        if not ready:
            raise ServiceError(
                "decoder",
                "does not start",
                reason="cannot_start",
                do=f"See what `{sys.executable} -m lowdiff.ingest.worker` says.",
            )
        _widen(requests)

    def _last_words(self) -> bytes:
        assert self._said is not None
        end = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, end - 4096))
        return self._said.read()


def _start(said: IO[bytes]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "lowdiff.ingest.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, **_ENVIRONMENT},
        )
    except OSError as error:
        raise ServiceError(
            "decoder", f"cannot be started ({error.strerror})", reason="cannot_start"
        ) from error


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _widen(pipe: IO[bytes]) -> None:
    """Most images in one write, where the system lets us."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


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
        """What `describe.describe_image` says, from a process that may die of it.

        Raises:
            InputError: the image is refused; `decode_timeout` and `decoder_died` tell that it hung
                or crashed.
            ServiceError: no process can be started.
        """
        limits.check_bytes(len(body), item=item)
        worker = self._idle.get()
        try:
            return worker.ask(body, item=item, limits=limits, preview_px=preview_px)
        finally:
            self._idle.put(worker)

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


_SAVE_ANEW = "Save the image anew with a graphics program."


def _slow(item: str, limits: Limits) -> InputError:
    allowed = f"{limits.timeout_s:g} s"
    problem = "takes too long to decode"
    return InputError(item, problem, reason="decode_timeout", allowed=allowed, do=_SAVE_ANEW)


def _deadly(item: str) -> InputError:
    return InputError(item, "crashes its decoder", reason="decoder_died", do=_SAVE_ANEW)


def _close_quietly(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(BrokenPipeError):  # what was left to write died with the process
            pipe.close()
