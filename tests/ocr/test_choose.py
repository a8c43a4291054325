"""How much writing some words are."""

from lowdiff.ocr.choose import PAGE_LETTERS, is_clear_page, letters, mean_confidence
from lowdiff.ocr.engine import RawWord


def word(text: str, confidence: float) -> RawWord:
    return RawWord(text, confidence, (0, 0, 1, 1), (1, 1, 0))


def test_signs_are_no_letters():
    assert letters("R2-D2!") == 4


def test_long_words_weigh_more():
    assert mean_confidence([word("a", 0.0), word("abc", 1.0)]) == 0.75
    assert mean_confidence([]) == 0


def test_a_page_is_long_and_sure():
    assert is_clear_page([word("a" * PAGE_LETTERS, 0.9)])
    assert not is_clear_page([word("a" * PAGE_LETTERS, 0.5), word("abc", 0.9)])
    assert not is_clear_page([word("SALE", 1.0)])
