"""`lowdiff source` and `lowdiff corpus`: where images come from."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, progress, say

source_app = typer.Typer(rich_markup_mode="markdown", no_args_is_help=True)
corpus_app = typer.Typer(rich_markup_mode="markdown", no_args_is_help=True)


@source_app.callback()
def _source() -> None:
    """Source definitions: TOML files in the workspace's `sources/`."""


@source_app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources of the workspace and how far each one is.

    Example: `lowdiff source list`
    """
    from lowdiff.catalog.queue import counts_by_state
    from lowdiff.ingest.sources import HOW_TO_START, load_sources
    from lowdiff.ops.project import open_project

    with open_project() as project:
        sources = load_sources(project.workspace.sources)
        for name, source in sources.items():
            with project.catalog.read() as session:
                finds = counts_by_state(session, name)
            where = source.where
            record = {"source": name, "kind": source.kind, "licence": source.licence}
            done = ", ".join(f"{number} {state}" for state, number in sorted(finds.items()))
            emit(
                {**record, "where": where, "finds": finds},
                as_json=as_json,
                text=f"{name}  {source.kind}  {source.licence}  {where}  {done or 'not yet read'}",
            )
        if not sources:
            say(f"no source yet in {project.workspace.sources}. {HOW_TO_START}")


@source_app.command("check")
def check_source(
    files: Annotated[list[Path], typer.Argument(help="TOML files.")],
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask the sites for their robots.txt.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what sources would bring and what they would refuse, without fetching an image.

    Checks keys and values, lists folders, archives, lists, collections and buckets, and asks the
    sites of lists and crawls for their robots.txt. Nothing is written. A wrong file does not stop
    the others; the exit code tells of the last one.

    Example: `lowdiff source check data/sources/our-site.toml`
    """
    from lowdiff.errors import LowdiffError

    wrong: LowdiffError | None = None
    for path in files:
        try:
            record = {"file": str(path), **_look(path, offline)}
        except LowdiffError as error:
            if wrong is not None:
                say(f"error: {wrong}")
            wrong = error
        else:
            emit(record, as_json=as_json, text=_in_words(record))
    if wrong is not None:
        raise wrong


def _look(path: Path, offline: bool) -> dict[str, Any]:
    from tempfile import TemporaryDirectory

    from lowdiff.ingest.limits import Limits
    from lowdiff.ingest.look import look_into
    from lowdiff.ingest.sources import load_source
    from lowdiff.settings import load_settings

    settings = load_settings()
    source = load_source(path)
    with (
        TemporaryDirectory(prefix="lowdiff-") as copies,
        progress(f"looking into {source.name}", None) as advance,
    ):
        return look_into(
            source,
            root=settings.workspace,
            copies=Path(copies),
            limits=Limits.of(settings),
            offline=offline,
            advance=advance,
        ).as_dict()


def _in_words(look: dict[str, Any]) -> str:
    lines = [f"{look['file']}: source {look['source']} is right"]
    lines.append(f"  {look['kind']} {look['where']}, {look['licence']}, {look['attribution']}")
    if look["items"] is None:
        lines.append("  how many images there are, only a crawl can tell")
    else:
        size = f", {look['bytes'] / 1e6:.1f} MB" if look["bytes"] is not None else ""
        endings = ", ".join(f"{number} {end}" for end, number in look["endings"].items())
        lines.append(f"  {look['items']} items{size}{': ' if endings else ''}{endings}")
        if not look["items"]:
            lines.append("  nothing to bring: look at where it points, and at glob and exclude")
    for one in look["first"]:
        said = one.get("title") or one.get("caption") or one.get("alt_text")
        lines.append(f"    {one['item']}{f'  {said[:80]}' if said else ''}")
    if look["duplicates"]:
        lines.append(f"  {look['duplicates']} are in the list twice")
    if look["unknown_licences"]:
        lines.append(f"  {look['unknown_licences']} of unknown licence: kept, but not used")
    if look["refused"]:
        reasons = ", ".join(f"{number} {reason}" for reason, number in look["refused"].items())
        lines.append(f"  would be refused: {reasons}")
        lines += [f"    {message}" for message in look["refusals"]]
    lines += [f"  {host['host']}  robots.txt: {host['robots']}" for host in look["hosts"]]
    return "\n".join(lines)


@corpus_app.callback()
def _corpus() -> None:
    """Corpora to try lowdiff with."""


@corpus_app.command()
def openmoji(
    count: Annotated[int, typer.Option(min=1, help="Graphics to lay out; there are 2465.")] = 1500,
    as_json: AsJson = False,
) -> None:
    """Bring OpenMoji 17.0.0 through npm and lay it out as two sources: a folder and a gallery.

    Example: `lowdiff corpus openmoji --count 300 && lowdiff ingest --all`
    """
    from lowdiff.ingest.demo_corpus import lay_out_openmoji
    from lowdiff.ingest.openmoji import ATTRIBUTION, LICENCE, bring_openmoji, corpus_folder
    from lowdiff.ops.project import open_project

    with open_project() as project:
        bring_openmoji(project.workspace, say=say)
        layout = lay_out_openmoji(project.workspace, count)
        folder = corpus_folder(project.workspace)
    emit(
        {
            "corpus": "openmoji",
            "folder": folder,
            "own": layout.own,
            "gallery": layout.gallery,
            "licence": LICENCE,
            "attribution": ATTRIBUTION,
        },
        as_json=as_json,
        text=f"{layout.own} graphics in {folder / 'own'}, {layout.gallery} in the web gallery\n"
        f"{ATTRIBUTION}",
    )
