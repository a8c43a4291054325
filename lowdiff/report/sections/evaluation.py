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
from lowdiff.report.sections.training import Training, TrainingRun

EVALUATION_FILE = "evaluation.json"
GENERATED_SHOWN = 36
PAIRS_SHOWN = 12
PICTURE_PX = 192


@dataclass(frozen=True)
class Score:
    """One figure beside what would be nothing and what would be perfect."""

    name: str
    value: float
    worst: float | None = None
    best: float | None = None
    form: str = "number"
    """`number`, `share` (0 … 1) or `db`."""


@dataclass(frozen=True)
class ScoreGroup:
    """Figures that answer one question."""

    title: str
    explanation: str
    scores: tuple[Score, ...]
    images: int | None = None
    """How many images the figures are means over."""
    worst_is: str | None = None
    """What the worst figure is of, such as `guessing`."""
    best_is: str | None = None

    @property
    def has_bounds(self) -> bool:
        """True when some figure has a worst or a best beside it."""
        return any(score.worst is not None or score.best is not None for score in self.scores)


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
        verdict=_verdict(_part(record, "verdict")),
        groups=tuple(score_groups(record)),
        bands=tuple(_bands(_part(record, "denoising").get("bands"))),
        pairs=_pairs(run, record),
        generated=_generated(inputs, run, record),
    )


# part of the file → title, what it means, figures in it: key → (name, form)
_GROUPS: dict[str, tuple[str, str, dict[str, tuple[str, str]]]] = {
    "reconstruction": (
        "Folding and unfolding",
        "How much of a held-out image survives the VAE. PSNR: more is better, and 3 dB more is "
        "half the error. SSIM: 1 is the same picture.",
        {"psnr_db": ("PSNR", "db"), "ssim": ("SSIM", "number")},
    ),
    "retrieval": (
        "Does it draw what was asked for?",
        "For each drawing, is its own caption among the nearest ones? Good: far from the worst. "
        "The best is what real images reach, since two captions can be much alike.",
        {
            "top1": ("own caption first", "share"),
            "top5": ("own caption among 5", "share"),
            "top10": ("own caption among 10", "share"),
        },
    ),
    "distribution": (
        "Is it the same family?",
        "How far the drawings, taken together, are from the training images. Good: near the best; "
        "nearer than that would be suspicious.",
        {"mind": ("MIND", "number"), "kid": ("KID", "number")},
    ),
    "copies": (
        "Does it copy?",
        "Share of drawings that lie three times nearer to one training image than to any other. "
        "Good: no more than real images. Copies look perfect in every other figure.",
        {"rate": ("copy rate", "share")},
    ),
}


def score_groups(record: Mapping[str, Any]) -> Iterator[ScoreGroup]:
    """The figures that are there, with the bounds that are there.

    The bound of a figure `x` is looked for as `x_floor`, as `x` inside `floor`, or as `floor`
    inside `x`; ceilings alike. For a distance the floor is the best, for a share the worst.
    """
    for part, (title, explanation, figures) in _GROUPS.items():
        scores = []
        for key, (name, form) in figures.items():
            value = _value(_part(record, part), key)
            if value is None:
                continue
            floor, ceiling = (_bound(_part(record, part), key, end) for end in ("floor", "ceiling"))
            is_distance = part == "distribution"
            worst, best = (ceiling, floor) if is_distance else (floor, ceiling)
            scores.append(Score(name, value, worst, best, form))
        if scores:
            ends = [_part(_part(record, part), end).get("what") for end in ("floor", "ceiling")]
            worst_is, best_is = reversed(ends) if part == "distribution" else ends
            yield ScoreGroup(
                title,
                explanation,
                tuple(scores),
                images=_count(_part(record, part)),
                worst_is=None if worst_is is None else str(worst_is),
                best_is=None if best_is is None else str(best_is),
            )


def _part(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}


def _verdict(part: Mapping[str, Any]) -> Verdict | None:
    if not part.get("decision"):
        return None
    reasons = part.get("reasons")
    return Verdict(
        decision=str(part["decision"]),
        incumbent=str(part["incumbent"]) if part.get("incumbent") else None,
        reasons=tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else (),
    )


def _count(part: Mapping[str, Any]) -> int | None:
    number = finite(part, "n")
    return None if number is None else int(number)


def _value(part: Mapping[str, Any], key: str) -> float | None:
    plain = finite(part, key)
    return plain if plain is not None else finite(_part(part, key), "value")


def _bound(part: Mapping[str, Any], key: str, end: str) -> float | None:
    places = ((part, f"{key}_{end}"), (_part(part, end), key), (_part(part, key), end))
    found = [finite(place, name) for place, name in places]
    return next((value for value in found if value is not None), None)


def _bands(bands: Any) -> Iterator[Band]:
    for band in _records(bands):
        low, high = finite(band, "low"), finite(band, "high")
        if low is not None and high is not None:
            yield Band(low, high, finite(band, "train"), finite(band, "validation"))


def _records(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _picture(run: TrainingRun, name: Any, alt: str) -> Picture | None:
    """A picture file inside the run folder, never outside of it."""
    if not isinstance(name, str) or not name:
        return None
    path = run.folder / name
    if not path.resolve().is_relative_to(run.folder.resolve()):
        return None
    return show_file(Path(path), longest_px=PICTURE_PX, alt=alt)


def _pairs(run: TrainingRun, record: Mapping[str, Any]) -> tuple[Pair, ...]:
    pairs = []
    for row in _records(_part(record, "reconstruction").get("pairs"))[:PAIRS_SHOWN]:
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
                is_copy=row.get("is_copy") is True,
            )
        )
    return tuple(found)
