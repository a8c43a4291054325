"""Drawings of how far labeling is: images over days, and the bound of the error over audits."""

from datetime import date

from markupsafe import Markup

from lowdiff.labels.progress.status import Status
from lowdiff.pages.figures import Line, line_plot

MOST_BOUNDS = 2
"""Drafters in one figure, beside the limit."""


def label_plots(status: Status) -> dict[str, Markup]:
    """Name → inline SVG; a figure without data has no name here."""
    plots = {}
    if len(status.pace.days) > 1:
        plots["label-days"] = _days(status)
    bounds = _bounds(status)
    if bounds:
        plots["label-bounds"] = line_plot(
            "plot-label-bounds",
            bounds,
            x_label="audited drafts",
            y_label="at most so many % of the field are wrong",
            from_zero=True,
        )
    return plots


def _days(status: Status) -> Markup:
    first = status.pace.days[0][0]
    x, y, done = [], [], 0
    for day, number in status.pace.days:
        done += number
        x.append(float((day - first).days))
        y.append(float(done))
    lines = [Line("labelled by people", x, y)]
    end: date | None = status.forecast.done_on
    if end is not None and status.forecast.images_left:
        goal = [y[-1], y[-1] + status.forecast.images_left]
        lines.append(Line("forecast", [x[-1], float((end - first).days)], goal, dashed=True))
    return line_plot(
        "plot-label-days",
        lines,
        x_label=f"days since {first:%-d %B %Y}",
        y_label="images",
        from_zero=True,
    )


def _bounds(status: Status) -> list[Line]:
    """The newest drafters that were looked at more than once, and the limit."""
    points: dict[str, list[tuple[int, float]]] = {}
    for decision in status.history:
        name = f"{decision.field} by {decision.family}"
        points.setdefault(name, []).append((decision.audited, 100 * decision.upper_bound))
    told = [(name, some) for name, some in points.items() if len(some) > 1][-MOST_BOUNDS:]
    if not told:
        return []
    lines = [Line(name, [x for x, _ in some], [y for _, y in some]) for name, some in told]
    widest = [min(x for _, some in told for x, _ in some), max(x for _, s in told for x, _ in s)]
    limit = 100 * status.history[-1].error_limit
    return [*lines, Line("the limit", widest, [limit, limit], dashed=True)]
