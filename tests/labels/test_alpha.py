"""Krippendorff's alpha against the published examples, and its laws."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowdiff.labels.quality.alpha import krippendorff, masi, mean_with_interval


def by_unit(*observers: str) -> list[list[str]]:
    """Units from one line for each observer; a dot is missing."""
    lines = [line.split() for line in observers]
    return [[value for value in unit if value != "."] for unit in zip(*lines, strict=True)]


def test_alpha_of_the_published_examples():
    """Krippendorff 2011, sections A (binary), B (nominal, two observers), C (with gaps)."""
    binary = by_unit("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
    two = by_unit("a a b b d c c c e d d a", "b a b b b c c c e d d d")
    gaps = by_unit(
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    )
    interval = krippendorff(gaps, lambda one, other: (int(str(one)) - int(str(other))) ** 2)
    found = [krippendorff(units) for units in (binary, two, gaps)]
    assert [round(one.value, 3) for one in found] == [0.095, 0.692, 0.743]
    assert round(interval.value, 3) == 0.849
    assert (found[2].images, found[2].values) == (11, 40)


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=4), min_size=2, max_size=12))
def test_alpha_is_at_most_one_and_its_interval_holds_what_can_be(units):
    found = krippendorff(units)
    everything = {value for unit in units for value in unit}
    if len(everything) == 1:
        assert found is None
        return
    assert found.value <= 1
    assert found.low <= found.high <= 1
    assert (found.value == 1) == all(len(set(unit)) == 1 for unit in units)


def test_alpha_of_coin_tosses_is_near_zero_and_the_interval_says_so():
    import random

    dice = random.Random(4)
    found = krippendorff([[dice.choice("ab"), dice.choice("ab")] for _ in range(800)])
    assert found.low < 0 < found.high
    assert abs(found.value) < 0.1


def test_where_nothing_varies_or_nobody_looked_twice_alpha_is_not_defined():
    assert krippendorff([["a", "a"], ["a", "a"]]) is None
    assert krippendorff([["a"], ["b"]]) is None


def test_sets_are_apart_as_masi_says():
    """Passonneau 2006: containment weighs 2/3, overlap 1/3, nothing common 0."""
    red, both, other = frozenset(["red"]), frozenset(["red", "blue"]), frozenset(["blue", "pink"])
    assert masi(red, red) == 0
    assert masi(red, both) == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert masi(both, other) == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert masi(red, other) == masi(frozenset(), red) == 1
    near = krippendorff([[red, both], [other, other], [red, red]], masi)
    strict = krippendorff([[red, both], [other, other], [red, red]])
    assert strict.value < near.value < 1


def test_a_mean_has_an_interval_that_shrinks_with_the_number_of_images():
    few, many = (mean_with_interval([0.0, 1.0] * n) for n in (5, 500))
    assert few.value == many.value == 0.5
    assert many.high - many.low < (few.high - few.low) / 5
    assert mean_with_interval([]) is None
