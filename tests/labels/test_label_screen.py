"""A real Chromium on a real Label Studio: what a person sees, does, and what comes back."""

import io
import os
import time
from pathlib import Path

import matplotlib
import pytest
from PIL import Image as Pixels
from PIL import ImageDraw, ImageFont
from sqlalchemy import select

from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.desk.tasks import Box, Form, to_result
from lowdiff.labels.schema_screen import TEXT, label_config
from tests.labels.browser import Annotator, annotator
from tests.labels.corpus import add, draft
from tests.labels.desk import Desk, prediction
from tests.labels.forms import SCHEMA

pytestmark = pytest.mark.integration

CAPTION = "A smiling ball, one large centred figure in vivid red on a plain brown background."
SEEN = {
    "caption": CAPTION,
    "background": "plain",
    "background_colour": "brown",
    "layout": "centred",
    "figure_count": "one",
    "figure_size": "medium",
    "saturation": "vivid",
    "palette": ["red", "white"],
    "style": "flat",
    "logo": "none",
    "transcription": "SALE 50%",
    "quality": "good",
    "flags": [],
}
BOXES = (Box("Figure", 20, 30, 60, 60), Box("Text", 25, 8, 50, 11, "SALE 50%"))
PICTURES = os.environ.get("LOWDIFF_GUIDE_PICTURES")
"""A folder: the guide's pictures are made by this test."""


def ball(number: int) -> bytes:
    """A picture of our own: a smiling ball under a headline."""
    image = Pixels.new("RGB", (800, 800), (236 - number, 222, 196))
    pen = ImageDraw.Draw(image)
    pen.ellipse((160, 240, 640, 720), fill=(210, 47, 39))
    for x in (300, 440):
        pen.ellipse((x, 380, x + 60, 440), fill="white")
    pen.arc((290, 440, 510, 620), 20, 160, fill="white", width=16)
    font = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
    pen.text((205, 70), "SALE 50%", font=ImageFont.truetype(font, 80), fill=(30, 30, 60))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def pushed(desk: Desk, asks: list[tuple[str, ...] | None]) -> list[str]:
    """One image a list of open fields, each with its task."""
    ids = [
        add(desk.catalog, desk.store, ball(n), width_px=800, height_px=800)
        for n in range(len(asks))
    ]
    draft(desk.catalog, ids, **{name: (value, 0.9) for name, value in SEEN.items()})
    desk.push(ids)
    for image_id, ask in zip(ids, asks, strict=True):
        shown = prediction(desk, task_of(desk, image_id))
        result = to_result(SCHEMA, Form(SEEN, BOXES, ask), width_px=800, height_px=800)
        desk.client._sdk.predictions.update(id=shown["id"], result=result)
    return ids


def task_of(desk: Desk, image_id: str) -> int:
    (task,) = desk.tasks()[image_id]
    return task.id


def address(desk: Desk, image_id: str) -> str:
    return desk.project().url.split("?")[0] + f"?task={task_of(desk, image_id)}"


def keep_picture(person: Annotator, name: str, tmp_path: Path) -> None:
    person.picture((Path(PICTURES) if PICTURES else tmp_path) / f"{name}.png")


def test_a_person_corrects_what_is_open_and_the_pull_sees_exactly_that(desk, tmp_path):
    (image_id,) = pushed(desk, [("caption", "layout", "logo")])
    with annotator(desk.server) as person:
        person.open(desk.project().url)
        assert person.chosen() == {"Caption": [], "Layout": ["centred"], "Logo": ["none"]}
        assert person.text("Caption") == CAPTION
        assert person.boxes() == [["Figure", 20, 30]]
        keep_picture(person, "open-fields", tmp_path)

        person.press(key("logo", "present"))
        assert "Which brand" in person.chosen()
        person.press(key("logo", "none"))
        assert "Which brand" not in person.chosen()
        person.press(key("layout", "grid"))
        person.press(key("quality", "poor"))  # is not shown: the key does nothing that is kept
        person.write("Caption", "A ball with a face, as 1 2 3 sees it.")
        keep_picture(person, "corrected", tmp_path)
        assert person.chosen() == {"Caption": [], "Layout": ["grid"], "Logo": ["none"]}
        person.submit()
        wait_for_annotation(desk, image_id)
    report = desk.pull()
    assert (report.annotations, report.corrected, report.confirmed) == (1, 2, 1)
    with desk.catalog.read() as session:
        said = session.scalars(select(LabelEvent).where(LabelEvent.origin == "human")).all()
    values = {event.field: event.value for event in said}
    figure = values.pop("boxes")
    assert [(box["label"], round(box["x_pct"]), round(box["w_pct"])) for box in figure] == [
        ("Figure", 20, 60)
    ]
    assert values == {
        "caption": "A ball with a face, as 1 2 3 sees it.",
        "layout": "grid",
        "logo": "none",
    }
    assert {event.actor for event in said} == {desk.server.username}
    assert all(event.lead_time_s and event.lead_time_s > 0 for event in said)


def test_every_hotkey_chooses_its_value_and_nothing_else(desk, tmp_path):
    pushed(desk, [None])
    with annotator(desk.server) as person:
        person.open(desk.project().url)
        titles = [field.title for field in SCHEMA.fields if field.name != "brand"]
        assert list(person.chosen()) == titles
        keep_picture(person, "all-fields", tmp_path)
        for field in SCHEMA.fields:
            for choice in field.choices:
                before = person.chosen()
                person.press(choice.hotkey)
                was, now = before.pop(field.title), person.chosen()
                assert (choice.value in now.pop(field.title)) == (choice.value not in was)
                for chosen in (before, now):
                    chosen.pop("Which brand", None)
                assert now == before, choice
        for label in SCHEMA.boxes.labels:
            if not label.has_text:
                person.press(label.hotkey)
                assert person.page.locator(f".lsf-label_selected:has-text('{label.value}')").count()


def test_the_other_screen_shows_the_lines_with_their_words(desk, tmp_path):
    (image_id,) = pushed(desk, [None])
    (task,) = desk.tasks()[image_id]
    other = desk.client.create_project(
        title="words", description="", config=label_config(SCHEMA, TEXT), model_version="words"
    )
    form = Form(SEEN, BOXES, ("transcription",))
    words = to_result(SCHEMA, form, width_px=800, height_px=800, screen=TEXT)
    folder = desk.workspace.working_copies.absolute()
    desk.client.register_folder(other.id, folder)
    prepared = {"model_version": "words", "score": 0.5, "result": words}
    desk.client.import_tasks(other.id, [{"data": task.data, "predictions": [prepared]}])
    with annotator(desk.server) as person:
        person.open(f"{desk.server.url}/projects/{other.id}/data?labeling=1")
        assert person.chosen() == {"Words in the picture": []}
        assert person.text("Words in the picture") == "SALE 50%"
        assert person.boxes() == [["Text", 25, 8]]
        beside = person.page.locator(".lsf-sidepanels__wrapper input, .lsf-sidepanels__wrapper p")
        words = beside.evaluate_all("found => found.map(one => one.value ?? one.innerText)")
        assert "SALE 50%" in words
        keep_picture(person, "words", tmp_path)


def key(field: str, value: str) -> str:
    return next(c.hotkey for c in SCHEMA.field(field).choices if c.value == value)


def wait_for_annotation(desk: Desk, image_id: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        (task,) = desk.tasks()[image_id]
        if task.annotations:
            return
        time.sleep(0.5)
    pytest.fail("nothing was submitted")
