"""The story's recipe against the default one: the same pictures, words, CPU seconds and judges.

    python -m benchmarks.duel FOLDER --data DATA/graphics [--sets noto_emoji] [--seeds 0 1 2]
                              [--vae-s 75] [--unet-s 240] [--pictures 1500]

Each recipe trains its own autoencoder and denoiser for equal CPU seconds: a short trial tells how
long a step takes, and the schedule is laid over as many steps as the seconds allow. Then both draw
the same held-out captions with the same seeds, each with its own sampler (the story's takes 500
steps with noise, ours 12 of Heun), and `lowdiff compare`'s page and table say who wins. Stopped at
any time, the same command goes on: runs, trials and figures are kept in FOLDER.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.own_dataset import Captioned, open_known
from lowdiff.catalog import Catalog
from lowdiff.datasets.read import Version
from lowdiff.evaluation.evaluate import Drawing, evaluate_run
from lowdiff.evaluation.metrics import compare_figure, figure, find_metrics
from lowdiff.models.presets import Preset, load_preset
from lowdiff.models.recipes import TrainConfig
from lowdiff.report.compare import Compared, make_comparison, write_comparison
from lowdiff.training.unet import train_unet
from lowdiff.training.vae import train_vae
from lowdiff.workspace import Workspace

IMAGE_PX = 64
TRIAL_STEPS, LOG, TRIAL_SEED = 5, 5, 10_000
DRAWINGS = {
    "article": Drawing(prompts=64, steps=500, guidance=1.0, sampler="ddpm"),
    "demo": Drawing(prompts=64, steps=12, guidance=2.0, sampler="heun"),
}
DECIDING = (
    "distribution.self.mind", "distribution.random.mind", "distribution.self.kid",
    "distribution.random.kid", "distribution.self.coverage", "distribution.random.coverage",
    "retrieval.top10", "copies.rate", "reconstruction.psnr_db",
)  # fmt: skip


@dataclass(frozen=True)
class Ring:
    """What both recipes share."""

    workspace: Workspace
    catalog: Catalog
    version: Version
    vae_s: float
    unet_s: float

    @property
    def notes(self) -> Path:
        """Seconds of a step by recipe, and what was measured."""
        return self.workspace.root / "duel.json"


def main() -> None:
    """Fight every seed, then tell who won."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", required=True, type=Path, help="a folder with manifest.jsonl")
    parser.add_argument("--sets", nargs="+", default=["noto_emoji"], help="of the manifest")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--vae-s", type=float, default=75)
    parser.add_argument("--unet-s", type=float, default=240)
    parser.add_argument("--pictures", type=int, default=1500)
    options = parser.parse_args()
    pictures = read_pictures(options.data, options.sets)[: options.pictures]
    workspace, catalog, version = open_known(options.folder, pictures, image_px=IMAGE_PX)
    ring = Ring(workspace, catalog, version, options.vae_s, options.unet_s)
    for seed in options.seeds:
        fight(ring, seed)
    catalog.close()


def read_pictures(folder: Path, sets: Sequence[str]) -> list[Captioned]:
    """Pictures of some sets of a manifest, one for each caption."""
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    chosen = {row["caption"]: row for row in rows if row["set"] in sets}
    return [
        Captioned((folder.parent / row["file"]).read_bytes(), caption, row["set"])
        for caption, row in sorted(chosen.items())
    ]


def fight(ring: Ring, seed: int) -> None:
    """One round: train both, measure both, say who is better in what."""
    compared = {}
    for name, drawing in DRAWINGS.items():
        vae, unet = _train(ring, name, seed)
        record = evaluate_run(
            unet,
            ring.version,
            cache=ring.workspace.cache,
            vae_dir=vae,
            drawing=replace(drawing, seed=seed),
        )
        seconds = _drawing_seconds(unet, vae, drawing)
        compared[name] = Compared(unet, record)
        _note(ring, f"{name}-{seed}", {"run": unet.name, "cpu_s_per_drawing": seconds})
        print(f"seed {seed}, {name}: {unet.name}, {seconds:.2f} CPU s for a drawing")
    page = ring.workspace.root / f"duel-{seed}.html"
    write_comparison(page, make_comparison(list(compared.values()), ring.version))
    story, ours = compared["article"].record, compared["demo"].record
    print(f"{'seed ' + str(seed):<34}{'story':>10}{'default':>10}")
    for metric in find_metrics(DECIDING):
        change = compare_figure(metric, ours, story)
        cells = "".join(
            f"{'–' if value is None else format(value, '.3f'):>10}"
            for value in (figure(story, metric.path), figure(ours, metric.path))
        )
        print(f"  {metric.title:<32}{cells}  the default is {change.outcome}")
        _note(ring, f"{metric.path}-{seed}", change.outcome)
    print(f"  {page}")


def _train(ring: Ring, name: str, seed: int) -> tuple[Path, Path]:
    """The autoencoder and the denoiser of a recipe, of equal CPU seconds."""
    preset = load_preset(name)
    known: dict[str, Any] = {"workspace": ring.workspace, "catalog": ring.catalog, "seed": seed}
    preset = _laid_out(preset, "vae", _steps(ring, preset, "vae", ring.vae_s))
    vae = train_vae(ring.version, preset=preset, **known)
    preset = _laid_out(preset, "unet", _steps(ring, preset, "unet", ring.unet_s, vae.folder))
    unet = train_unet(ring.version, vae_dir=vae.folder, preset=preset, **known)
    return vae.folder, unet.folder


def _steps(ring: Ring, preset: Preset, kind: str, budget_s: float, vae: Path | None = None) -> int:
    """So many steps as fit into the seconds; the time of a step is measured once and kept."""
    key = f"{preset.name}-{kind}-step_s"
    if key not in _notes(ring):
        _note(ring, key, _step_seconds(ring, preset, kind, vae))
    steps = budget_s / float(_notes(ring)[key])
    return max(2 * LOG, round(steps / LOG) * LOG)


def _step_seconds(ring: Ring, preset: Preset, kind: str, vae: Path | None) -> float:
    """CPU seconds of one step: of two trials, one three times as long, the difference counts, so
    that what is done once does not."""
    spent = []
    for steps in (TRIAL_STEPS, 3 * TRIAL_STEPS):
        trial = _laid_out(preset, kind, steps)
        started = time.process_time()
        known: dict[str, Any] = {"workspace": ring.workspace, "catalog": ring.catalog}
        known |= {"preset": trial, "seed": TRIAL_SEED + steps}
        if vae is None:
            train_vae(ring.version, **known)
        else:
            train_unet(ring.version, vae_dir=vae, **known)
        spent.append(time.process_time() - started)
    return max(1e-3, (spent[1] - spent[0]) / (2 * TRIAL_STEPS))


def _laid_out(preset: Preset, kind: str, steps: int) -> Preset:
    """The preset over so many steps, without the pictures and losses along the way."""

    def plan(train: TrainConfig) -> TrainConfig:
        rare = 1_000 * LOG
        return replace(
            train, steps=steps, log_every=LOG, validate_every=rare, sample_every=rare,
            checkpoint_every=5 * LOG, snapshot_every=0,
        )  # fmt: skip

    recipe: Any = getattr(preset, kind)
    changed: Preset = replace(preset, **{kind: replace(recipe, train=plan(recipe.train))})
    return changed


def _drawing_seconds(unet: Path, vae: Path, drawing: Drawing, count: int = 4) -> float:
    from lowdiff.sampling.load_generator import load_generator
    from lowdiff.sampling.settings import Sampling

    generator = load_generator(unet, vae)
    how = Sampling(sampler=drawing.sampler, steps=drawing.steps, guidance=drawing.guidance)
    started = time.process_time()
    generator.generate(["a drawing"] * count, seeds=list(range(count)), how=how)
    return round((time.process_time() - started) / count, 3)


def _notes(ring: Ring) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(ring.notes.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return kept


def _note(ring: Ring, key: str, value: Any) -> None:
    ring.notes.write_text(json.dumps(_notes(ring) | {key: value}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
