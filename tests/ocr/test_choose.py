"""What counts as writing, and what is junk seen in a drawing."""

from hypothesis import given
from hypothesis import strategies as st

from lowdiff.ocr.choose import SPARSE, STRAIGHT, is_page, page_writing, writing
from lowdiff.ocr.engine import RawWord


def word(text: str, confidence: float, line: int = 0) -> RawWord:
    return RawWord(text, confidence, (0, 0, 1, 1), (1, 1, line))


words = st.lists(
    st.builds(
        word,
        st.text("abcLIl|-é1", min_size=1, max_size=6),
        st.floats(0, 1),
        st.integers(0, 3),
    )
)


@given(words, st.sampled_from([STRAIGHT, SPARSE]))
def test_what_counts_was_read_and_counts_again(found, rule):
    kept = writing(found, rule)
    assert all(one in found for one in kept)
    assert writing(kept, rule) == kept


def test_a_sure_line_counts_and_an_unsure_one_does_not():
    assert writing([word("SALE", 0.9)], STRAIGHT) == [word("SALE", 0.9)]
    assert writing([word("SALE", 0.4)], STRAIGHT) == []


def test_short_lines_must_be_surer_and_single_letters_are_no_finds():
    assert writing([word("OK", 0.8)], STRAIGHT) == []
    assert writing([word("OK", 0.95)], STRAIGHT) == [word("OK", 0.95)]
    assert writing([word("3", 0.99)], SPARSE) == []


def test_bars_and_signs_are_no_writing():
    assert writing([word("LL", 0.99), word("|l|", 0.99, 1), word("—+", 0.99, 2)], SPARSE) == []


def test_a_page_keeps_its_doubtful_words():
    page = [word("abcdefghij", 0.9), word("klmnopqrst", 0.9, 1), word("uvw", 0.1, 2)]
    assert is_page(page)
    assert page_writing(page) == page
    assert not is_page(page[:1])
