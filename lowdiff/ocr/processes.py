"""An engine in processes of its own: one that hangs or crashes costs one image, not the run."""

import contextlib
import json
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
from lowdiff.ocr.engine import RawWord

COMMAND = (sys.executable, "-m", "lowdiff.ocr.worker")
START_TIMEOUT_S = 120.0
"""Loading the models takes a second; on a busy machine it may take many."""


class EngineProcesses:
    """An `Engine` whose work is done elsewhere; use it from as many threads as you like.

    A process is started when a thread finds none idle, and again after an image that killed one.
    All end with this object or with `stop`.
    """

    def __init__(
        self,
        name: str,
        version: str,
        *,
        timeout_s: float,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.name = name
        self.version = version
        self._timeout_s = timeout_s
        self._command = tuple(command)
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        self.stop = weakref.finalize(self, _stop_all, self._idle)

    def read(self, image: Image.Image, *, mode: int, item: str) -> list[RawWord]:
        """Read one image, as the engine would.

        Raises:
            InputError: the engine took longer than the timeout (`ocr_timeout`) or died of it
                (`ocr_crashed`).
            ServiceError: no process can be started.
        """
        process = self._take()
        try:
            answer = process.ask(image, mode=mode, item=item, timeout_s=self._timeout_s)
        except BaseException:  # Ctrl-C too: its next answer would be that of another image
            process.stop()
            raise
        self._idle.put(process)
        if "words" not in answer:
            raise InputError(item, answer["problem"], reason=answer["reason"])
        return [_word(fields) for fields in answer["words"]]

    def _take(self) -> "_Process":
        try:
            return self._idle.get_nowait()
        except queue.Empty:
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
            )
        except OSError as error:
            raise _cannot_start(name, str(error.strerror)) from error
        line, _ = self._answer_within(START_TIMEOUT_S)
        ready = json.loads(line) if line.endswith(b"\n") else {"problem": "it does not start"}
        if "version" not in ready:
            self.stop()
            raise _cannot_start(name, ready["problem"])

    def ask(self, image: Image.Image, *, mode: int, item: str, timeout_s: float) -> dict[str, Any]:
        rgb = image.convert("RGB")
        head = {"item": item, "mode": mode, "width": rgb.width, "height": rgb.height}
        line, was_killed = self._answer_within(
            timeout_s, json.dumps(head).encode() + b"\n", rgb.tobytes()
        )
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        if was_killed:
            raise InputError(
                item,
                f"{self._name} took longer than {timeout_s:g} s and was stopped",
                reason="ocr_timeout",
                do="Raise ocr_timeout_s to give it more time.",
            )
        raise InputError(item, f"{self._name} crashed on it", reason="ocr_crashed")

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
        do="Run `pip install rapidocr onnxruntime`, or take it out of ocr_engines.",
    )
