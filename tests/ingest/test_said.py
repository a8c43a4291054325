import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.ingest.said import MAX_TEXT, hints_of, licence_of, text_of
from lowdiff.ingest.source_base import Columns, is_spdx


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("cc0-1.0", "CC0-1.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("https://creativecommons.org/licenses/by-nc/2.0/deed.en", "CC-BY-NC-2.0"),
        ("http://creativecommons.org/licenses/by-sa/3.0/de/", "CC-BY-SA-3.0-DE"),
        ("//creativecommons.org/publicdomain/zero/1.0/", UNKNOWN_LICENCE),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", UNKNOWN_LICENCE),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("LicenseRef-brand", "LicenseRef-brand"),
        ("", UNKNOWN_LICENCE),
        ("unknown", UNKNOWN_LICENCE),
        ("copyrighted", UNKNOWN_LICENCE),
        ("all rights reserved", UNKNOWN_LICENCE),
        ("CC-BY-9.9", UNKNOWN_LICENCE),
        ("https://example.org/licenses/by/4.0/", UNKNOWN_LICENCE),
    ],
)
def test_a_licence_is_understood_or_unknown_and_never_guessed(said, meant):
    assert licence_of(said) == meant


@given(st.text(max_size=200))
def test_any_text_is_a_licence_that_the_catalog_can_hold(text):
    assert is_spdx(licence_of(text))


@given(st.none() | st.text() | st.integers() | st.floats() | st.binary() | st.lists(st.text()))
def test_any_cell_is_text_that_can_be_stored(cell):
    text = text_of(cell)
    text.encode("utf-8")
    assert len(text) <= MAX_TEXT


def test_an_empty_cell_says_nothing_but_that_the_licence_is_unknown():
    columns = Columns(title="t", caption="c", licence="l", attribution="a", tags=["x"])
    assert hints_of({"t": " ", "c": None, "x": " , "}, columns) == {"licence": UNKNOWN_LICENCE}
    assert hints_of({"t": "T"}, Columns(title="t")) == {"title": "T"}
