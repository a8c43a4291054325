"""Write the report: one HTML file that opens offline."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.labels.accept.policy import Policy
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
    policy: Policy,
    dataset_name: str,
    error_limit: float = 0.02,
    audit_share: float = 0.05,
    out: Path | None = None,
    timings: Mapping[str, float] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Path:
    """Tell the whole workspace on one page; possible at any stage of the road.

    The page loads nothing: images are inside, there is no script, and its security policy forbids
    both. The same workspace at the same `now` gives the same bytes.

    Args:
        policy: which labels of machines count.
        dataset_name: the dataset to tell of.
        error_limit: accepted drafts may be wrong this often, in (0, 0.5).
        audit_share: of all images, how many are audited.
        out: the file; default `<workspace>/report.html`.
        timings: step → seconds; default `<workspace>/timings.json` where it is.

    Returns:
        The file that was written.

    Raises:
        ServiceError: the catalog or the store cannot be read, or the file not be written.
    """
    inputs = Inputs(
        catalog, store, workspace, schema, policy, dataset_name, error_limit, audit_share
    )
    report = gather_report(inputs, made_at=now(), timings=timings)
    target = out or workspace.root / REPORT_FILE
    write_page(target, render_report(report))
    return target


def render_report(report: Report) -> str:
    """The page as text."""
    template = page_environment(TEMPLATES).get_template("report.html")
    return template.render(report=report, plots=draw_plots(report))
