"""Measure several runs alike and lay them side by side on one page."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from lowdiff.errors import InputError
from lowdiff.evaluation.evaluate import Drawing, Watch, evaluate_run
from lowdiff.ops.evaluation import find_project_run, reader_at_hand, version_of
from lowdiff.ops.project import Project
from lowdiff.report.compare import Compared, Comparison, make_comparison, write_comparison
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json

PAGE = "compare.html"


def compare_runs(
    project: Project,
    runs: Sequence[str],
    *,
    dataset: str | None = None,
    drawing: Drawing,
    spaces: Sequence[str] = (),
    device: str | None = None,
    out: Path | None = None,
    stage: Callable[[str], None] = lambda _what: None,
    advance: Callable[[int], None] = lambda _number: None,
) -> tuple[Path, Comparison]:
    """Measure each run on one dataset version with the same prompts and seeds; write the page.

    What was measured before with these settings is not measured again.

    Args:
        runs: ids, all denoisers or all autoencoders, in the order of the page.
        dataset: the version to measure on; default: the one that the first run was trained on.
        out: the HTML file; default: `compare.html` in the workspace.

    Raises:
        InputError: fewer than two different runs, or they are not of one kind.
        ContractError: a run is not whole.
    """
    names = list(dict.fromkeys(runs))
    found = [find_project_run(project, name) for name in names]
    kinds = {str(read_json(one.folder / CONFIG_FILE)["kind"]) for one in found}
    if len(found) < 2 or len(kinds) != 1:
        raise InputError(
            "compare",
            "needs two or more different runs of one kind",
            reason="nothing_to_compare",
            found=", ".join(names) or "no run",
            do="`lowdiff status` and the report list the runs.",
        )
    version = version_of(project, found[0], dataset)
    read = reader_at_hand(project.settings)
    compared = []
    for one in found:
        watch = Watch(partial(_tell, stage, one.run_id), advance)
        record = evaluate_run(
            one.folder,
            version,
            cache=project.workspace.cache,
            vae_dir=one.vae_dir,
            drawing=drawing,
            device=device,
            spaces=spaces,
            read=read,
            watch=watch,
        )
        compared.append(Compared(one.folder, record))
    comparison = make_comparison(compared, version)
    path = out or project.workspace.root / PAGE
    write_comparison(path, comparison)
    return path, comparison


def _tell(stage: Callable[[str], None], run_id: str, what: str) -> None:
    stage(f"{run_id}: {what}")
