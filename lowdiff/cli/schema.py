"""`lowdiff schema`: regenerate what follows from the label schema."""

from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli.output import AsJson, emit


def schema(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 5 when a file is stale.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where schema.toml lies.")] = Path("labeling"),
    as_json: AsJson = False,
) -> None:
    """Write Label Studio's screen and the table of fields from labeling/schema.toml.

    Example: change a definition in labeling/schema.toml, then `lowdiff schema`
    """
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
