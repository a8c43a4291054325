"""The figures of an evaluation as the page tells them: in groups, each beside its worst and best.

What an older evaluation holds is read too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lowdiff.report.run_folder import finite


@dataclass(frozen=True)
class Score:
    """One figure beside what would be nothing and what would be perfect."""

    name: str
    value: float
    worst: float | None = None
    best: float | None = None
    form: str = "number"
    """`number`, `share` (0 … 1) or `db`."""
    between: tuple[float, float] | None = None
    """Where it would lie in 95 of 100 repetitions."""


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


_FAMILY = (
    "How far the drawings, taken together, are from training images, {eyes}. Good: near the best; "
    "nearer than that would be suspicious."
)
_DISTANCES = {"mind": ("MIND", "number"), "kid": ("KID", "number")}
_WITH_COVERAGE = {**_DISTANCES, "coverage": ("coverage", "share")}
_FLOOR_IS_BEST = ("mind", "kid", "cer")

# part of the file → title, what it means, figures in it: key → (name, form)
_GROUPS: dict[str, tuple[str, str, dict[str, tuple[str, str]]]] = {
    "reconstruction": (
        "Folding and unfolding",
        "How much of a held-out image survives the VAE. PSNR: more is better, and 3 dB more is "
        "half the error. SSIM and edges: 1 is the same picture. LPIPS: 0 is.",
        {
            "psnr_db": ("PSNR", "db"),
            "ssim": ("SSIM", "number"),
            "edge_f1": ("edges kept", "number"),
            "lpips": ("LPIPS", "number"),
        },
    ),
    "lettering": (
        "Do letters survive the VAE?",
        "Letters that OCR reads wrongly in a reconstruction, where it surely read the original.",
        {"cer": ("letters lost", "share")},
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
    "spelling": (
        "Does it spell?",
        "Wrong letters of the words that prompts quote, as OCR reads the drawings.",
        {"cer": ("wrong letters", "share"), "right": ("words right", "share")},
    ),
    "distribution": (
        "Is it the same family?",
        _FAMILY.format(eyes="for the eyes of a random net"),
        _DISTANCES,
    ),
    "distribution.self": (
        "Is it the same family?",
        _FAMILY.format(eyes="for an eye that has taught itself on half of them")
        + " It sees meaning, and hardly blur.",
        _WITH_COVERAGE,
    ),
    "distribution.random": (
        "The same, by random features",
        _FAMILY.format(eyes="for the eyes of a random net")
        + " It sees colour, texture and blur, and no meaning.",
        _WITH_COVERAGE,
    ),
    "copies": (
        "Does it copy?",
        "Share of drawings that lie three times nearer to one training image than to any other; "
        "that are nearer to one than all but one in a hundred held-out images; and that are "
        "farther from their nearest than that one from its own. Good: no more, and no less "
        "authentic, than real images. Copies look perfect in every other figure.",
        {
            "rate": ("copy rate", "share"),
            "calibrated": ("nearer than held-out images", "share"),
            "authentic": ("authentic", "share"),
        },
    ),
    "copies.self": (
        "Does it copy, by features?",
        "The same for the self-taught eye, which sees through small changes.",
        {"rate": ("copy rate", "share"), "calibrated": ("nearer than held-out images", "share")},
    ),
}
_LABELS = {
    "labels": (
        "Which labels are right?",
        "Share of drawings that have the label of their prompt's image, by the rules and heads "
        "that draft labels. Best: real images, read in the same way. Worst: the most frequent "
        "label, always.",
    ),
    "zero_shot": (
        "Which labels does the judge see?",
        "The same, by the judge of image and caption: it chooses the sentence that fits best.",
    ),
}


def score_groups(record: Mapping[str, Any]) -> Iterator[ScoreGroup]:
    """The figures that are there, with the bounds that are there.

    The bound of a figure `x` is looked for as `x_floor`, as `x` inside `floor`, or as `floor`
    inside `x`; ceilings alike. For a distance the floor is the best, for a share the worst.
    """
    for path, (title, explanation, figures) in _GROUPS.items():
        part = inside_of(record, path)
        scores = [
            score
            for key, (name, form) in figures.items()
            if (score := _score(part, key, name, form))
        ]
        if not scores:
            continue
        ends = [part_of(part, end).get("what") for end in ("floor", "ceiling")]
        best_first = next(iter(figures)) in _FLOOR_IS_BEST
        worst_is, best_is = reversed(ends) if best_first else ends
        images = _count(part) or _count(inside_of(record, path.partition(".")[0]))
        yield ScoreGroup(title, explanation, tuple(scores), images, _text(worst_is), _text(best_is))
    for path, (title, explanation) in _LABELS.items():
        fields = part_of(part_of(record, path), "fields")
        scores = [
            score
            for name in fields
            if (score := _score(part_of(fields, name), "accuracy", name.replace("_", " "), "share"))
        ]
        if scores:
            yield ScoreGroup(title, explanation, tuple(scores), _count(part_of(record, path)))


def _score(part: Mapping[str, Any], key: str, name: str, form: str) -> Score | None:
    value = _value(part, key)
    if value is None:
        return None
    floor, ceiling = (_bound(part, key, end) for end in ("floor", "ceiling"))
    worst, best = (ceiling, floor) if key in _FLOOR_IS_BEST else (floor, ceiling)
    ends = part.get(f"{key}_interval")
    between = (ends[0], ends[1]) if isinstance(ends, list) and len(ends) == 2 else None
    return Score(name, value, worst, best, form, between)


def inside_of(record: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """An object at a path such as `distribution.self`."""
    for key in path.split("."):
        record = part_of(record, key)
    return record


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def part_of(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside another; empty where it is missing or no object."""
    value = record.get(key)
    return value if isinstance(value, Mapping) else {}


def _count(part: Mapping[str, Any]) -> int | None:
    number = finite(part, "n")
    return None if number is None else int(number)


def _value(part: Mapping[str, Any], key: str) -> float | None:
    plain = finite(part, key)
    return plain if plain is not None else finite(part_of(part, key), "value")


def _bound(part: Mapping[str, Any], key: str, end: str) -> float | None:
    places = ((part, f"{key}_{end}"), (part_of(part, end), key), (part_of(part, key), end))
    found = [finite(place, name) for place, name in places]
    return next((value for value in found if value is not None), None)
