"""`lowdiff schema …`: what follows from the label schema, and what changes when it does."""

from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli.output import AsJson, emit, say

app = typer.Typer(help="The label schema: its generated files, its changes.")

Folder = Annotated[Path, typer.Option(help="Where schema.toml lies.")]


@app.callback(invoke_without_command=True)
def schema(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 5 when a file is stale.")
    ] = False,
    folder: Folder = Path("labeling"),
    as_json: AsJson = False,
) -> None:
    """Write Label Studio's screens and the table of fields from labeling/schema.toml.

    Example: change a definition in labeling/schema.toml, then `lowdiff schema`
    """
    if context.invoked_subcommand is not None:
        return
    from lowdiff.errors import ContractError
    from lowdiff.labels.schema import load_schema
    from lowdiff.labels.schema_files import generated_files, stale_files, write_files

    label_schema = load_schema(folder / "schema.toml")
    stale = stale_files(folder, label_schema) if check else write_files(folder, label_schema)
    if check and stale:
        raise ContractError(
            folder,
            f"files do not fit schema.toml {label_schema.version}",
            reason="stale_schema_files",
            found=", ".join(path.name for path in stale),
            do="Run `lowdiff schema` and commit what it writes.",
        )
    for name in generated_files(label_schema):
        path = folder / name
        state = "written" if path in stale else "up to date"
        emit({"file": path, "state": state}, as_json=as_json, text=f"{path} {state}")


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A schema.toml.")],
    new: Annotated[Path, typer.Argument(help="Another one.")] = Path("labeling/schema.toml"),
    migrations: Annotated[Path, typer.Option(help="Folder of the migration files.")] = Path(
        "labeling/migrations"
    ),
    as_json: AsJson = False,
) -> None:
    """Show what changes from one schema to another, and what that does to labels.

    Exit code 3 when labels would be lost because no migration says where they go.

    Example: `git show HEAD~1:labeling/schema.toml > old.toml && lowdiff schema diff old.toml`
    """
    from dataclasses import asdict

    from lowdiff.labels.schema_changes import diff_shapes, read_migration, read_shape

    before, after = read_shape(old), read_shape(new)
    migration = read_migration(before.major, after.major, folder=migrations)
    changes = diff_shapes(before, after, migration)
    for change in changes:
        place = f"{change.field}={change.value}" if change.value else change.field
        mark = "!" if change.loses else " "
        text = f"{mark} {change.what:<9}{place:<32}{change.effect}"
        emit(asdict(change), as_json=as_json, text=text)
    if not changes:
        say(f"{before.version} and {after.version} have the same labels")
    if any(change.loses for change in changes):
        say("lines with ! lose labels: say in a file of labeling/migrations where they go")
        raise typer.Exit(3)


@app.command()
def migrate(
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without it this is a preview.")
    ] = False,
    migrations: Annotated[Path, typer.Option(help="Folder of the migration files.")] = Path(
        "labeling/migrations"
    ),
    as_json: AsJson = False,
) -> None:
    """Say people's labels of an older schema again under the present one; history stays.

    Refuses when a label would be lost. Machines draft again by `lowdiff draft`.

    Example: `lowdiff schema migrate && lowdiff schema migrate --apply && lowdiff draft`
    """
    from dataclasses import asdict

    from lowdiff.catalog.engine import utc_now
    from lowdiff.labels.schema import load_schema
    from lowdiff.labels.schema_changes import read_migration
    from lowdiff.labels.schema_migrate import (
        apply_migration,
        plan_migration,
        refuse_losses,
        tally,
    )
    from lowdiff.ops.project import open_project

    label_schema = load_schema()
    migration = read_migration(
        str(int(label_schema.major) - 1), label_schema.major, folder=migrations
    )
    with (
        open_project() as opened,
        opened.catalog.write() if apply else opened.catalog.read() as session,
    ):
        moves = plan_migration(session, label_schema, migration)
        for row in tally(moves):
            was = f"{row.field} {row.value}".strip()
            text = f"{row.labels:>8}  {row.fate:<12}{was:<32}{row.becomes}"
            emit(asdict(row), as_json=as_json, text=text)
        refuse_losses(moves, label_schema)
        done = apply and apply_migration(session, moves, schema=label_schema, now=utc_now())
    if not moves:
        say(f"nothing to do: every label of a person is of schema {label_schema.major}.x")
    elif apply:
        say(
            f"{done} labels are said again under schema {label_schema.version}; now `lowdiff draft`"
        )
    else:
        say("a preview: nothing is changed; do it with --apply")
