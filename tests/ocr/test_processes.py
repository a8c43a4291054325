"""An engine elsewhere: what hangs or dies costs one image, and the next one is read."""

import sys

import pytest
from PIL import Image

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr.processes import EngineProcesses

ENGINE = """
import json, os, sys, time
print(json.dumps({"version": "1"}), flush=True)
while line := sys.stdin.buffer.readline():
    request = json.loads(line)
    pixels = sys.stdin.buffer.read(request["width"] * request["height"] * len(request["colours"]))
    if request["item"] == "hang":
        time.sleep(600)
    if request["item"] == "die":
        os._exit(1)
    word = {"text": str(sum(pixels)), "confidence": 1, "box": [0, 0, 1, 1], "line": [0, 0, 0],
            "engine": "fake", "rotation": 0}
    print(json.dumps({"words": [word]}), flush=True)
"""
SMALL = Image.new("RGB", (3, 2), (1, 0, 0))


def fake(timeout_s: float, code: str = ENGINE) -> EngineProcesses:
    command = [sys.executable, "-c", code]
    return EngineProcesses("fake", "1", timeout_s=timeout_s, command=command)


def test_pixels_go_there_and_words_come_back():
    engine = fake(60)
    assert [word.text for word in engine.read(SMALL, mode=1, item="a")] == ["6"]
    assert [word.text for word in engine.read(SMALL.convert("L"), mode=1, item="b")] == ["0"]
    engine.stop()


@pytest.mark.parametrize(
    ("item", "reason", "timeout_s"), [("hang", "ocr_timeout", 5), ("die", "ocr_crashed", 60)]
)
def test_what_hangs_or_dies_is_refused_and_the_next_image_is_read(item, reason, timeout_s):
    engine = fake(timeout_s)
    with pytest.raises(InputError, match=item) as caught:
        engine.read(SMALL, mode=1, item=item)
    assert caught.value.reason == reason
    assert engine.read(SMALL, mode=1, item="next")
    engine.stop()


@pytest.mark.parametrize("code", ["import sys; sys.exit(1)", 'print(\'{"problem": "no"}\')'])
def test_an_engine_that_cannot_start_is_a_broken_service(code):
    with pytest.raises(ServiceError, match="cannot be used"):
        fake(60, code).read(SMALL, mode=1, item="a")


def test_a_missing_program_is_a_broken_service(tmp_path):
    engine = EngineProcesses("fake", "1", timeout_s=1, command=[str(tmp_path / "none")])
    with pytest.raises(ServiceError, match="cannot be used"):
        engine.read(SMALL, mode=1, item="a")
