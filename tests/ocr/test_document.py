"""The metadata document: it says one thing only, and what lies in the store follows the schema."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lowdiff.errors import ContractError
from lowdiff.ocr.document import (
    SCHEMA_FILE,
    OcrDocument,
    Word,
    from_json,
    json_schema_text,
    mean_confidence,
    sure_share,
    text_of,
    to_json,
    to_record,
)

words = st.lists(
    st.builds(
        Word,
        text=st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=9),
        confidence=st.floats(0, 1),
        sure=st.booleans(),
        engine=st.sampled_from(["tesseract", "rapidocr+tesseract"]),
        rotation_deg=st.floats(-180, 180),
        x_px=st.integers(0, 50),
        y_px=st.integers(0, 50),
        w_px=st.integers(0, 50),
        h_px=st.integers(0, 50),
        line=st.integers(0, 3),
        block=st.just(0),
    ),
    max_size=6,
)

KNOWN = {"confidence": 1, "sure": True, "engine": "tesseract", "rotation_deg": 0}


def make(found: list[Word], **more) -> OcrDocument:
    values = {
        "image_id": "a" * 64,
        "width_px": 100,
        "height_px": 100,
        "engine": "tesseract",
        "engine_version": "5.3.0",
        "parameters": {"page_modes": [3, 11], "first_look": True},
        "languages": ["eng"],
        "words": found,
        "text": text_of(found),
        "mean_confidence": mean_confidence(found),
        "sure_share": sure_share(found),
        "needs_review": False,
        "seconds": 0.25,
    }
    return OcrDocument(**{**values, **more})


@given(words)
def test_a_document_comes_back_as_it_was_written(found):
    document = make(found)
    assert from_json(to_json(document), item="it") == document


def test_the_committed_schema_is_the_models():
    committed = files("lowdiff.ocr").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    assert committed == json_schema_text(), "run: python -m lowdiff.ocr.document"


def test_the_words_of_a_line_are_joined_by_spaces_and_lines_by_line_feeds():
    boxes = {**KNOWN, "x_px": 0, "y_px": 0, "w_px": 1, "h_px": 1, "block": 0}
    found = [
        Word(text="SALE", line=0, **boxes),
        Word(text="now", line=1, **boxes),
        Word(text="50%", line=0, **boxes),
    ]
    assert text_of(found) == "SALE 50%\nnow"


def test_a_document_that_contradicts_itself_cannot_be_made():
    with pytest.raises(ValidationError, match="not what the words say"):
        make([], text="something")
    outside = Word(text="a", **KNOWN, x_px=99, y_px=0, w_px=2, h_px=1, line=0, block=0)
    with pytest.raises(ValidationError, match="leaves the image"):
        make([outside])


def test_a_document_that_breaks_the_schema_is_not_written():
    broken = make([]).model_copy(update={"image_id": "engine"})
    with pytest.raises(ContractError, match="engine"):
        to_json(broken)


def test_a_path_is_told_only_where_there_is_one():
    assert "path" not in to_record(make([]))
    assert to_record(make([], path="a.png"))["path"] == "a.png"


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", json.dumps({"schema": "else/1"}).encode()])
def test_what_is_no_document_is_one_clear_error(body):
    with pytest.raises(ContractError, match=r"is no lowdiff\.ocr/2 document"):
        from_json(body, item="it")
