"""The use case of this room: measure a run on a dataset version, and keep the figures with it."""

import time
from collections.abc import Callable
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
from lowdiff.evaluation.files import Place, place_of
from lowdiff.evaluation.measure import (
    copy_figures,
    distribution_figures,
    reconstruction_figures,
    retrieval_figures,
)
from lowdiff.evaluation.neighbours import Neighbours, nearest
from lowdiff.evaluation.subjects import Subjects, choose_subjects
from lowdiff.evaluation.tower import Pairs, trained_tower
from lowdiff.models.encoders import TextEncoder
from lowdiff.models.two_tower import TwoTower
from lowdiff.sampling.device import pick_accelerator
from lowdiff.sampling.generator import Generator
from lowdiff.sampling.load import load_vae
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.run_folder import CONFIG_FILE, is_finished, read_json
from lowdiff.sampling.settings import Sampling
from lowdiff.training.runs import write_json
from lowdiff.training.texts import encode_texts

EVALUATION_VERSION = "1"
"""Raised by a person when the same run would get other figures."""


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
    watch: Watch | None = None,
    now: Callable[[], datetime] = utc_now,
) -> dict[str, Any]:
    """Measure a run, or find that it was measured with these very settings.

    An autoencoder run gets the part `reconstruction`; a denoiser run also `denoising`,
    `retrieval`, `distribution`, `copies` and `generated`.

    Args:
        cache: the workspace's cache folder.
        vae_dir: of a denoiser; default: beside the run.
        force: measure again what was measured before.

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
    identity = {
        "evaluation_version": EVALUATION_VERSION,
        "run_id": run_dir.name,
        "kind": config["kind"],
        "dataset": {"name": version.name, "version": version.number, "digest": version.digest},
        "settings": asdict(drawing) if config["kind"] == "unet" else {},
    }
    known = place.read()
    if known is not None and not force and identity.items() <= known.items():
        return known
    started = time.perf_counter()
    watch.stage("reading the images")
    subjects = choose_subjects(version, image_px=config["image_px"], prompts=drawing.prompts)
    if config["kind"] == "vae":
        figures = _measure_vae(run_dir, subjects, place, device=device)
    else:
        generator = load_generator(
            run_dir, vae_dir or run_dir.parent / config["vae_run_id"], device=device
        )
        session = _Session(generator, config, subjects, place, drawing, cache, watch)
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
        drawn = np.stack([np.asarray(picture) for picture in pictures])
        self.watch.stage("the judge of image and caption")
        tower, features = self._judge(dataset_digest)
        self.watch.stage("distances")
        near = nearest(drawn, subjects.train.pixels)
        real = nearest(subjects.evaluated.pixels, subjects.train.pixels)
        return {
            "reconstruction": {**reconstruction, "pairs": self.place.save_pairs(redrawn)},
            "denoising": denoising,
            "retrieval": retrieval_figures(
                tower, Pairs(drawn, features), Pairs(subjects.prompts.pixels, features)
            ),
            "distribution": distribution_figures(drawn, subjects),
            "copies": copy_figures(near, real),
            "seen_prompts": subjects.seen_prompts,
            "generated": self._rows(self.place.save_generated(pictures), seeds, near),
        }

    def _judge(self, dataset_digest: str) -> tuple[TwoTower, torch.Tensor]:
        """The two towers of this dataset version, and the features of the prompts."""
        train, prompts = self.subjects.train, self.subjects.prompts
        encoder: TextEncoder = self.generator.encoder
        texts = encode_texts(
            [*train.captions, *prompts.captions],
            encoder.name,
            cache=self.cache,
            device=torch.device("cpu"),
        )
        pooled = texts.pooled.float()
        tower = trained_tower(
            Pairs(train.pixels, pooled[texts.index(train.captions)]),
            dataset_digest=dataset_digest,
            text_version=str(self.config["text_encoder"]),
            cache=self.cache,
        )
        return tower, pooled[texts.index(prompts.captions)]

    def _rows(self, files: list[str], seeds: list[int], near: Neighbours) -> list[dict[str, Any]]:
        subjects = self.subjects
        return [
            {
                "file": files[row],
                "prompt": subjects.prompts.captions[row],
                "seed": seeds[row],
                "image_id": subjects.prompts.image_ids[row],
                "nearest_image_id": subjects.train.image_ids[int(near.index[row])],
                "distance": round(float(near.distance[row]), 4),
                "ratio": round(float(near.ratio[row]), 4),
                "is_copy": bool(near.is_copy[row]),
            }
            for row in range(len(files))
        ]


def _measure_vae(
    run_dir: Path, subjects: Subjects, place: Place, *, device: str | None
) -> dict[str, Any]:
    accelerator = pick_accelerator(device)
    vae = load_vae(run_dir, device=accelerator.device)
    figures, redrawn = reconstruction_figures(vae, subjects, accelerator)
    return {"reconstruction": {**figures, "pairs": place.save_pairs(redrawn)}}


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
