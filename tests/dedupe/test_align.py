"""Refining an alignment: it finds where a moved picture lies, whatever its lightness."""

import cv2
import numpy as np
import pytest

from lowdiff.dedupe.align import Alignment, refine, seen_mask
from tests.dedupe.pictures import drawing

SAME = Alignment(np.eye(2, 3), 0)


def _gray(seed: int) -> np.ndarray:
    return cv2.GaussianBlur(np.asarray(drawing(seed).convert("L"), np.float32), (0, 0), 1.5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("scale", "x", "y"), [(1.0, 2.5, -1.5), (1.02, -2.0, 1.0), (0.98, 1.0, 3)])
def test_a_moved_darker_paler_picture_is_laid_where_it_belongs(seed, scale, x, y):
    picture = _gray(seed)
    truth = np.array([[scale, 0.01, x], [-0.01, scale, y]])
    size = picture.shape[::-1]
    moved = cv2.warpAffine(picture, truth, size, borderMode=cv2.BORDER_REPLICATE) * 0.6 + 30
    found = refine(SAME, picture, moved).matrix
    ends = np.array([(40, 40, 1), (200, 40, 1), (40, 200, 1), (200, 200, 1)])
    assert np.abs(ends @ (found - truth).T).max() < 1.2


def test_a_plain_picture_stays_where_it_is():
    plain = np.full((200, 200), 90, np.float32)
    assert refine(SAME, _gray(1), plain) is SAME
    assert refine(SAME, plain, _gray(1)) is SAME


def test_the_mask_shows_what_both_pictures_show():
    half = np.array([[1.0, 0, -50], [0, 1, 0]])  # B begins at the fiftieth column of A
    mask = seen_mask((100, 80), half, (100, 80))
    assert not mask[:, :49].any()
    assert mask[:, 51:].all()
