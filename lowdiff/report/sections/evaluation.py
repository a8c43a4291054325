"""How good the newest model is, as `evaluation.json` in its run folder tells.

Every part of that file may be missing: the page shows what is there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lowdiff.pages.sheet import Picture
from lowdiff.report.gallery import show, show_file
from lowdiff.report.inputs import Inputs
from lowdiff.report.run_folder import finite, read_json
from lowdiff.report.sections.scores import ScoreGroup, part_of, score_groups
from lowdiff.report.sections.training import Training, TrainingRun

EVALUATION_FILE = "evaluation.json"
GENERATED_SHOWN = 36
PAIRS_SHOWN = 12
PICTURE_PX = 192
SHEET_PX = 1_100
PLACES_THAT_WORK = 3
"""A drawing whose own prompt is among so many that fit best shows what was asked for."""


@dataclass(frozen=True)
class Band:
    """Denoising loss at one range of noise."""

    low: float
    """0 is a clean image, 1 is nothing but noise."""
    high: float
    train: float | None
    validation: float | None


@dataclass(frozen=True)
class Pair:
    """An original, and what the VAE makes of it."""

    original: Picture
    redrawn: Picture


@dataclass(frozen=True)
class Generated:
    """An image that the model drew, and the training image that is most like it."""

    prompt: str
    seed: int | None
    picture: Picture
    nearest: Picture | None
    nearest_title: str
    is_copy: bool
    place: float | None = None
    """Of its own prompt among all, from 1: how many prompts fit the drawing better."""

    @property
    def works(self) -> bool | None:
        """True when its own prompt is among the three that fit best; None when nobody measured."""
        return None if self.place is None else self.place <= PLACES_THAT_WORK


@dataclass(frozen=True)
class Verdict:
    """Whether the run takes the place of the promoted one."""

    decision: str
    """`promote` or `hold`."""
    incumbent: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one run."""

    run_id: str
    kind: str
    """`unet`, or `vae` as long as only that is measured."""
    verdict: Verdict | None
    groups: tuple[ScoreGroup, ...]
    bands: tuple[Band, ...]
    pairs: tuple[Pair, ...]
    generated: tuple[Generated, ...]
    sheet: Picture | None = None
    """Drawings beside their nearest training images, the nearest first."""
    skipped: tuple[str, ...] = ()
    """What was not measured, and why."""

    @property
    def working(self) -> tuple[Generated, ...]:
        """Drawings of prompts that work, the surest first."""
        return tuple(sorted((one for one in self.generated if one.works), key=_by_place))

    @property
    def failing(self) -> tuple[Generated, ...]:
        """Drawings of prompts that do not work yet, the worst first."""
        bad = (one for one in self.generated if one.works is False)
        return tuple(sorted(bad, key=_by_place, reverse=True))


def _by_place(drawn: Generated) -> float:
    return drawn.place or 0.0


def gather_evaluation(inputs: Inputs, training: Training) -> Evaluation | None:
    """Read the evaluation of the run that the report tells of; None before there is one."""
    for run in (training.unet, training.vae):
        record = read_json(run.folder / EVALUATION_FILE) if run else {}
        if run is not None and record:
            return _read(inputs, run, record)
    return None


def _read(inputs: Inputs, run: TrainingRun, record: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        run_id=run.id,
        kind=run.kind,
        verdict=_verdict(part_of(record, "verdict")),
        groups=tuple(score_groups(record)),
        bands=tuple(_bands(part_of(record, "denoising").get("bands"))),
        pairs=_pairs(run, record),
        generated=_generated(inputs, run, record),
        sheet=_picture(
            run, record.get("nearest_sheet"), "Drawings beside training images", SHEET_PX
        ),
        skipped=tuple(_skipped(record)),
    )


def _skipped(record: Mapping[str, Any]) -> Iterator[str]:
    for path, name in (("lettering", "Letters"), ("spelling", "Spelling"), ("labels", "Labels")):
        why = part_of(record, path).get("skipped")
        if why:
            yield f"{name}: {why}."
    why = part_of(record, "reconstruction").get("lpips_skipped")
    if why:
        yield f"LPIPS: {why}."


def _verdict(part: Mapping[str, Any]) -> Verdict | None:
    if not part.get("decision"):
        return None
    reasons = part.get("reasons")
    return Verdict(
        decision=str(part["decision"]),
        incumbent=str(part["incumbent"]) if part.get("incumbent") else None,
        reasons=tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else (),
    )


def _bands(bands: Any) -> Iterator[Band]:
    for band in _records(bands):
        low, high = finite(band, "low"), finite(band, "high")
        if low is not None and high is not None:
            yield Band(low, high, finite(band, "train"), finite(band, "validation"))


def _records(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _picture(run: TrainingRun, name: Any, alt: str, longest_px: int = PICTURE_PX) -> Picture | None:
    """A picture file inside the run folder, never outside of it."""
    if not isinstance(name, str) or not name:
        return None
    path = run.folder / name
    if not path.resolve().is_relative_to(run.folder.resolve()):
        return None
    return show_file(Path(path), longest_px=longest_px, alt=alt)


def _pairs(run: TrainingRun, record: Mapping[str, Any]) -> tuple[Pair, ...]:
    pairs = []
    for row in _records(part_of(record, "reconstruction").get("pairs"))[:PAIRS_SHOWN]:
        original = _picture(run, row.get("original"), "A held-out original")
        redrawn = _picture(run, row.get("redrawn"), "The same, folded and unfolded by the VAE")
        if original is not None and redrawn is not None:
            pairs.append(Pair(original, redrawn))
    return tuple(pairs)


def _generated(
    inputs: Inputs, run: TrainingRun, record: Mapping[str, Any]
) -> tuple[Generated, ...]:
    rows = _records(record.get("generated"))[:GENERATED_SHOWN]
    ids = [str(row["nearest_image_id"]) for row in rows if row.get("nearest_image_id")]
    nearest = show(inputs, ids, longest_px=PICTURE_PX)
    found = []
    for row in rows:
        prompt = str(row.get("prompt") or "")
        drawing = _picture(run, row.get("file"), f"Drawn from: {prompt}")
        if drawing is None:
            continue
        seed = finite(row, "seed")
        like = nearest.get(str(row.get("nearest_image_id")))
        found.append(
            Generated(
                prompt=prompt,
                seed=None if seed is None else int(seed),
                picture=drawing,
                nearest=like.picture if like else None,
                nearest_title=like.title if like else "",
                is_copy=row.get("is_copy") is True or row.get("is_copy_in_features") is True,
                place=finite(row, "rank"),
            )
        )
    return tuple(found)
