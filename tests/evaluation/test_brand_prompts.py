"""The readers that score brand prompts are proven on real renders before anybody believes them."""

import random

import numpy as np
import pytest

from benchmarks.prompt_pictures import (
    COLOURS,
    GROUNDS,
    SHAPES,
    SIDE_PX,
    STRIPED,
    Design,
    designs,
    is_held_out,
    render,
)
from benchmarks.prompt_readers import ATTRIBUTES, by_value, read, scores, spelled


@pytest.fixture(scope="module")
def rendered() -> tuple[list[Design], list[np.ndarray]]:
    dice = random.Random(23)
    some = dice.sample(designs(), 300)
    return some, [np.asarray(render(design, dice)) for design in some]


def test_ninety_eight_of_a_hundred_real_renders_are_read_right_in_everything(rendered):
    for name, (right, number) in scores(*rendered).items():
        assert right / number >= 0.98, name


def test_renders_dealt_to_other_prompts_are_wrong_in_most(rendered):
    some, pictures = rendered
    found = scores([*some[1:], *some[:1]], pictures)
    assert found["all five"][0] <= 3
    for name in ATTRIBUTES:
        right, number = found[name]
        assert right / number < 0.65, name


def test_each_value_has_its_own_share(rendered):
    shares = by_value(*rendered, "shape")
    assert sorted(shares) == sorted(SHAPES)
    assert sum(number for _, number in shares.values()) == 300


def test_a_picture_without_figures_has_none():
    seen = read(np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8))
    assert (seen.shape, seen.colour, seen.count, seen.place) == ("none", "none", 0, "none")
    assert seen.ground == "white"
    with pytest.raises(ValueError, match="needs"):
        read(np.zeros((32, 32, 3), np.uint8))


def test_every_value_of_a_held_out_combination_is_in_trained_ones():
    held = [design for design in designs() if is_held_out(design)]
    kept = [design for design in designs() if not is_held_out(design)]
    assert 0.1 < len(held) / len(designs()) < 0.2
    assert {d.shape for d in kept} == set(SHAPES)
    assert {d.colour for d in kept} == set(COLOURS)
    assert {d.ground for d in kept} == {*GROUNDS, STRIPED}
    trained = {(d.shape, d.colour, d.ground) for d in kept}
    assert all((d.shape, d.colour, d.ground) not in trained for d in held)


def test_captions_say_everything_and_no_two_designs_have_one():
    captions = [design.caption for design in designs()]
    assert len(set(captions)) == len(captions)
    two = Design("star", "red", 2, "top", "black")
    assert two.caption == "Two red stars at the top on a black background."
    word = Design("cross", "blue", 1, "left", "grey", "SALE")
    assert word.caption.endswith('on a grey background, with the word "SALE".')


def test_spelling_counts_only_pictures_with_a_word(rendered):
    some, pictures = rendered
    answers = iter([design.word for design in some if design.word])
    right, number, error = spelled(some, pictures, lambda _picture: next(answers))
    assert right == number == sum(bool(design.word) for design in some)
    assert error == 0.0
