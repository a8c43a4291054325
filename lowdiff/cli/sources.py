"""`lowdiff source` and `lowdiff corpus`: where images come from."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, say

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
    from lowdiff.ingest.sources import load_sources
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
            say(f"no source yet: put a TOML file into {project.workspace.sources}")


@source_app.command("check")
def check_source(
    files: Annotated[list[Path], typer.Argument(help="TOML files.")], as_json: AsJson = False
) -> None:
    """Check source files: keys, values, and that a folder is there.

    Example: `lowdiff source check data/sources/our-site.toml`
    """
    from lowdiff.ingest.sources import load_source

    for path in files:
        source = load_source(path)
        record: dict[str, Any] = {"file": str(path), **source.model_dump(exclude_none=True)}
        emit(record, as_json=as_json, text=f"{path}: source {source.name} is right")


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
