"""Flags that are learned one by one, and whom of several drafters to believe."""

import numpy as np
import pytest

from lowdiff.labels.learn.flag_heads import fit_flags, sets_of, too_few_flags
from lowdiff.labels.learn.headfile import Saved, from_bytes, to_bytes
from lowdiff.labels.learn.heads import look_through
from lowdiff.labels.learn.referee import judge_all
from lowdiff.labels.learn.statements import Statement
from tests.labels.forms import SCHEMA

COLOURS = ("black", "blue", "green", "red", "white")
LAYOUT = SCHEMA.field("layout")


def palettes(number, seed):
    """Every colour is there where its own number is high; no number tells the whole set."""
    dice = np.random.default_rng(seed)
    x = dice.random((number, 8)).astype(np.float32)
    sets = [[c for at, c in enumerate(COLOURS) if row[at] > 0.6] or ["black"] for row in x]
    return x, sets, [f"family {n // 2}" for n in range(number)]


@pytest.fixture(scope="module")
def fitted():
    x, sets, groups = palettes(160, 1)
    return fit_flags(x, sets, groups, look_through(x), required=True)


def test_sets_that_were_never_labelled_are_said_rightly(fitted):
    x, sets, _ = palettes(120, 2)
    said = [sets_of(fitted.head, row) for row in fitted.head.probabilities(x)]
    right = np.array([set(a) == set(b) for (a, _), b in zip(said, sets, strict=True)])
    assert right.mean() > 0.7
    sure = np.array([one[1] for one in said])
    assert sure[right].mean() > sure[~right].mean()
    assert abs(sure.mean() - right.mean()) < 0.15


def test_a_required_field_is_never_empty_and_no_set_is_larger_than_any_label(fitted):
    assert sets_of(fitted.head, np.array([0.1, 0.2, 0.4, 0.1, 0.1]))[0] == ["green"]
    most = max(len(one) for one in palettes(160, 1)[1])
    assert len(sets_of(fitted.head, np.full(5, 0.9))[0]) == min(5, most)


def test_a_head_of_flags_is_read_back_from_its_file(fitted):
    x, _, groups = palettes(160, 1)
    saved = Saved(fitted.head, "palette", "builtin+2", tuple(groups), fitted.held_out)
    back = from_bytes(to_bytes(saved), item="a head").head
    assert back.of_flags
    row = back.probabilities(x[:1])[0]
    assert sets_of(back, row) == sets_of(fitted.head, row)


def test_too_few_flags_are_told():
    groups = [f"{n}" for n in range(40)]
    assert "30 are needed" in too_few_flags([["red"]] * 20, groups[:20])
    assert "no flag" in too_few_flags([["red"]] * 40, groups)
    assert too_few_flags([["red"]] * 20 + [["blue"]] * 20, groups) is None


def heard(number, seed):
    """One drafter is right on dark pictures, the other on light ones; both say they are sure."""
    dice = np.random.default_rng(seed)
    light = dice.random((number, 1)).astype(np.float32)
    right = [str(one) for one in dice.choice(["left", "right", "top"], number)]
    wrong = {"left": "right", "right": "top", "top": "left"}
    ones = []
    for at, value in enumerate(right):
        dark = light[at, 0] < 0.5
        ones.append(
            [
                Statement(value if dark else wrong[value], 0.9, "pixels/2"),
                Statement(wrong[value] if dark else value, 0.8, f"head-layout/{at % 3}"),
            ]
        )
    return ones, right, light


def test_the_referee_believes_each_drafter_where_it_was_right():
    ones, right, light = heard(400, 3)
    told = [value if at < 250 else None for at, value in enumerate(right)]
    found = judge_all(LAYOUT, ones, told, light)
    assert len(found) == 400
    new = [found[at].value == right[at] for at in range(250, 400)]
    assert np.mean(new) > 0.95
    assert np.mean([found[at].confidence for at in range(250, 400)]) > 0.85
    assert {one.by for one in found.values()} == {"together/2"}


def test_a_referee_without_labels_or_without_errors_keeps_silent():
    ones, right, light = heard(200, 4)
    assert judge_all(LAYOUT, ones, [None] * 200, light) == {}
    honest = [[Statement(value, 0.9, "pixels/2")] for value in right]
    assert judge_all(LAYOUT, honest, right, light) == {}
