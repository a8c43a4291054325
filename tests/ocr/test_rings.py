"""Writing around a ring is unrolled and read; what is no ring is left alone."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.ocr_stamps import write_around
from lowdiff.ocr.engine import RawWord
from lowdiff.ocr.rapid import open_rapid
from lowdiff.ocr.rings import Ring, RingReading, find_ring, read_ring

INK = (20, 30, 90)
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def _canvas(size: int = 480) -> Image.Image:
    return Image.new("RGBA", (size, size), (255, 255, 255, 255))


def _disc(image: Image.Image, radius: float) -> Image.Image:
    middle = image.width / 2
    box = [middle - radius, middle - radius, middle + radius, middle + radius]
    ImageDraw.Draw(image).ellipse(box, fill=(250, 220, 120), outline=INK, width=4)
    return image


def _hexagon(size: int = 480) -> Image.Image:
    image = _canvas(size)
    ImageDraw.Draw(image).regular_polygon((size / 2, size / 2, 0.45 * size), 6, fill=INK)
    return image


def test_a_disc_is_a_ring_at_its_place() -> None:
    ring = find_ring(np.asarray(_disc(_canvas(), 200).convert("RGB")))
    assert ring is not None
    assert ring.radius == pytest.approx(200, abs=3)
    assert (ring.x, ring.y) == pytest.approx((240, 240), abs=3)


@pytest.mark.parametrize("name", ["hexagon", "square", "wide", "small", "empty"])
def test_what_is_not_round_is_no_ring(name: str) -> None:
    image = _canvas()
    pen = ImageDraw.Draw(image)
    if name == "hexagon":
        image = _hexagon()
    elif name == "square":
        pen.rectangle([60, 60, 420, 420], fill=INK)
    elif name == "wide":
        pen.ellipse([20, 140, 460, 340], fill=INK)
    elif name == "small":
        _disc(image, 40)
    assert find_ring(np.asarray(image.convert("RGB"))) is None


def test_both_arcs_of_a_stamp_are_read_with_their_places_and_turns() -> None:
    image = _disc(_canvas(), 220)
    write_around(image, "HARBOUR MARKET", FONT, 44, 175, INK, reach_deg=160)
    write_around(image, "STUDIO", FONT, 44, 175, INK, reach_deg=100, below=True)
    found = read_ring(image, open_rapid(), item="stamp")
    assert found is not None
    by_text = {word.text: word for word in found.words}
    assert set(by_text) == {"HARBOUR", "MARKET", "STUDIO"}
    left, right, below = by_text["HARBOUR"], by_text["MARKET"], by_text["STUDIO"]
    assert left.rotation < -10 < 10 < right.rotation
    assert abs(below.rotation) < 5
    assert left.box[0] + left.box[2] / 2 < 240 < right.box[0] + right.box[2] / 2
    assert below.box[1] > 300 > left.box[1] + left.box[3]


def test_a_round_drawing_without_writing_gives_no_words() -> None:
    image = _disc(_canvas(), 220)
    dice = random.Random(3)
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = dice.uniform(60, 420), dice.uniform(60, 420)
        pen.ellipse([x, y, x + dice.uniform(5, 60), y + dice.uniform(5, 60)], outline=INK, width=3)
    assert read_ring(image, open_rapid(), item="drawing") is None


def _word(text: str, box: tuple[float, float, float, float], confidence: float = 0.9) -> RawWord:
    return RawWord(text, confidence, box, (0, 0, 0), engine="rapidocr")


def test_the_ring_replaces_scraps_and_keeps_the_middle_in_order() -> None:
    upper_left, upper_right = _word("FRESH", (60, 40, 60, 60)), _word("COFFEE", (130, 40, 60, 60))
    lower = _word("BERLIN", (90, 190, 70, 30))
    ring = RingReading(Ring(125, 125, 110), (upper_right, lower, upper_left))
    middle, scrap = _word("OPEN", (95, 110, 60, 30)), _word("RESHCO", (70, 40, 100, 50), 0.2)
    seen, lines = ring.instead_of([middle, scrap], [_word("es", (80, 45, 20, 20)), middle])
    assert scrap not in seen
    assert lines == [middle]
    ordered = ring.in_order(seen)
    assert [word.text for word in ordered] == ["FRESH", "COFFEE", "OPEN", "BERLIN"]
    assert [word.line for word in ordered] == sorted(word.line for word in ordered)


def test_a_straight_word_that_is_surer_than_the_ring_stays() -> None:
    straight = _word("BERLIN", (90, 190, 70, 30), 0.99)
    ring = RingReading(Ring(125, 125, 110), (_word("BERL", (92, 190, 60, 30), 0.85),))
    assert ring.instead_of([straight], [straight]) == ([straight], [straight])
