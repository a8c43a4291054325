"""The use case of this room: measure a run on a dataset version, and keep the figures with it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lowdiff.catalog.engine import utc_now
from lowdiff.datasets.read import Version
from lowdiff.errors import ContractError
from lowdiff.evaluation.denoising import denoising_losses
from lowdiff.evaluation.drawn import Drawn, Judges, drawn_figures
from lowdiff.evaluation.files import Place, place_of
from lowdiff.evaluation.lettering import ReadPicture, retention_figures
from lowdiff.evaluation.measure import MAX_RECONSTRUCTED, Reconstructed, reconstruction_figures
from lowdiff.evaluation.spaces import open_spaces
from lowdiff.evaluation.subjects import Subjects, choose_subjects
from lowdiff.evaluation.tower import Pairs, trained_tower
from lowdiff.models.encoders import find_encoder
from lowdiff.models.objectives.objective import objective_of_run
from lowdiff.sampling.device import pick_accelerator
from lowdiff.sampling.generator import Generator
from lowdiff.sampling.load import load_vae
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.run_folder import CONFIG_FILE, is_finished, read_json
from lowdiff.sampling.settings import Sampling
from lowdiff.training.runs import write_json
from lowdiff.training.texts import encode_texts

EVALUATION_VERSION = "2"
"""Raised by a person when the same run would get other figures."""
JUDGE_ENCODER = "minilm"
"""Of the judge's sentences, whatever the run itself reads: runs with other encoders must be
comparable."""


@dataclass(frozen=True)
class Drawing:
    """What is drawn for an evaluation, and how."""

    prompts: int = 64
    seed: int = 0
    steps: int = 12
    guidance: float = 2.0
    sampler: str = "heun"


@dataclass(frozen=True)
class Watch:
    """Who is told how far it is."""

    stage: Callable[[str], None] = lambda _: None
    """Told the name of each part when it starts."""
    advance: Callable[[int], None] = lambda _: None
    """Told the number of drawings after each batch."""


def evaluate_run(
    run_dir: Path,
    version: Version,
    *,
    cache: Path,
    vae_dir: Path | None = None,
    drawing: Drawing | None = None,
    device: str | None = None,
    force: bool = False,
    spaces: Sequence[str] = (),
    read: ReadPicture | None = None,
    watch: Watch | None = None,
    now: Callable[[], datetime] = utc_now,
) -> dict[str, Any]:
    """Measure a run, or find that it was measured with these very settings.

    An autoencoder run gets the parts `reconstruction` and `lettering`; a denoiser run also
    `denoising`, `retrieval`, `distribution`, `copies`, `labels`, `zero_shot`, `spelling` and
    `generated`.

    Args:
        cache: the workspace's cache folder.
        vae_dir: of a denoiser; default: beside the run.
        force: measure again what was measured before.
        spaces: feature spaces besides `self` and `random`; see `evaluation.spaces`.
        read: reads the text in a picture; without it what concerns letters is skipped.

    Returns:
        What `evaluation.json` holds; pictures are named by their path in the run folder.

    Raises:
        InputError: the dataset has fewer than two training images.
        ContractError: the run is not finished, or belongs to another autoencoder.
        ServiceError: the run folder cannot be written.
    """
    drawing, watch = drawing or Drawing(), watch or Watch()
    config = _config_of(run_dir)
    place = place_of(run_dir, version.digest)
    settings = {**asdict(drawing), "spaces": list(spaces)} if config["kind"] == "unet" else {}
    identity = {
        "evaluation_version": EVALUATION_VERSION,
        "run_id": run_dir.name,
        "kind": config["kind"],
        "dataset": {"name": version.name, "version": version.number, "digest": version.digest},
        "image_px": config["image_px"],
        "settings": {**settings, "read": read is not None},
    }
    known = place.read()
    if known is not None and not force and identity.items() <= known.items():
        return known
    started = time.perf_counter()
    watch.stage("reading the images")
    subjects = choose_subjects(version, image_px=config["image_px"], prompts=drawing.prompts)
    if config["kind"] == "vae":
        figures = _measure_vae(run_dir, subjects, place, device=device, read=read)
    else:
        generator = load_generator(
            run_dir, vae_dir or run_dir.parent / config["vae_run_id"], device=device
        )
        session = _Session(generator, config, subjects, place, drawing, spaces, read, cache, watch)
        figures = session.measure(version.digest)
    seconds = round(time.perf_counter() - started, 1)
    record = {**identity, **figures, "seconds": seconds, "evaluated_at": now().isoformat()}
    write_json(place.record, record)
    return record


@dataclass(frozen=True)
class _Session:
    """One evaluation of one denoiser."""

    generator: Generator
    config: dict[str, Any]
    subjects: Subjects
    place: Place
    drawing: Drawing
    spaces: Sequence[str]
    read: ReadPicture | None
    cache: Path
    watch: Watch

    def measure(self, dataset_digest: str) -> dict[str, Any]:
        subjects, generator = self.subjects, self.generator
        self.watch.stage("reconstructions")
        reconstruction, redrawn = reconstruction_figures(
            generator.vae, subjects, generator.accelerator
        )
        self.watch.stage("denoising losses")
        validation = subjects.held_out.take(list(range(subjects.validation)))
        denoising = denoising_losses(generator, self.config, subjects.train, validation)
        self.watch.stage("drawing")
        seeds = [self.drawing.seed + index for index in range(len(subjects.prompts))]
        pictures = generator.generate(
            subjects.prompts.captions,
            seeds=seeds,
            how=Sampling(
                self.drawing.sampler, steps=self.drawing.steps, guidance=self.drawing.guidance
            ),
            advance=self.watch.advance,
        )
        drawn = Drawn(np.stack([np.asarray(picture) for picture in pictures]), seeds)
        self.watch.stage("the judges: of image and caption, and the self-taught eye")
        judges = self._judges(dataset_digest)
        self.watch.stage("distances, copies, labels and letters")
        found = drawn_figures(
            drawn, subjects, judges, generator.vae, generator.accelerator, self.read
        )
        files = self.place.save_generated(pictures)
        rows = [{"file": file, **row} for file, row in zip(files, found.rows, strict=True)]
        return {
            "reconstruction": {**reconstruction, "pairs": self.place.save_pairs(redrawn)},
            "lettering": _lettering(subjects, redrawn, self.read),
            "denoising": {**denoising, **_comparable(self.config)},
            **found.figures,
            "seen_prompts": subjects.seen_prompts,
            "nearest_sheet": self.place.save_sheet(found.sheet),
            "generated": rows,
        }

    def _judges(self, dataset_digest: str) -> Judges:
        """The two towers of this dataset version, and every feature space."""
        train, prompts, taught = (
            self.subjects.train, self.subjects.prompts, self.subjects.taught
        )  # fmt: skip

        def features(captions: list[str]) -> torch.Tensor:
            found = encode_texts(
                captions, JUDGE_ENCODER, cache=self.cache, device=torch.device("cpu")
            )
            return found.pooled.float()[found.index(captions)]

        both = features([*train.captions, *prompts.captions])
        tower = trained_tower(
            Pairs(train.pixels, both[: len(train)]),
            dataset_digest=dataset_digest,
            text_version=f"{JUDGE_ENCODER} {find_encoder(JUDGE_ENCODER).version()}",
            cache=self.cache,
        )
        spaces = open_spaces(
            self.spaces,
            taught=Pairs(taught.pixels, features(taught.captions)),
            dataset_digest=dataset_digest,
            cache=self.cache,
            tower=tower,
        )
        return Judges(tower, both[len(train) :], features, spaces)


def _lettering(
    subjects: Subjects, redrawn: Reconstructed, read: ReadPicture | None
) -> dict[str, Any]:
    seen = subjects.evaluated.has_words[:MAX_RECONSTRUCTED]
    rows = [row for row, has_words in enumerate(seen) if has_words]
    return retention_figures(redrawn.original, redrawn.redrawn, rows, read)


def _comparable(config: dict[str, Any]) -> dict[str, Any]:
    """What two losses must agree on: a loss in another latent space is another loss."""
    objective = asdict(objective_of_run(config).config)
    return {"latent_space": str(config["vae_sha256"])[:12], "objective": objective}


def _measure_vae(
    run_dir: Path,
    subjects: Subjects,
    place: Place,
    *,
    device: str | None,
    read: ReadPicture | None,
) -> dict[str, Any]:
    accelerator = pick_accelerator(device)
    vae = load_vae(run_dir, device=accelerator.device)
    figures, redrawn = reconstruction_figures(vae, subjects, accelerator)
    return {
        "reconstruction": {**figures, "pairs": place.save_pairs(redrawn)},
        "lettering": _lettering(subjects, redrawn, read),
    }


def _config_of(run_dir: Path) -> dict[str, Any]:
    config = read_json(run_dir / CONFIG_FILE)
    if not is_finished(run_dir):
        raise ContractError(
            run_dir.name,
            "is not finished, so there is nothing to measure",
            reason="run_incomplete",
            do="Run the `lowdiff train` command that started it again; it goes on.",
        )
    return config
