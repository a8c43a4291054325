"""An engine in processes of its own: one that hangs or crashes costs one image, not the run."""

import contextlib
import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from typing import IO, Any

from PIL import Image

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr.engine import CRASHED, RawWord, hung

COMMAND = (sys.executable, "-m", "lowdiff.ocr.worker")
START_TIMEOUT_S = 120.0
"""Loading the models takes a second; on a busy machine it may take many."""
ENVIRONMENT = {"OMP_THREAD_LIMIT": "1"}
"""Images are read side by side: further threads would only wait for each other."""


class _DiedError(Exception):
    """The process ended without an answer."""


class EngineProcesses:
    """A `StoppableEngine` whose work is done elsewhere; use it from as many threads as you like.

    A process is started when a thread finds none idle, and again after an image that killed one.
    All end with this object or with `stop`.
    """

    def __init__(
        self,
        name: str,
        version: str,
        *,
        timeout_s: float,
        command: Sequence[str],
    ) -> None:
        self.name = name
        self.version = version
        self._timeout_s = timeout_s
        self._command = tuple(command)
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        self.stop = weakref.finalize(self, _stop_all, self._idle)

    def read(
        self, image: Image.Image, *, mode: int, item: str, timeout_s: float = math.inf
    ) -> list[RawWord]:
        """Read one image, as the engine would.

        A process that dies is no proof against the image: the system may have ended it for want of
        memory, or long before. So a fresh one is asked once more.

        Raises:
            InputError: the engine took longer than this or its own timeout (`ocr_timeout`), or
                died of it twice (`ocr_crashed`).
            ServiceError: no process can be started.
        """
        limit_s = min(timeout_s, self._timeout_s)
        try:
            answer = self._ask(self._take(), image, mode=mode, item=item, timeout_s=limit_s)
        except _DiedError:
            try:
                answer = self._ask(self._start(), image, mode=mode, item=item, timeout_s=limit_s)
            except _DiedError:
                raise InputError(item, f"{self.name} crashed on it", reason=CRASHED) from None
        if "words" not in answer:
            raise InputError(item, answer["problem"], reason=answer["reason"])
        return [_word(fields) for fields in answer["words"]]

    def _ask(
        self,
        process: "_Process",
        image: Image.Image,
        *,
        mode: int,
        item: str,
        timeout_s: float = math.inf,
    ) -> dict[str, Any]:
        try:
            answer = process.ask(image, mode=mode, item=item, timeout_s=timeout_s)
        except BaseException:  # Ctrl-C too: its next answer would be that of another image
            process.stop()
            raise
        self._idle.put(process)
        return answer

    def _take(self) -> "_Process":
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._start()

    def _start(self) -> "_Process":
        return _Process(self._command, self.name)


class _Process:
    """One process that has said that it is ready."""

    def __init__(self, command: Sequence[str], name: str) -> None:
        self._name = name
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **ENVIRONMENT},
            )
        except OSError as error:
            raise _cannot_start(name, str(error.strerror)) from error
        line, _ = self._answer_within(START_TIMEOUT_S)
        ready = json.loads(line) if line.endswith(b"\n") else {"problem": "it does not start"}
        if "version" not in ready:
            self.stop()
            raise _cannot_start(name, ready["problem"])

    def ask(self, image: Image.Image, *, mode: int, item: str, timeout_s: float) -> dict[str, Any]:
        """The answer to one picture.

        Raises:
            InputError: it took longer than `timeout_s`, and the process was killed.
            _DiedError: the process died by itself.
        """
        pixels = image if image.mode == "L" else image.convert("RGB")
        size = {"width": pixels.width, "height": pixels.height}
        head = {"item": item, "mode": mode, "colours": pixels.mode, **size}
        line, was_killed = self._answer_within(
            timeout_s, json.dumps(head).encode() + b"\n", pixels.tobytes()
        )
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        raise hung(item, self._name, timeout_s) if was_killed else _DiedError

    def _answer_within(self, timeout_s: float, *said: bytes) -> tuple[bytes, bool]:
        """One line, empty or cut when the process died; and whether we had to kill it."""
        requests, answers = self._pipes()
        alarm = threading.Timer(timeout_s, self._process.kill)
        deadline = time.monotonic() + timeout_s
        alarm.start()
        try:
            for part in said:
                requests.write(part)
            requests.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = b""
        finally:
            alarm.cancel()
        return line, time.monotonic() >= deadline

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes():
            with contextlib.suppress(BrokenPipeError):  # what was left to write died with it
                pipe.close()


def _stop_all(idle: "queue.LifoQueue[_Process]") -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            idle.get_nowait().stop()


def _word(fields: dict[str, Any]) -> RawWord:
    x, y, width, height = fields["box"]
    block, paragraph, line = fields["line"]
    return RawWord(
        text=fields["text"],
        confidence=fields["confidence"],
        box=(x, y, width, height),
        line=(block, paragraph, line),
        engine=fields["engine"],
        rotation=fields["rotation"],
    )


def _cannot_start(name: str, problem: str) -> ServiceError:
    return ServiceError(
        name,
        f"cannot be used: {problem}",
        reason="ocr_engine_missing",
        do="See what `python -m lowdiff.ocr.worker` says, or take it out of ocr_engines.",
    )
