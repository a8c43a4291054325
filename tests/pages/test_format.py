from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.pages import format as human


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0.4 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7_500, "2 h 05 min"),
        (273_600, "3 d 4 h"),
        (None, "–"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, text):
    assert human.duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (999_700, "1.0 MB"), (43e6, "43 MB")],
)
def test_a_size_is_told_in_powers_of_a_thousand(size_bytes, text):
    assert human.size(size_bytes).replace("\N{NARROW NO-BREAK SPACE}", " ") == text


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_only_nothing_is_zero_percent_and_only_everything_is_a_hundred(part, whole):
    text = human.percent(min(part, whole) / whole)
    assert (text == "0%") == (part == 0)
    assert (text == "100%") == (part >= whole)


def test_a_number_keeps_its_digits_and_has_no_exponent():
    assert [human.number(x) for x in (0.01234, 24.123, 123_456.0, None)] == [
        "0.0123", "24.1", "123,000", "–",
    ]  # fmt: skip


@given(st.text(), st.integers(5, 80))
def test_a_clipped_text_is_never_longer_than_asked(text, longest):
    assert len(human.clip(text, longest)) <= longest


def test_a_clipped_text_ends_at_a_word():
    assert human.clip("A raccoon, one large figure", 20) == "A raccoon, one…"


def test_a_noun_follows_its_number():
    assert human.plural(1, "family", "families") == "1 family"
    assert human.plural(1_200, "image") == "1,200 images"


def test_a_day_names_its_time_zone():
    assert human.day(datetime(2026, 1, 2, 3, 4, 5)) == "2 January 2026, 03:04 UTC"
