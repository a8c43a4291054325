"""Copies of one picture are copies of each other, and are to others what it is."""

from collections.abc import Sequence

import pytest

from lowdiff.dedupe.implied import Known, implied_ties
from lowdiff.dedupe.turns import compare_in_turns
from lowdiff.dedupe.verdict import Comparison


def test_two_sure_copies_of_one_picture_are_copies_of_each_other() -> None:
    assert implied_ties({(0, 1): 0.95, (1, 2): 0.96}) == {(0, 2): pytest.approx(0.912)}


def test_the_surest_way_counts() -> None:
    ties = {(0, 1): 0.9, (1, 3): 0.9, (0, 2): 1.0, (2, 3): 0.99}
    assert implied_ties(ties)[0, 3] == 0.99


def test_a_doubtful_tie_carries_nothing() -> None:
    assert implied_ties({(0, 1): 0.95, (1, 2): 0.6}) == {}


def test_what_was_seen_to_be_near_keeps_its_own_score() -> None:
    assert implied_ties({(0, 1): 0.95, (1, 2): 0.95, (0, 2): 0.7}) == {}


def test_ties_do_not_carry_further_than_over_one_picture() -> None:
    ties = {(0, 1): 1.0, (1, 2): 1.0, (2, 3): 1.0}
    assert set(implied_ties(ties)) == {(0, 2), (1, 3)}


def _known(*found: tuple[int, int, Comparison]) -> Known[int]:
    known: Known[int] = Known()
    for a, b, comparison in found:
        known.note(a, b, comparison)
    return known


def test_a_copy_is_to_others_what_its_original_is() -> None:
    sure, variant = Comparison("near", 0.98), Comparison("variant", 0.97)
    known = _known((1, 5, sure), (5, 2, variant), (3, 5, sure))
    assert known.implied(1, 2) == known.implied(2, 1) == Comparison("variant", 0.9506)
    assert known.implied(1, 3) == Comparison("near", 0.9604)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Comparison("near", 0.94), Comparison("near", 0.94)),  # together not sure
        (Comparison("near", 0.89), Comparison("near", 1.0)),
        (Comparison("variant", 0.99), Comparison("variant", 0.99)),
        (Comparison("near", 0.99), Comparison("distinct", 0.99)),
    ],
)
def test_what_is_not_sure_of_a_copy_has_to_be_seen(first: Comparison, second: Comparison) -> None:
    assert _known((1, 5, first), (5, 2, second)).implied(1, 2) is None


def test_pairs_that_follow_from_others_are_not_compared() -> None:
    """Ten copies of each of two pictures, which are variants of each other."""
    asked: list[tuple[int, int]] = []

    def judge(pairs: Sequence[tuple[int, int]]) -> list[Comparison]:
        asked.extend(pairs)
        return [Comparison("near" if a % 2 == b % 2 else "variant", 0.99) for a, b in pairs]

    likeness = {(a, b): 0.95 if a % 2 == b % 2 else 0.9 for b in range(20) for a in range(b)}
    told, implied = compare_in_turns(likeness, Known(), judge)
    assert {pair: found.relation for pair, found in told.items()} == {
        (a, b): "near" if a % 2 == b % 2 else "variant" for a, b in likeness
    }
    assert len(asked) == len(set(asked)) == len(likeness) - implied
    assert len(asked) <= 3 * 20


def test_without_copies_every_pair_is_compared_once() -> None:
    asked: list[tuple[str, str]] = []

    def judge(pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
        asked.extend(pairs)
        return [Comparison("distinct", 0.99)] * len(pairs)

    likeness = {(a, b): 0.9 for b in "abcdefghijkl" for a in "abcdefghijkl" if a < b}
    told, implied = compare_in_turns(likeness, Known(), judge)
    assert sorted(asked) == sorted(likeness) == sorted(told)
    assert implied == 0


def test_of_nothing_nothing_is_asked() -> None:
    assert compare_in_turns({}, Known[int](), lambda pairs: [] * len(pairs)) == ({}, 0)
