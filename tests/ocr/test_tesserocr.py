"""Tesseract linked in reads what Tesseract reads, and is missed with a clear sentence."""

import os
import subprocess
import sys

import pytest

from lowdiff.errors import InputError, ServiceError
from lowdiff.ocr import tesserocr
from lowdiff.ocr.open import open_reader
from lowdiff.ocr.prepare import prepare
from lowdiff.ocr.stage import ocr_stage, stage_of
from lowdiff.ocr.tesserocr import check_tesserocr, load_tesserocr

linked = pytest.mark.skipif(
    not tesserocr.installed_version(), reason="tesserocr is not installed: lowdiff[tesserocr]"
)
pytestmark = pytest.mark.integration

TEXTS = ("SUMMER\nSALE", "Reading matters a lot\nin every small village", "Call 0800 123 456")


@linked
def test_both_bindings_of_tesseract_say_the_same_of_clean_print(written):
    ways = [open_reader(("eng",), (name,), timeout_s=60) for name in ("tesseract", "tesserocr")]
    for text in TEXTS:
        image = prepare(written(text, size_px=(900, 300))).image
        one, two = (way.engines[0].read(image, mode=3, item=text) for way in ways)
        assert [word.text for word in one] == [word.text for word in two] == text.split()
        assert [word.engine for word in two] == ["tesseract"] * len(two)
        for left, right in zip(one, two, strict=True):
            assert left.box == pytest.approx(right.box, abs=3)
            assert left.confidence == pytest.approx(right.confidence, abs=0.1)


@linked
def test_an_image_is_read_alike_whatever_was_read_before(written):
    engine = load_tesserocr(["eng"])
    pictures = [prepare(written(text, size_px=(900, 300))).image for text in TEXTS]
    first = engine.read(pictures[0], mode=3, item="it")
    for picture in pictures[1:]:
        engine.read(picture.convert("RGB"), mode=11, item="another")
    assert engine.read(pictures[0], mode=3, item="it") == first


@linked
def test_the_stage_of_the_settings_is_that_of_the_linked_engine():
    engines = ("rapidocr", "tesserocr")
    stage = stage_of(open_reader(("eng",), engines, timeout_s=60))
    assert stage.params_hash == ocr_stage(("eng",), engines).params_hash
    assert stage.params_hash != ocr_stage(("eng",), ("rapidocr", "tesseract")).params_hash


@linked
def test_a_language_that_is_not_there_names_the_package():
    with pytest.raises(InputError, match=r"apt-get install tesseract-ocr-tlh"):
        open_reader(("tlh",), ("tesserocr",), timeout_s=1)


@linked
def test_without_languages_at_all_the_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    tesserocr.languages_folder.cache_clear()
    try:
        with pytest.raises(ServiceError, match=r"TESSDATA_PREFIX"):
            check_tesserocr(["eng"])
    finally:
        tesserocr.languages_folder.cache_clear()


def test_where_it_is_not_installed_the_extra_is_named(tmp_path):
    (tmp_path / "tesserocr.py").write_text("raise ImportError('not here')")
    code = (
        "from lowdiff.errors import ServiceError\n"
        "from lowdiff.ocr.open import open_reader\n"
        "try:\n"
        "    open_reader(('eng',), ('tesserocr',), timeout_s=1)\n"
        "except ServiceError as error:\n"
        "    print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "lowdiff[tesserocr]" in said
