"""The index of candidates: complete for copies, and the same however it was filled."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.brand_templates import family
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.fingerprint import fingerprint
from lowdiff.dedupe.views import turned_views, views_of


@pytest.fixture(scope="module")
def graphics():
    return [
        (graphic, fingerprint(graphic.image)) for seed in (211, 212) for graphic in family(seed)
    ]


def _pairs(index: Candidates) -> set[frozenset[str]]:
    return {frozenset((pair.a, pair.b)) for pair in index.pairs()}


def test_images_added_one_by_one_give_the_pairs_of_all_at_once(graphics):
    at_once = Candidates(most=10_000)
    at_once.extend([(graphic.name, print_) for graphic, print_ in graphics])
    growing = Candidates(most=10_000)
    found = {
        frozenset((pair.a, pair.b))
        for graphic, print_ in graphics
        for pair in growing.add(graphic.name, print_)
    }
    assert found == _pairs(at_once)
    assert len(growing) == len(graphics)


def test_nearly_all_copies_are_candidates_of_their_original(graphics):
    index = Candidates()
    index.extend([(graphic.name, print_) for graphic, print_ in graphics])
    found = _pairs(index)
    originals = {g.master: g.name for g, _ in graphics if g.edit == "original"}
    copies = [
        frozenset((g.name, originals[g.master]))
        for g, _ in graphics
        if g.master in originals and g.edit != "original"
    ]
    assert len([copy for copy in copies if copy in found]) >= 0.95 * len(copies)


def test_nobody_has_more_candidates_than_allowed(graphics):
    index = Candidates(threshold=-1, most=3)
    index.extend([(graphic.name, print_) for graphic, print_ in graphics])
    assert all(len(index.find(print_)) == 3 for _, print_ in graphics)


def test_an_empty_index_has_no_pairs(graphics):
    assert list(Candidates().pairs()) == []
    assert Candidates().find(graphics[0][1]) == []


def test_turned_views_are_the_views_of_turned_pictures():
    noise = np.random.default_rng(0).integers(0, 255, (6, 5, 3), np.uint8)
    picture = np.asarray(Image.fromarray(noise).resize((64, 64)))
    box = (0, 0, 64, 64)
    by_sign = {view.tobytes() for view in turned_views(views_of(picture, box)[:1])[0]}
    for turn in range(1, 8):
        mirrored = picture[:, ::-1] if turn >= 4 else picture
        turned = views_of(np.ascontiguousarray(np.rot90(mirrored, turn % 4)), box)[0]
        nearest = min(
            np.abs(np.frombuffer(view, np.int8).astype(int) - turned).max() for view in by_sign
        )
        assert nearest <= 1
