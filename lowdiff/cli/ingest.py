"""`lowdiff ingest`: bring images in, check files, list what was refused."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from lowdiff.cli.output import AsJson, emit, progress, say
from lowdiff.errors import ServiceError

if TYPE_CHECKING:
    from lowdiff.ingest.ingest import IngestReport
    from lowdiff.ingest.outside import Outside
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
    is new or failed.

    Example: `lowdiff ingest openmoji-own` · `lowdiff ingest --all --json`
    """


@app.command("run")
def run(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Names of sources, or paths of their TOML files.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All sources of the workspace.")] = False,
    retry_rejected: Annotated[
        bool, typer.Option(help="Look again at what was refused before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring in the images of some sources, or of all of them.

    Example: `lowdiff ingest openmoji-own openmoji-gallery`
    """
    from lowdiff.dedupe.exact import link_families
    from lowdiff.ops.project import open_project
    from lowdiff.ops.sources import open_sources

    if bool(sources) == every:
        raise typer.BadParameter("name one source or more, or give --all")
    with open_project() as project:
        with open_sources(project, sources or []) as outside:
            down = _discover(project, outside)
            report = _ingest_all(project, outside, retry_rejected)
        families = link_families(project.catalog)
    emit(
        {"sources": list(outside.sources), **report.as_dict(), **vars(families)},
        as_json=as_json,
        text=_summary(report, families.images, families.families),
    )
    if report.refused:
        say("`lowdiff ingest rejections` tells why each item was refused")
    if down is not None:
        raise down
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
    from lowdiff.ingest.check import check_file, files_below
    from lowdiff.ingest.decoders import open_decoders
    from lowdiff.ingest.limits import Limits
    from lowdiff.settings import load_settings

    settings = load_settings()
    refused = 0
    with open_decoders(1) as decoders:
        for path in files_below(paths):
            verdict = check_file(path, decoders=decoders, limits=Limits.of(settings))
            refused += verdict["verdict"] == "rejected"
            size = f"{verdict['format']}, {verdict['width_px']} × {verdict['height_px']} px"
            said = size if verdict["verdict"] == "ok" else verdict["message"]
            emit(verdict, as_json=as_json, text=f"{verdict['verdict']:<8} {path}  {said}")
    if refused:
        raise typer.Exit(3)


@app.command()
def rejections(
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what was refused, each with its reason and message.

    Example: `lowdiff ingest rejections --source our-site`
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
            "rejected_at": row.rejected_at.isoformat(),
        }
        emit(record, as_json=as_json, text=f"{row.source}  {row.reason}  {row.message}")
    say(f"{len(rows)} refused")


def _discover(project: "Project", outside: "Outside") -> ServiceError | None:
    """Ask every source; the first one that does not answer is told at the end."""
    from lowdiff.ingest.discover import discover

    down: ServiceError | None = None
    for name in outside.sources:
        try:
            with progress(f"looking into {name}", None) as advance:
                discover(name, outside=outside, catalog=project.catalog, advance=advance)
        except ServiceError as error:
            if error.reason == "catalog_unavailable":
                raise
            if down is not None:
                say(f"{name}: {error}")
            down = down or error
    return down


def _ingest_all(project: "Project", outside: "Outside", retry_rejected: bool) -> "IngestReport":
    from lowdiff.catalog.chunks import chunks
    from lowdiff.ingest.discover import pending
    from lowdiff.ingest.ingest import IngestReport, ingest_batch

    todo = pending(project.catalog, list(outside.sources), retry_rejected=retry_rejected)
    report = IngestReport()
    with progress("ingesting", len(todo)) as advance:
        for batch in chunks(todo, project.settings.batch_size):
            report.add(
                ingest_batch(
                    batch,
                    outside=outside,
                    catalog=project.catalog,
                    store=project.store,
                    lease_s=project.settings.lease_s,
                    advance=advance,
                )
            )
    return report


def _summary(report: "IngestReport", images: int, families: int) -> str:
    lines = [f"{report.new} new images, {report.known} known already"]
    refused = ", ".join(f"{reason} {number}" for reason, number in report.refused.most_common())
    lines += [f"{sum(report.refused.values())} refused: {refused}"] if refused else []
    lines += [f"{report.failed} failed, to be tried again"] if report.failed else []
    return "\n".join([*lines, f"the catalog holds {images} images in {families} families"])
