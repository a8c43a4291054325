"""The stage waits for OCR, drafts each image once, and resumes after a kill to the same facts."""

import io
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from sqlalchemy import delete, select

from lowdiff.catalog.artifacts import Outcome, counts, payloads, record
from lowdiff.catalog.images import add_image
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import Artifact, Image, LabelEvent, Sighting
from lowdiff.labels.accept.calibrate import Calibration, Calibrator
from lowdiff.labels.drafts.caption import parse_caption, short_form
from lowdiff.labels.drafts.draft import DraftReport, draft_batch, draft_stage, pending_draft
from lowdiff.labels.drafts.fields import (
    Drafted,
    SourceWords,
    draft_brand,
    draft_fields,
    draft_logo,
    draft_transcription,
)
from lowdiff.labels.drafts.fields import Picture as Seen
from lowdiff.labels.schema import load_schema, validate_value
from lowdiff.ocr.read import ocr_stage, open_reader, read_batch
from lowdiff.store import image_key, sha256_hex

OCR = ocr_stage(("eng",))
SCHEMA = load_schema()

Keep = Callable[..., str]


def ball(ink=(220, 30, 30, 255), *, ground=(0, 0, 0, 0), words: str = "") -> Picture.Image:
    picture = Picture.new("RGBA", (300, 300), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((60, 60, 240, 240), fill=ink)
    draw.text((95, 20), words, fill=(0, 0, 0, 255), font=ImageFont.load_default(30))
    return picture


@pytest.fixture
def keep(catalog, store, now) -> Keep:
    def put(picture: Picture.Image, *, title: str | None = None, tags: tuple[str, ...] = ()) -> str:
        file = io.BytesIO()
        picture.save(file, format="PNG")
        body = file.getvalue()
        image_id = sha256_hex(body)
        store.put(image_key(image_id, "png"), body)
        image = Image(
            id=image_id, pixel_hash=image_id, format="png", width_px=picture.width,
            height_px=picture.height, size_bytes=len(body), has_alpha=True, created_at=now,
        )  # fmt: skip
        sighting = Sighting(
            image_id=image_id, source="own", url=image_id, licence="CC0-1.0",
            attribution="nobody", title=title, tags=list(tags), evidence={}, seen_at=now,
        )  # fmt: skip
        with catalog.write() as session:
            add_image(session, image, sighting)
        return image_id

    return put


@pytest.fixture
def tools(catalog, store):
    return {"catalog": catalog, "store": store, "ocr": OCR, "schema": SCHEMA}


def read_all(catalog, store, image_ids) -> None:
    reader = open_reader(("eng",), timeout_s=60)
    read_batch(image_ids, catalog=catalog, store=store, reader=reader, workers=2)


def facts(catalog):
    """All that drafting leaves behind, without times and row numbers."""
    with catalog.read() as session:
        events = session.scalars(select(LabelEvent)).all()
        said = {(e.event_key, e.image_id, e.field, str(e.value), e.confidence) for e in events}
        return payloads(session, draft_stage(OCR, SCHEMA)), said


@pytest.mark.integration
def test_a_red_ball_is_drafted_as_what_it_is(catalog, store, keep, tools):
    plain = keep(ball(ground=(255, 255, 255, 255), words="SALE"), title="ball")
    clear = keep(ball((128, 128, 128, 255)))
    assert pending_draft(catalog, ocr=OCR, schema=SCHEMA) == []  # OCR comes first
    read_all(catalog, store, [plain, clear])
    assert pending_draft(catalog, ocr=OCR, schema=SCHEMA) == sorted([plain, clear])
    report = draft_batch([plain, clear], workers=2, **tools)
    assert (report.drafted, report.refused) == (2, 0)
    assert report.labels == 2 * len(SCHEMA.fields)
    assert report.fields["background"].values == {"plain": 1, "transparent": 1}
    with catalog.read() as session:
        labels = current_labels(session)
    values = {name: label.value for name, label in labels[plain].items()}
    assert values == {
        "background": "plain",
        "background_colour": "white",
        "layout": "centred",
        "figure_count": "one",
        "figure_size": "medium",
        "saturation": "vivid",
        "palette": ["red"],
        "style": "flat",
        "logo": "none",
        "brand": "",
        "transcription": "SALE",
        "quality": "good",
        "caption": values["caption"],
        "flags": [],
    }
    assert values["caption"] == (
        "A ball, one medium-sized centred figure in vivid red on a plain white background, "
        'with the words "SALE".'
    )
    assert labels[plain]["caption"].confidence == 0.9
    assert labels[plain]["caption"].actor.startswith("source-caption/")
    assert labels[clear]["caption"].confidence == 0.3
    assert labels[clear]["caption"].actor.startswith("caption-template/")
    assert short_form(labels[clear]["caption"].value) == "A graphic"
    for field in SCHEMA.fields:
        for drafted in labels.values():
            if field.name in drafted:
                validate_value(field, drafted[field.name].value)
                assert not drafted[field.name].is_human


@pytest.mark.integration
def test_drafting_twice_adds_nothing(catalog, store, keep, tools):
    one = keep(ball())
    read_all(catalog, store, [one])
    draft_batch([one], **tools)
    before = facts(catalog)
    assert pending_draft(catalog, ocr=OCR, schema=SCHEMA) == []
    assert draft_batch([one], **tools) == DraftReport(elsewhere=1)
    assert facts(catalog) == before


@pytest.mark.integration
def test_new_ocr_means_a_new_draft(catalog, store, keep, tools):
    one = keep(ball())
    read_all(catalog, store, [one])
    draft_batch([one], **tools)
    other = ocr_stage(("eng", "deu"))
    assert pending_draft(catalog, ocr=other, schema=SCHEMA) == []
    with catalog.write() as session:
        done = session.scalars(select(Artifact).where(Artifact.stage == "ocr")).one()
        session.add(
            Artifact(
                image_id=one, stage="ocr", stage_version=other.version,
                params_hash=other.params_hash, state="ok", payload=done.payload,
                updated_at=done.updated_at,
            )
        )  # fmt: skip
    assert pending_draft(catalog, ocr=other, schema=SCHEMA) == [one]


@pytest.mark.integration
def test_an_image_that_ocr_refused_is_drafted_or_refused_but_never_stuck(
    catalog, store, keep, tools
):
    one = keep(ball())
    store.put(image_key(one, "png"), b"not a picture any more")
    read_all(catalog, store, [one])
    assert pending_draft(catalog, ocr=OCR, schema=SCHEMA) == [one]
    assert draft_batch([one], **tools) == DraftReport(refused=1)
    assert pending_draft(catalog, ocr=OCR, schema=SCHEMA) == []


@pytest.mark.integration
def test_the_box_of_the_figure_is_in_pixels_of_the_original(catalog, store, keep, tools):
    picture = Picture.new("RGBA", (1200, 600), (255, 255, 255, 255))
    ImageDraw.Draw(picture).rectangle((200, 100, 799, 499), fill=(0, 0, 200, 255))
    one = keep(picture)
    read_all(catalog, store, [one])
    draft_batch([one], **tools)
    (box,) = facts(catalog)[0][one]["boxes"]
    assert box["label"] == "Figure"
    truth = {"x_px": 200, "y_px": 100, "w_px": 600, "h_px": 400}
    assert all(abs(box[key] - value) <= 10 for key, value in truth.items())


def test_no_text_is_a_surer_word_than_no_ocr():
    nothing = {"text": "", "mean_confidence": None, "needs_review": False}
    assert draft_transcription(nothing).confidence > 0.75
    assert draft_transcription(None).confidence < 0.5
    doubted = nothing | {"needs_review": True}
    assert draft_transcription(None).confidence < draft_transcription(doubted).confidence < 0.75


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_a_text_is_as_sure_as_all_its_words_together(confidences):
    ocr = {"text": " ".join("word" for _ in confidences), "mean_confidence": 0.5}
    document = {"words": [{"confidence": one} for one in confidences]}
    found = draft_transcription(ocr, document)
    assert found.value == ocr["text"]
    assert found.confidence == pytest.approx(math.prod(confidences), abs=1e-4)


def picture_of(image: Picture.Image, **more) -> Seen:
    source = more.pop("source", SourceWords())
    return Seen("a" * 64, np.asarray(image.resize((200, 200))), source, more.pop("ocr", None))


def test_every_statement_is_kept_and_the_surest_is_the_draft():
    def learned(_):
        return {
            "style": Drafted("shaded", 0.8, "style-head/1", "model"),
            "background": Drafted("photo", 0.01, "ground-head/1", "model"),
        }

    draft = draft_fields(picture_of(ball()), drafters=[learned])
    assert draft.fields["style"].by == "style-head/1"
    assert [one.by for one in draft.candidates["style"]] == ["style-head/1", "usual/1"]
    assert [one.value for one in draft.candidates["background"]] == ["transparent", "photo"]
    for name, ones in draft.candidates.items():
        assert draft.fields[name] == ones[0]


def test_statements_are_compared_by_what_people_said_of_their_drafters():
    def boastful(_):
        return {"style": Drafted("collage", 0.99, "boaster/1", "model")}

    sounder = Calibration({("style", "boaster"): Calibrator(50, "platt", (0.1,) * 101)})
    drafted = draft_fields(picture_of(ball()), drafters=[boastful], calibration=sounder)
    assert drafted.fields["style"].by == "usual/1"
    assert draft_fields(picture_of(ball()), drafters=[boastful]).fields["style"].by == "boaster/1"


def test_the_template_and_the_words_of_the_source_are_both_kept():
    source = SourceWords(alt_text="a red ball that somebody lost in the rain")
    ones = draft_fields(picture_of(ball(), source=source)).candidates["caption"]
    assert [one.by.split("/")[0] for one in ones] == ["source-caption", "source-words"]
    assert ones[1].value == source.alt_text


def test_words_that_were_read_are_no_figure():
    poster = ball(ground=(255, 255, 255, 255), words="SALE SALE")
    word = {"x_px": 90, "y_px": 20, "w_px": 180, "h_px": 34, "block": 0, "line": 0,
            "text": "SALE SALE", "confidence": 0.99}  # fmt: skip
    document = {"width_px": 300, "height_px": 300, "words": [word]}
    ocr = {"text": "SALE SALE", "mean_confidence": 0.99}
    seen = Seen("a" * 64, np.asarray(poster), SourceWords(), ocr, document)
    assert draft_fields(seen).fields["figure_count"].value == "one"
    assert draft_fields(seen).fields["palette"].value == ["red"]


@pytest.mark.parametrize(
    ("source", "brand"),
    [
        (SourceWords("Acme logo"), "Acme"),
        (SourceWords(alt_text="the Quill & Co wordmark"), "Quill & Co"),
        (SourceWords("a red logo"), ""),
        (SourceWords(), ""),
    ],
)
def test_a_brand_is_what_the_source_calls_the_logo(source, brand):
    assert draft_brand(source).value == brand


@pytest.mark.parametrize(
    ("source", "value", "sure"),
    [
        (SourceWords("Acme logo"), "present", True),
        (SourceWords("octopus", tags=("extras", "brand")), "present", True),
        (SourceWords("octopus", tags=("animal",)), "none", True),
        (SourceWords(), "none", False),
    ],
)
def test_a_logo_is_what_the_source_calls_one(source, value, sure):
    found = draft_logo(source, {"text": "", "mean_confidence": None})
    assert found.value == value
    assert (found.confidence >= 0.75) is sure


RUN = """
import sys
from pathlib import Path
from lowdiff.labels.drafts.draft import draft_batch, pending_draft
from lowdiff.labels.schema import load_schema
from lowdiff.ocr.read import ocr_stage
from lowdiff.ops.project import open_project
ocr, schema = ocr_stage(("eng",)), load_schema()
with open_project(Path(sys.argv[1])) as project:
    todo = pending_draft(project.catalog, ocr=ocr, schema=schema)
    draft_batch(todo, catalog=project.catalog, store=project.store, ocr=ocr, schema=schema)
"""


@pytest.mark.integration
def test_kill_9_in_the_middle_and_again_ends_with_the_same_facts(
    catalog, keep, tools, workspace, now
):
    ids = sorted(keep(ball((200, number, 0, 255)), title=f"ball {number}") for number in range(80))
    with catalog.write() as session:
        nothing = {"text": "", "words": 0, "mean_confidence": None}
        record(session, OCR, [Outcome(one, "ok", nothing) for one in ids], now=now)
    with subprocess.Popen([sys.executable, "-c", RUN, str(workspace.root)]) as victim:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with catalog.read() as session:
                if counts(session, "draft").get("ok", 0) >= 32:
                    break
            time.sleep(0.01)
        os.kill(victim.pid, signal.SIGKILL)
    assert 0 < len(pending_draft(catalog, ocr=OCR, schema=SCHEMA)) < 80
    draft_batch(ids, **tools)
    resumed = facts(catalog)
    assert len(resumed[0]) == 80
    with catalog.write() as session:
        session.execute(delete(LabelEvent))
        session.execute(delete(Artifact).where(Artifact.stage == "draft"))
    draft_batch(ids, workers=2, **tools)
    assert facts(catalog) == resumed


@pytest.mark.integration
def test_every_drafted_caption_follows_the_template(catalog, store, keep, tools):
    ids = [keep(ball(words=word), title=title) for word, title in (("", "ball"), ("BIG", "sale"))]
    read_all(catalog, store, ids)
    draft_batch(ids, **tools)
    with catalog.read() as session:
        for labels in current_labels(session).values():
            parsed = parse_caption(labels["caption"].value)
            assert parsed is not None
            assert parsed.background == labels["background"].value
            assert parsed.layout == labels["layout"].value
