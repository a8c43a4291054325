"""Real engines that are stopped or killed, and engines that hang: the image pays, not the run."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest
from PIL import Image

from lowdiff.catalog.artifacts import payloads
from lowdiff.errors import InputError
from lowdiff.ocr.engine import RawWord, StoppableEngine
from lowdiff.ocr.open import open_reader
from lowdiff.ocr.prepare import prepare
from lowdiff.ocr.processes import EngineProcesses
from lowdiff.ocr.read import read_batch
from lowdiff.ocr.reader import Reader, read_image
from lowdiff.ocr.stage import stage_of
from lowdiff.ocr.tesserocr import installed_version
from tests.ocr.conftest import png

pytestmark = pytest.mark.integration

ENGINE = """
import json, os, sys, time
hang, die, pause_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
print(json.dumps({"version": "1"}), flush=True)
while line := sys.stdin.buffer.readline():
    request = json.loads(line)
    sys.stdin.buffer.read(request["width"] * request["height"] * len(request["colours"]))
    if request["item"] == hang:
        time.sleep(600)
    if request["item"] == die:
        os._exit(1)
    time.sleep(pause_s)
    word = {"text": "word", "confidence": 0.9, "box": [50, 50, 90, 30], "line": [0, 0, 0],
            "engine": "tesseract", "rotation": 0}
    print(json.dumps({"words": [word]}), flush=True)
"""


def fake_reader(*, hang="", die="", pause_s=0.0, timeout_s=5.0, image_timeout_s=60.0) -> Reader:
    command = [sys.executable, "-c", ENGINE, hang, die, str(pause_s)]
    engine = EngineProcesses("tesseract", "fake", timeout_s=timeout_s, command=command)
    return Reader((engine,), ("eng",), timeout_s=image_timeout_s, first_look=False)


@dataclass(frozen=True)
class Started:
    """An engine that has read one image, its process, and what it read."""

    engine: StoppableEngine
    process: psutil.Process
    image: Image.Image
    mode: int
    words: list[RawWord]

    def read_again(self, **limits: float) -> list[RawWord]:
        return self.engine.read(self.image, mode=self.mode, item="again", **limits)


@pytest.fixture(params=["rapidocr", "tesserocr"])
def started(request, written) -> Iterator[Started]:
    name: str = request.param
    if name == "tesserocr" and not installed_version():
        pytest.skip("tesserocr is not installed: lowdiff[tesserocr]")
    engine = open_reader(("eng",), (name,), timeout_s=60).engines[0]
    image, mode = prepare(written("HARBOUR")).image, 640 if name == "rapidocr" else 3
    others = set(psutil.Process().children())
    words = engine.read(image, mode=mode, item="first")
    (process,) = set(psutil.Process().children()) - others
    yield Started(engine, process, image, mode, words)
    engine.stop()


def test_a_killed_engine_is_started_again_and_reads_the_same(started):
    assert [word.text for word in started.words] == ["HARBOUR"]
    os.kill(started.process.pid, signal.SIGKILL)
    assert started.read_again() == started.words


def test_a_stopped_engine_costs_one_image(started):
    os.kill(started.process.pid, signal.SIGSTOP)
    with pytest.raises(InputError, match="took longer than") as caught:
        started.read_again(timeout_s=2)
    assert caught.value.reason == "ocr_timeout"
    assert not started.process.is_running()
    assert started.read_again() == started.words


def test_a_batch_goes_on_behind_images_that_hang_or_kill_the_engine(catalog, store, keep, written):
    hangs, kills, fine = (keep(written(text)) for text in ("one", "two", "three"))
    reader = fake_reader(hang=hangs, die=kills, timeout_s=3)
    report = read_batch([hangs, kills, fine], catalog=catalog, store=store, reader=reader)
    assert (report.read, report.refused) == (1, 2)
    with catalog.read() as session:
        assert list(payloads(session, stage_of(reader))) == [fine]


def test_all_readings_of_one_image_together_have_a_limit():
    long_page = Image.new("RGB", (300, 20000), "white")  # some ten tiles
    reader = fake_reader(pause_s=1, timeout_s=30, image_timeout_s=3)
    with pytest.raises(InputError, match="together took too long") as caught:
        read_image(png(long_page), "png", image_id="0" * 64, size_px=long_page.size, reader=reader)
    assert caught.value.reason == "ocr_timeout"
    assert "ocr_image_timeout_s" in str(caught.value)
