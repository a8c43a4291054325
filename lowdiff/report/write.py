"""Write the report: one HTML file that opens offline."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.labels.schema import Schema
from lowdiff.pages.environment import page_environment
from lowdiff.pages.write import write_page
from lowdiff.report.gather import Report, gather_report
from lowdiff.report.inputs import Inputs
from lowdiff.report.plots import draw_plots
from lowdiff.store import Store
from lowdiff.workspace import Workspace

REPORT_FILE = "report.html"
TEMPLATES = Path(__file__).parent / "templates"


def write_report(
    *,
    catalog: Catalog,
    store: Store,
    workspace: Workspace,
    schema: Schema,
    accept_confidence: float,
    dataset_name: str,
    out: Path | None = None,
    timings: Mapping[str, float] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Path:
    """Tell the whole workspace on one page; possible at any stage of the road.

    The page loads nothing: images are inside, there is no script, and its security policy forbids
    both. The same workspace at the same `now` gives the same bytes.

    Args:
        accept_confidence: a machine's label counts from this confidence on.
        dataset_name: the dataset to tell of.
        out: the file; default `<workspace>/report.html`.
        timings: step → seconds; default `<workspace>/timings.json` where it is.

    Returns:
        The file that was written.

    Raises:
        ServiceError: the catalog or the store cannot be read, or the file not be written.
    """
    inputs = Inputs(catalog, store, workspace, schema, accept_confidence, dataset_name)
    report = gather_report(inputs, made_at=now(), timings=timings)
    target = out or workspace.root / REPORT_FILE
    write_page(target, render_report(report))
    return target


def render_report(report: Report) -> str:
    """The page as text."""
    template = page_environment(TEMPLATES).get_template("report.html")
    return template.render(report=report, plots=draw_plots(report))
