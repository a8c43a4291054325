"""Blobs of a mask: against a flood fill that is slow and obvious."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lowdiff.ocr.components import connected_to_border, find_components

masks = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def flood_fill(mask) -> list[tuple[int, int, int, int, int]]:
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    blobs = []
    while left:
        blob, todo = set(), [min(left)]
        while todo:
            y, x = todo.pop()
            if (y, x) in left:
                left.remove((y, x))
                blob.add((y, x))
                todo += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        ys, xs = [y for y, _ in blob], [x for _, x in blob]
        blobs.append((min(xs), min(ys), max(xs) + 1, max(ys) + 1, len(blob)))
    return blobs


@given(masks)
def test_blobs_are_those_of_a_flood_fill(mask):
    found = find_components(mask)
    rows = zip(found.left, found.top, found.right, found.bottom, found.area, strict=True)
    assert [tuple(int(value) for value in row) for row in rows] == flood_fill(mask)


def test_a_spiral_is_one_blob():
    mask = np.zeros((41, 41), dtype=bool)
    for step in range(0, 20, 2):
        mask[step, step : 41 - step] = True
        mask[step : 41 - step, 40 - step] = True
        mask[40 - step, step : 41 - step] = True
        mask[step + 2 : 41 - step, step] = True
        mask[step + 2, step : step + 3] = True
    assert len(find_components(mask)) == 1


def test_an_empty_mask_has_no_blob():
    assert len(find_components(np.zeros((3, 4), dtype=bool))) == 0


@given(masks)
def test_what_is_connected_to_the_border_is_what_a_flood_from_outside_reaches(mask):
    open_ground = np.pad(mask, 1, constant_values=True)
    reached, todo = set(), [(0, 0)]
    while todo:
        y, x = todo.pop()
        inside = 0 <= y < open_ground.shape[0] and 0 <= x < open_ground.shape[1]
        if inside and open_ground[y, x] and (y, x) not in reached:
            reached.add((y, x))
            todo += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    expected = np.zeros_like(open_ground)
    for place in reached:
        expected[place] = True
    np.testing.assert_array_equal(connected_to_border(mask), expected[1:-1, 1:-1])
