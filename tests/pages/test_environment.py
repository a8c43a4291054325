import pytest
from jinja2 import UndefinedError

from lowdiff.pages.environment import page_environment


def test_every_value_is_escaped_whatever_the_template_is_called(tmp_path):
    (tmp_path / "page.txt").write_text('<a title="{{ it }}">{{ it }}</a>')
    page = page_environment(tmp_path).get_template("page.txt").render(it='"><script>')
    assert page == '<a title="&#34;&gt;&lt;script&gt;">&#34;&gt;&lt;script&gt;</a>'


def test_a_name_without_a_value_is_an_error(tmp_path):
    (tmp_path / "page.html").write_text("{{ nobody }}")
    with pytest.raises(UndefinedError, match="nobody"):
        page_environment(tmp_path).get_template("page.html").render()


def test_a_bar_without_any_number_is_drawn_empty(tmp_path):
    (tmp_path / "page.html").write_text(
        '{% import "parts.html" as parts %}{{ parts.levels([("a", 0)]) }}'
        '{{ parts.meter([("people", 0, "by people")]) }}'
    )
    page = page_environment(tmp_path).get_template("page.html").render()
    assert "width: 0.00%" in page
    assert 'aria-label="0 by people"' in page
