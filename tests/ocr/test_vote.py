"""Several looks of one engine become one reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.ocr.engine import RawWord
from lowdiff.ocr.looks import joined_letters, looks_at, shows_words
from lowdiff.ocr.vote import vote


def word(text: str, confidence: float = 0.9, x: float = 0, y: float = 0) -> RawWord:
    return RawWord(text, confidence, (x, y, 20.0 * len(text), 30.0), (0, 0, 0), "rapidocr")


readings = st.lists(
    st.lists(
        st.builds(
            word,
            st.text("abc", min_size=1, max_size=4),
            st.floats(0.01, 1),
            st.integers(0, 300),
            st.integers(0, 100),
        ),
        max_size=5,
    ),
    min_size=1,
    max_size=4,
)


@given(readings)
def test_every_word_of_the_vote_was_read_and_is_not_surer_than_before(looks):
    seen = {(one.text, one.box): one.confidence for look in looks for one in look}
    for one in vote(looks):
        assert (one.text, one.box) in seen
        assert one.confidence <= max(o.confidence for look in looks for o in look) + 1e-9


def test_the_text_that_most_looks_saw_is_kept():
    chosen = vote([[word("SALE")], [word("SA1E", 0.99)], [word("SALE", 0.8)]])
    assert [one.text for one in chosen] == ["SALE"]


def test_what_one_look_of_three_saw_is_told_with_a_third_of_its_confidence():
    (one,) = vote([[word("SALE")], [], []])
    assert one.confidence == pytest.approx(0.3)


def test_words_at_other_places_stay_apart():
    assert len(vote([[word("one")], [word("two", x=200)]])) == 2


def test_letters_far_apart_become_a_word_and_a_text_stays_as_it_is():
    spaced = [word(letter, x=50 * n) for n, letter in enumerate("sort")]
    assert [one.text for one in joined_letters(spaced)] == ["sort"]
    text = [word("summer"), word("a", x=300), word("sale", x=400)]
    assert joined_letters(text) == text


def test_a_lone_doubtful_letter_is_no_writing():
    assert not shows_words([word("8", 0.5)])
    assert shows_words([word("8", 0.9)])
    assert shows_words([word("fs", 0.4)])


@pytest.mark.parametrize("size_px", [(100, 100), (640, 480), (1280, 20), (4000, 3000)])
def test_every_size_is_looked_at(size_px):
    assert looks_at(size_px)
