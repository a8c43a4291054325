"""`lowdiff export-model`: a finished run for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from lowdiff.cli.output import AsJson, emit


def export_model(
    run: Annotated[str, typer.Argument(help="A finished denoiser run; `newest` is the newest.")],
    out: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
    kind: Annotated[str, typer.Option("--format", help="diffusers.")] = "diffusers",
    as_json: AsJson = False,
) -> None:
    """Write a run as a folder that `DiffusionPipeline.from_pretrained` loads without lowdiff.

    The folder holds weights, the code of the networks, the model card and the licences of the
    training images. Loading it needs `trust_remote_code=True`: the networks are ours.

    Example: `lowdiff export-model newest my-model --format diffusers`
    """
    from lowdiff.errors import InputError
    from lowdiff.ops.project import open_project
    from lowdiff.sampling.find import find_run
    from lowdiff.training.export.folder import FORMATS, export_run

    if kind not in FORMATS:
        raise InputError(
            f"format {kind}", "is not known", reason="unknown_format", allowed=", ".join(FORMATS)
        )
    with open_project() as project:
        found = find_run(
            project.catalog, project.workspace, "unet", None if run == "newest" else run
        )
    assert found.vae_dir is not None  # a denoiser run has one, or `find_run` refuses it
    record = export_run(found.folder, found.vae_dir, out)
    emit(
        record,
        as_json=as_json,
        text=f"{record['run']} is in {record['folder']} ({record['bytes'] / 1e6:.0f} MB)\n"
        f"  needs {', '.join(record['needs'])}, not lowdiff\n"
        f"  DiffusionPipeline.from_pretrained({str(out)!r}, trust_remote_code=True)",
    )
