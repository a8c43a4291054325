"""Documents leave in other forms, and say the same there."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ocr.archive import ALTO, XHTML, to_alto, to_hocr
from lowdiff.ocr.document import Word, to_record
from lowdiff.ocr.draw import as_page, as_picture, colour, draw_document
from lowdiff.ocr.export import export_documents
from tests.ocr.test_document import KNOWN, make, words


def in_order(found: list[Word]) -> list[Word]:
    return sorted(found, key=lambda word: (word.block, word.line))


@given(words)
def test_hocr_holds_every_word_with_its_box(found):
    page = ElementTree.fromstring(to_hocr(make(found)).split("\n", 1)[1])
    spans = page.findall(f".//{{{XHTML}}}span[@class='ocrx_word']")
    assert [span.text for span in spans] == [word.text for word in in_order(found)]
    for span, word in zip(spans, in_order(found), strict=True):
        box = f"bbox {word.x_px} {word.y_px} {word.x_px + word.w_px} {word.y_px + word.h_px}"
        assert span.get("title", "").startswith(box + "; x_wconf ")


@given(words)
def test_alto_holds_every_word_with_its_confidence(found):
    alto = ElementTree.fromstring(to_alto(make(found)).split("\n", 1)[1])
    strings = alto.findall(f".//{{{ALTO}}}String")
    assert [one.get("CONTENT") for one in strings] == [word.text for word in in_order(found)]
    for one, word in zip(strings, in_order(found), strict=True):
        assert float(one.get("WC", "")) == pytest.approx(word.confidence, abs=1e-4)
        assert (one.get("HPOS"), one.get("WIDTH")) == (str(word.x_px), str(word.w_px))


def test_turned_lines_say_so_counterclockwise():
    box = {"x_px": 1, "y_px": 2, "w_px": 3, "h_px": 4, "block": 0}
    upright = Word(text="up", **KNOWN, **box, line=0)
    turned = Word(text="turned", **{**KNOWN, "rotation_deg": 12.5}, **box, line=1)
    assert to_hocr(make([upright, turned])).count("textangle -12.5") == 1
    assert "ROTATION" not in to_alto(make([upright, turned]))
    assert 'ROTATION="-12.5"' in to_alto(make([turned]))


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_one_file_holds_all_documents(tmp_path: Path, form):
    box = {"x_px": 1, "y_px": 2, "w_px": 3, "h_px": 4, "line": 0, "block": 0}
    documents = [make([]), make([Word(text="SALE", **KNOWN, **box)], path="a.png")]
    path = tmp_path / "deep" / f"all.{form}"
    assert export_documents(iter(documents), form, path) == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    if form == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert rows == [to_record(document) for document in documents]
    else:
        rows = pq.read_table(path).to_pylist()
        assert [row["text"] for row in rows] == ["", "SALE"]
        assert rows[1]["words"] == to_record(documents[1])["words"]


@pytest.mark.parametrize("form", ["hocr", "alto"])
def test_archives_get_one_file_an_image(tmp_path: Path, form):
    documents = [make([]), make([], image_id="b" * 64)]
    assert export_documents(iter(documents), form, tmp_path / "out") == 2
    for path in (tmp_path / "out").iterdir():
        assert ElementTree.fromstring(path.read_text().split("\n", 1)[1]) is not None


def test_a_target_that_cannot_be_written_is_one_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        export_documents(iter([]), "jsonl", tmp_path / "file" / "all.jsonl")


def test_boxes_are_drawn_where_the_words_are(tmp_path: Path):
    box = {"x_px": 40, "y_px": 60, "w_px": 30, "h_px": 20, "line": 0, "block": 0}
    word = Word(text="<b>", **KNOWN, **box)
    document = make([word])
    white = Image.new("RGBA", (200, 200), "white")
    picture = as_picture(document, white)
    scale = picture.width / 100
    assert picture.getpixel((round(40 * scale), round(70 * scale))) == (0x1A, 0x7F, 0x37)
    page = as_page(document, white)
    assert "left:40.000%;top:60.000%" in page
    assert "<b>" not in page
    assert colour(word.model_copy(update={"sure": False, "confidence": 0.5})) == "#c62828"
    draw_document(document, white, tmp_path / "a.png")
    draw_document(document, white, tmp_path / "a.html")
    with Image.open(tmp_path / "a.png") as drawn:
        assert drawn.size == picture.size
    with pytest.raises(InputError, match=r"\.png, \.html"):
        draw_document(document, white, tmp_path / "a.gif")
