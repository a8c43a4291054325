"""The glance: cheap, blind to order and turns, and it lets copies through."""

import itertools

import numpy as np
import pytest
from PIL import Image

from benchmarks.brand_templates import family
from lowdiff.dedupe.compare import compare, compare_many, glance_at
from lowdiff.dedupe.fingerprint import fingerprint
from lowdiff.dedupe.glance import NUMBERS
from lowdiff.dedupe.verdict import probabilities, yes_from
from tests.dedupe.pictures import drawing


@pytest.fixture(scope="module")
def graphics():
    return [(graphic, fingerprint(graphic.image)) for graphic in family(209)]


def test_a_glance_at_many_pairs_tells_what_a_glance_at_each_does(graphics):
    pairs = [(a, b) for (_, a), (_, b) in itertools.combinations(graphics, 2)]
    one_by_one = np.concatenate([glance_at([pair]) for pair in pairs])
    assert np.allclose(glance_at(pairs), one_by_one, atol=1e-5)
    assert np.array_equal(glance_at(pairs), glance_at([(b, a) for a, b in pairs]))


def test_pairs_compared_together_are_what_they_are_alone(graphics):
    pairs = [(a, b) for (_, a), (_, b) in itertools.combinations(graphics[:8], 2)]
    assert compare_many(pairs) == [compare(a, b) for a, b in pairs]
    assert compare_many([]) == []


@pytest.mark.parametrize("way", list(Image.Transpose))
def test_a_turned_or_mirrored_picture_is_like_itself_at_a_glance(way):
    picture = drawing(3)
    told = glance_at([(fingerprint(picture), fingerprint(picture.transpose(way)))])[0]
    seen = dict(zip(NUMBERS, told, strict=True))
    assert min(seen["turned_likeness"], seen["turned_tile"]) > 0.95
    assert seen["tile_apart"] < 0.1


def test_nearly_all_copies_are_worth_a_look(graphics):
    copies = [
        (a_print, b_print)
        for (a, a_print), (b, b_print) in itertools.combinations(graphics, 2)
        if a.master == b.master
    ]
    assert np.mean(probabilities("glance", glance_at(copies)) >= yes_from("glance")) >= 0.95
