"""Plots as inline SVG in one quiet style; colours follow the page into the dark.

Matplotlib draws with marker colours which become CSS variables of the page (`--ink`, `--people`…),
so one drawing serves light, dark and paper. Equal input gives equal bytes: ids are hashed with the
figure's name, and no date is written. Nothing here touches pyplot.
"""

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

# colour that matplotlib draws with → CSS variable of the page
_INK, _MUTED, _LINE = "#010101", "#010102", "#010103"
_FIRST, _SECOND, _THIRD = "#010104", "#010105", "#010106"
_VARIABLES = {
    _INK: "--ink",
    _MUTED: "--muted",
    _LINE: "--line",
    _FIRST: "--first",
    _SECOND: "--second",
    _THIRD: "--third",
}
SERIES = (_FIRST, _SECOND, _THIRD)

_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": _INK,
    "text.parse_math": False,  # a dollar sign is a dollar sign
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": _LINE,
    "grid.linewidth": 0.7,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: it takes the page's font and can be searched
}


@dataclass(frozen=True)
class Line:
    """One series of points; points are joined in the order of x."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


def line_plot(
    name: str, lines: Sequence[Line], *, x_label: str, y_label: str, log_y: bool = False,
    from_zero: bool = False,
) -> Markup:  # fmt: skip
    """Curves over a common axis, with a legend where there are several.

    Args:
        name: unique on the page; ids inside the drawing are made from it.
        log_y: only where every value is positive; else the axis stays linear.
        from_zero: let the vertical axis begin at 0.
    """
    with _style(name):
        figure, axes = _canvas(5.0, 2.9)
        for index, line in enumerate(lines):
            axes.plot(
                line.x,
                line.y,
                color=SERIES[index % len(SERIES)],
                linestyle=(0, (4, 2.5)) if line.dashed else "-",
                marker="o" if len(line.x) <= 12 else None,
                markersize=4,
                label=line.label,
            )
        values = [value for line in lines for value in line.y]
        if log_y and values and min(values) > 0:
            axes.set_yscale("log")
            _plain_log_ticks(axes)
        axes.set_xlabel(x_label)
        axes.set_title(y_label, loc="left", fontsize=9.5, color=_MUTED)
        axes.margins(x=0.02)
        if from_zero:
            axes.set_ylim(bottom=0)
        if len(lines) > 1:
            axes.legend(loc="best", handlelength=1.6, labelcolor=_INK)
        return _svg(figure, name, y_label)


def histogram(
    name: str, counts: Sequence[int], *, low: float, high: float, x_label: str, y_label: str,
    threshold: float | None = None, threshold_label: str = "",
) -> Markup:  # fmt: skip
    """Bars over equal bins of `low` … `high`, with a mark at a threshold where there is one."""
    with _style(name):
        figure, axes = _canvas(4.0, 2.4)
        width = (high - low) / max(1, len(counts))
        left = [low + width * index for index in range(len(counts))]
        colours = [
            SERIES[0] if threshold is None or x + width / 2 >= threshold else SERIES[2]
            for x in left
        ]
        axes.bar(left, list(counts), width=width * 0.88, align="edge", color=colours)
        if threshold is not None:
            axes.axvline(threshold, color=_INK, linewidth=1, linestyle=(0, (3, 2)))
            axes.annotate(
                threshold_label,
                (threshold, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(-4, -2),
                textcoords="offset points",
                ha="right",
                va="top",
                fontsize=8.5,
            )
        axes.set_xlim(low, high)
        axes.margins(y=0.16)  # room for the words at the threshold
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(x_label)
        axes.set_title(y_label, loc="left", fontsize=9.5, color=_MUTED)
        return _svg(figure, name, y_label)


def _style(name: str) -> AbstractContextManager[None]:
    """Matplotlib reads how it writes SVG from its settings only: set them for one drawing."""
    settings: Any = _STYLE | {"svg.hashsalt": name}
    return mpl.rc_context(settings)


def _canvas(width_in: float, height_in: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.add_subplot()


def _plain_log_ticks(axes: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axes.get_ylim()
    narrow = high / low < 30
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", which="minor", size=0)


def _svg(figure: Figure, name: str, title: str) -> Markup:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    # a part of the page, not a document of its own: no metadata, fonts, ids or rules for others
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*</defs>", "", text)
    text = re.sub(r'<svg [^>]*viewBox="([^"]+)"[^>]*>', _open_tag(name), text, count=1)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r"font-family: [^;\"]+; ", "", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    return Markup(text.strip())  # drawn by us; matplotlib escapes what it writes


def _open_tag(name: str) -> str:
    name = re.sub("[^a-z0-9-]", "-", name.lower())
    return rf'<svg class="plot" id="{name}" viewBox="\1" role="img">'
