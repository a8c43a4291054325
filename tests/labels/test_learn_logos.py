"""Marks that people have shown are found again, at other sizes and on other grounds."""

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw

from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.learn.logos import logos_say, match_logos, read_templates
from lowdiff.labels.learn.marks import MARK_PX, PICTURE_PX, corners_of, find_mark
from tests.labels.forms import SCHEMA
from tests.labels.gallery import SHARE, Gallery


def mark(px: int, *, kind: str = "acme") -> Picture.Image:
    """A made-up brand's mark on a clear ground, drawn large and made smaller."""
    picture = Picture.new("RGBA", (400, 400), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    if kind == "acme":
        draw.rounded_rectangle((10, 10, 390, 390), 60, fill=(20, 60, 160, 255))
        draw.polygon([(60, 330), (170, 60), (230, 60), (340, 330)], fill=(255, 255, 255, 255))
        draw.rectangle((150, 220, 250, 260), fill=(240, 120, 20, 255))
        draw.ellipse((280, 40, 350, 110), fill=(240, 120, 20, 255))
    else:
        draw.ellipse((10, 10, 390, 390), outline=(150, 20, 60, 255), width=40)
        for x in range(80, 320, 60):
            draw.line((x, 110, x + 30, 290), fill=(150, 20, 60, 255), width=18)
        draw.rectangle((100, 180, 300, 215), fill=(20, 20, 20, 255))
    return picture.resize((px, px), Picture.Resampling.LANCZOS)


def scene(*, seed: int, px: int = 0, at: tuple[int, int] = (0, 0), kind: str = "acme"):
    """A poster with blocks and words, and a mark where `px` is not 0."""
    dice = np.random.default_rng(seed)
    ground = tuple(int(c) for c in dice.integers(150, 256, 3))
    picture = Picture.new("RGBA", (640, 480), (*ground, 255))
    draw = ImageDraw.Draw(picture)
    for _ in range(5):
        x, y = (int(v) for v in dice.integers(60, 400, 2))
        draw.rectangle((x, y, x + 90, y + 50), fill=tuple(int(c) for c in dice.integers(0, 256, 3)))
    draw.text((200, 30), f"SALE {seed} ONLY TODAY", fill=(0, 0, 0, 255))
    if px:
        small = mark(px, kind=kind)
        picture.alpha_composite(small, at)
    return picture


def corners(picture: Picture.Image, px: int):
    return corners_of(np.asarray(picture), px)


@pytest.mark.parametrize("px", [60, 110, 240])
def test_a_mark_is_found_at_other_sizes_where_it_is(px):
    template = corners(scene(seed=0, px=160, at=(20, 20)).crop((20, 20, 180, 180)), MARK_PX)
    found = find_mark(template, corners(scene(seed=7, px=px, at=(300, 200)), PICTURE_PX))
    assert found is not None
    box = (found.x_px, found.y_px, found.w_px, found.h_px)
    np.testing.assert_allclose(box, (300, 200, px, px), atol=0.12 * px)
    assert 0.3 < found.confidence <= 0.98


def test_a_mark_is_not_found_where_it_is_not():
    template = corners(mark(160), MARK_PX)
    others = [scene(seed=seed) for seed in range(8)]
    others += [scene(seed=9, px=120, at=(300, 200), kind="other")]
    assert [find_mark(template, corners(one, PICTURE_PX)) for one in others] == [None] * 9


def test_an_empty_picture_has_no_mark_and_gives_no_template():
    empty = corners(Picture.new("RGBA", (300, 300), (255, 255, 255, 255)), PICTURE_PX)
    template = corners(mark(160), MARK_PX)
    assert find_mark(template, empty) is None
    assert find_mark(empty, template) is None


def box(x: int, y: int, px: int) -> dict[str, object]:
    return {
        "label": "Logo", "x_pct": 100 * x / 640, "y_pct": 100 * y / 480,
        "w_pct": 100 * px / 640, "h_pct": 100 * px / 480, "text": "",
    }  # fmt: skip


@pytest.fixture
def gallery(catalog, store):
    return Gallery(catalog, store)


def not_audited(gallery, start: int, **options) -> str:
    """A scene that is drawn by lot to be not audited."""
    seed = start
    while is_audit(one := gallery.put(scene(seed=seed, **options)), SHARE):
        seed += 100
    return one


def search(gallery) -> int:
    with gallery.catalog.read() as session:
        templates = read_templates(session, SCHEMA, audit_share=SHARE)
    return match_logos(gallery.catalog, gallery.store, templates, gallery.ids, workers=2)


def said(gallery):
    with gallery.catalog.read() as session:
        templates = read_templates(session, SCHEMA, audit_share=SHARE)
        return logos_say(session, templates, gallery.ids)


def test_a_marked_logo_drafts_logo_brand_and_box_of_other_images(gallery):
    first = not_audited(gallery, 1, px=150, at=(30, 30))
    second = gallery.put(scene(seed=2, px=90, at=(400, 300)))
    without = gallery.put(scene(seed=3))
    gallery.judge(first, boxes=[box(30, 30, 150)], logo="present", brand="Acme")
    assert search(gallery) == len(gallery.ids)
    statements, boxes = said(gallery)
    assert statements[second]["logo"][0].value == "present"
    assert statements[second]["brand"][0].value == "Acme"
    assert statements[second]["brand"][0].by == "logo-match/1"
    (found,) = boxes[second]
    place = [found[side] for side in ("x_px", "y_px", "w_px", "h_px")]
    np.testing.assert_allclose(place, (400, 300, 90, 90), atol=11)
    assert without not in statements


def test_an_image_is_searched_once_for_each_template(gallery):
    first = not_audited(gallery, 1, px=150, at=(30, 30))
    other = not_audited(gallery, 2, px=150, at=(30, 30), kind="other")
    both = gallery.put(scene(seed=5, px=100, at=(400, 300), kind="other"))
    assert search(gallery) == 0  # nobody has marked anything
    gallery.judge(first, boxes=[box(30, 30, 150)], brand="Acme")
    assert search(gallery) == len(gallery.ids)
    assert search(gallery) == 0
    gallery.judge(other, boxes=[box(30, 30, 150)], brand="Other")
    assert search(gallery) == len(gallery.ids)
    assert said(gallery)[0][both]["brand"][0].value == "Other"
    gallery.judge(other, boxes=[])
    assert both not in said(gallery)[0]  # its person has taken it back


def test_logos_of_audited_images_are_no_templates(gallery):
    seed = 0
    while not is_audit(one := gallery.put(scene(seed=seed, px=150, at=(30, 30))), SHARE):
        seed += 1
    gallery.judge(one, boxes=[box(30, 30, 150)], brand="Acme")
    assert search(gallery) == 0
