"""Find finished runs in the catalog."""

from pathlib import Path
from typing import NamedTuple

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import Run
from lowdiff.catalog.versions import newest_run
from lowdiff.errors import ContractError, InputError
from lowdiff.workspace import Workspace


class FoundRun(NamedTuple):
    """A finished run and, for a denoiser, the folder of its autoencoder."""

    run_id: str
    folder: Path
    vae_dir: Path | None


def find_run(
    catalog: Catalog, workspace: Workspace, kind: str, run_id: str | None = None
) -> FoundRun:
    """A finished run of a kind (`vae` or `unet`), the newest by default.

    Raises:
        InputError: there is no such run, it is of another kind, or it is not finished.
        ContractError: the autoencoder of a denoiser is not in the catalog.
    """
    with catalog.read() as session:
        row = newest_run(session, kind) if run_id is None else session.get(Run, run_id)
        if row is None:
            raise InputError(
                run_id or f"a {kind} run",
                "there is no such run" if run_id else "there is none that has finished",
                reason="no_such_run",
                do=f"Train one with `lowdiff train {kind}`.",
            )
        if row.kind != kind or row.state != "done":
            raise InputError(
                row.id,
                "is not what is needed here",
                reason="other_run",
                found=f"a {row.kind} run that is {row.state}",
                allowed=f"a {kind} run that is done",
                do=f"Run its `lowdiff train {row.kind}` command again; it goes on.",
            )
        vae = session.get(Run, row.vae_run_id) if row.vae_run_id else None
        if kind == "unet" and vae is None:
            raise ContractError(row.id, "its autoencoder is not in the catalog", reason="vae_lost")
        vae_dir = workspace.root / vae.path if vae else None
        return FoundRun(row.id, workspace.root / row.path, vae_dir)
