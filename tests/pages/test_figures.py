import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from lowdiff.pages.figures import Line, histogram, line_plot


def curves(name: str = "loss", label: str = "training"):
    lines = [Line(label, [1, 2, 3], [3.0, 2.0, 1.5]), Line("held out", [1, 3], [3.1, 2.2], True)]
    return line_plot(name, lines, x_label="step", y_label="loss")


def bars(name: str = "bars"):
    return histogram(
        name, [1, 0, 4, 9], low=0, high=1, x_label="confidence", y_label="images",
        threshold=0.5, threshold_label="counts from here",
    )  # fmt: skip


@pytest.mark.parametrize("draw", [curves, bars])
def test_a_drawing_is_the_same_to_the_byte_every_time(draw):
    assert draw() == draw()


@pytest.mark.parametrize("draw", [curves, bars])
def test_a_drawing_is_well_formed_and_loads_nothing(draw):
    text = str(draw()).replace("xlink:href", "href")
    root = ET.fromstring(text)
    links = [value for node in root.iter() for key, value in node.attrib.items() if "href" in key]
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"https?:|<script|<style|<metadata", text)


@pytest.mark.parametrize("draw", [curves, bars])
def test_all_colours_come_from_the_page(draw):
    text = str(draw())
    assert "var(--first)" in text
    assert not re.search(r":\s*#[0-9a-f]{3,6}\b", text)


def test_two_drawings_on_one_page_share_no_id():
    ids = [set(re.findall(r'id="([^"]+)"', str(curves(name)))) for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_label_is_text_and_neither_markup_nor_mathematics():
    text = str(curves(label="<script>alert(1)</script> $x_1$"))
    assert "&lt;script&gt;" in text
    assert "$x_1$" in text
    assert "<script" not in text


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(mpl.rcParams)
    curves()
    assert dict(mpl.rcParams) == before


def test_a_plot_over_several_magnitudes_or_without_a_point_can_be_drawn():
    wide = line_plot("w", [Line("a", [1, 2], [0.001, 50.0])], x_label="", y_label="", log_y=True)
    none = line_plot("n", [Line("a", [], [])], x_label="", y_label="", log_y=True)
    assert "<svg" in wide
    assert "<svg" in none
