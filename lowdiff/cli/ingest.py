"""`lowdiff ingest`: bring images in, check files, list what was refused."""

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from lowdiff.cli.output import AsJson, emit, progress, say
from lowdiff.errors import InputError, LowdiffError, ServiceError

if TYPE_CHECKING:
    from lowdiff.catalog.queue import Outlook
    from lowdiff.ingest.discover import Discovery
    from lowdiff.ingest.outside import Outside
    from lowdiff.ingest.report import IngestReport
    from lowdiff.ops.project import Project


class _RunByDefault(TyperGroup):
    """`lowdiff ingest my-source` is short for `lowdiff ingest run my-source`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before anything that is not a command of its own."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_RunByDefault, rich_markup_mode="markdown", no_args_is_help=True)


@app.callback()
def _ingest() -> None:
    """Bring in the images of sources: `lowdiff ingest SOURCE…` or `lowdiff ingest --all`.

    Each original is kept byte for byte with where it was found, its licence and what the source
    says of it; what cannot be used is refused with its reason. Running it again fetches only what
    is new or failed; any number of these commands may run at once, and any of them may be killed.

    Example: `lowdiff ingest openmoji-own` · `lowdiff ingest --all --json`
    """


@app.command("run")
def run(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Names of sources, or paths of their TOML files.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All sources of the workspace.")] = False,
    retry_rejected: Annotated[
        bool, typer.Option(help="Look again at what was refused or failed too often.")
    ] = False,
    revisit: Annotated[
        bool, typer.Option(help="Ask again for everything that was fetched: has it changed?")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring in the images of some sources, or of all of them.

    Example: `lowdiff ingest openmoji-own openmoji-gallery`, and some months later
    `lowdiff ingest openmoji-gallery --revisit`
    """
    gc.set_threshold(50_000, 20, 50)  # imports and the catalog make many objects and few cycles
    from lowdiff.dedupe.exact import link_families
    from lowdiff.ingest.discover import totals
    from lowdiff.ingest.todo import waiting
    from lowdiff.ops.project import open_project
    from lowdiff.ops.sources import open_sources

    if bool(sources) == every:
        raise typer.BadParameter("name one source or more, or give --all")
    with open_project() as project:
        with open_sources(project, sources or []) as outside:
            found, broken = _discover(project, outside)
            report = _ingest_all(project, outside, retry_rejected, revisit)
        rest = waiting(project.catalog, outside.sources)
        families = link_families(project.catalog)
    pages = totals(found)
    emit(
        {
            "sources": list(outside.sources),
            **pages,
            **report.as_dict(),
            **rest.as_dict(),
            **vars(families),
        },
        as_json=as_json,
        text=_summary(pages, report, rest, families.images, families.families),
    )
    if report.refused or pages["refused_pages"]:
        say("`lowdiff ingest rejections` tells why each item was refused")
    if report.new:
        say("`lowdiff dedupe` finds near twins and variants among the new images")
    if broken is not None:
        raise broken
    report.raise_if_failed()


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.")],
    as_json: AsJson = False,
) -> None:
    """Tell for each file whether it would be taken, without a workspace.

    Exit code 3 when a file would be refused.

    Example: `lowdiff ingest check poster.png drafts/ --json`
    """
    from lowdiff.ingest.check import check_files
    from lowdiff.ingest.decoders import open_decoders
    from lowdiff.ingest.limits import Limits
    from lowdiff.settings import load_settings

    settings = load_settings()
    limits, workers = Limits.of(settings), settings.workers
    refused = 0
    with open_decoders(workers) as decoders:
        for verdict in check_files(paths, decoders=decoders, limits=limits, workers=workers):
            refused += verdict["verdict"] == "rejected"
            size = f"{verdict['format']}, {verdict['width_px']} × {verdict['height_px']} px"
            said = (
                f"{verdict['path']}: {size}" if verdict["verdict"] == "ok" else verdict["message"]
            )
            emit(verdict, as_json=as_json, text=f"{verdict['verdict']:<8} {said}")
    if refused:
        raise typer.Exit(3)


@app.command()
def rejections(
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what was refused, each with its reason and message.

    With `--json` also with the evidence: what was asked, when, and what the answer was.

    Example: `lowdiff ingest rejections --source our-site --json`
    """
    from lowdiff.catalog.queue import rejections_of
    from lowdiff.ops.project import open_project

    with open_project() as project, project.catalog.read() as session:
        rows = rejections_of(session, source)
    for row in rows:
        record = {
            "source": row.source,
            "url": row.url,
            "reason": row.reason,
            "message": row.message,
            "evidence": row.evidence,
            "rejected_at": row.rejected_at.isoformat(),
        }
        emit(record, as_json=as_json, text=f"{row.source}  {row.reason}  {row.message}")
    say(f"{len(rows)} refused")


def _discover(
    project: "Project", outside: "Outside"
) -> tuple[list["Discovery"], LowdiffError | None]:
    """Ask every source; the first one that is wrong or does not answer is told at the end."""
    from lowdiff.ingest.discover import discover

    found: list[Discovery] = []
    broken: LowdiffError | None = None
    for name in outside.sources:
        try:
            with progress(f"looking into {name}", None) as advance:
                one = discover(name, outside=outside, catalog=project.catalog, advance=advance)
            found.append(one)
        except (InputError, ServiceError) as error:
            if error.reason == "catalog_unavailable":
                raise
            if broken is not None:
                say(f"source {name}: {error}")
            broken = broken or error
    return found, broken


def _ingest_all(
    project: "Project", outside: "Outside", retry_rejected: bool, revisit: bool
) -> "IngestReport":
    from lowdiff.ingest.ingest import ingest_batch
    from lowdiff.ingest.todo import pending

    todo = pending(project.catalog, outside.sources, retry_rejected=retry_rejected, revisit=revisit)
    with progress("ingesting", len(todo)) as advance:
        return ingest_batch(
            todo,
            outside=outside,
            catalog=project.catalog,
            store=project.store,
            preview_px=project.settings.preview_px,
            lease_s=project.settings.lease_s,
            advance=advance,
        )


def _summary(
    pages: Mapping[str, int],
    report: "IngestReport",
    rest: "Outlook",
    images: int,
    families: int,
) -> str:
    refused = ", ".join(f"{reason} {number}" for reason, number in report.refused.most_common())
    unread, down = pages["refused_pages"], pages["failed_pages"]
    lines = [
        f"{report.new} new images, {report.known} known already",
        f"{unread} refused before they were fetched: pages, folders, links, unsafe names …"
        if unread
        else "",
        f"{down} pages failed, to be tried again" if down else "",
        f"{report.unchanged} unchanged" if report.unchanged else "",
        f"{sum(report.refused.values())} refused: {refused}" if refused else "",
        f"{report.failed} failed, to be tried again" if report.failed else "",
        f"{rest.later} to be asked later, at {rest.retry_at:%Y-%m-%d %H:%M} UTC or after"
        if rest.retry_at
        else "",
        f"{rest.given_up} failed in too many runs; --retry-rejected tries them again"
        if rest.given_up
        else "",
        f"the catalog holds {images} images in {families} families",
    ]
    return "\n".join(line for line in lines if line)
