"""Copies of one picture are copies of each other."""

import pytest

from lowdiff.dedupe.implied import implied_ties


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
