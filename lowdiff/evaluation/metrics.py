"""Every figure of an evaluation that people compare: its name, its direction, and what is a tie."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any, Literal

from lowdiff.errors import InputError

TIE = 0.15
"""Distances that differ by less say nothing: as much comes from the extractor alone."""
Outcome = Literal["better", "worse", "tie", "unknown"]


@dataclass(frozen=True)
class Metric:
    """One figure."""

    path: str
    """Where it is in the evaluation, such as `retrieval.top10`."""
    title: str
    higher_is_better: bool
    form: str = "number"
    """`number`, `share` (0 … 1) or `db`."""
    best_end: str = "ceiling"
    """Which of `floor` and `ceiling` is the good end."""
    relative_tie: float = 0.0
    """Differences below this share of the larger figure are ties."""
    absolute_tie: float = 0.0
    needs: tuple[str, ...] = ()
    """What two evaluations must agree on, by path, for the figures to be comparable."""


def _distances(space: str, title: str) -> tuple[Metric, ...]:
    part = f"distribution.{space}"
    needs = (f"{part}.features", "distribution.n")
    coverage = f"coverage, {title}"
    return (
        Metric(f"{part}.mind", f"MIND, {title}", False, "number", "floor", TIE, needs=needs),
        Metric(f"{part}.kid", f"KID, {title}", False, "number", "floor", TIE, needs=needs),
        Metric(f"{part}.coverage", coverage, True, "share", relative_tie=TIE, needs=needs),
    )


def _metrics() -> tuple[Metric, ...]:
    size, prompts = ("image_px",), ("retrieval.n",)
    losses = ("denoising.latent_space", "denoising.objective")
    up, down = True, False
    part = "reconstruction"
    return (
        Metric(
            f"{part}.psnr_db", "PSNR of held-out images", up, "db", absolute_tie=0.2, needs=size
        ),
        Metric(f"{part}.ssim", "SSIM of held-out images", up, absolute_tie=0.005, needs=size),
        Metric(f"{part}.edge_f1", "edges kept, F1", up, absolute_tie=0.01, needs=size),
        Metric(f"{part}.lpips", "LPIPS", down, relative_tie=0.05, needs=size),
        Metric("lettering.cer", "letters lost by the VAE", down, "share", "floor", needs=size),
        Metric("denoising.validation", "denoising loss", down, relative_tie=0.02, needs=losses),
        Metric("retrieval.top1", "own prompt first", up, "share", needs=prompts),
        Metric("retrieval.top5", "own prompt among 5", up, "share", needs=prompts),
        Metric("retrieval.top10", "own prompt among 10", up, "share", needs=prompts),
        Metric("retrieval.mrr", "mean of 1 / rank", up, relative_tie=TIE, needs=prompts),
        Metric("labels.accuracy", "labels as in the prompt", up, "share"),
        Metric("zero_shot.accuracy", "labels, as the judge sees", up, "share"),
        Metric("spelling.cer", "quoted words: wrong letters", down, "share", "floor"),
        *_distances("self", "self-taught features"),
        *_distances("random", "random features"),
        Metric("copies.rate", "copies, by pixels", down, "share"),
        Metric("copies.self.rate", "copies, by features", down, "share"),
        Metric("copies.calibrated", "nearer than held-out images", down, "share"),
        Metric("copies.authentic", "authentic", up, "share"),
    )


METRICS = _metrics()
BY_PATH = {metric.path: metric for metric in METRICS}


@dataclass(frozen=True)
class Difference:
    """What a candidate's figure is beside another's."""

    metric: Metric
    new: float | None
    old: float | None
    outcome: Outcome
    margin: float
    """Differences up to this are ties."""
    why: str = ""
    """Why they cannot be compared."""


def find_metrics(names: Iterable[str]) -> list[Metric]:
    """The metrics of these names; spaces that users name themselves are found too.

    Raises:
        InputError: a name is not known.
    """
    found = []
    for name in names:
        metric = BY_PATH.get(name) or _of_named_space(name)
        if metric is None:
            raise InputError(
                f"metric {name}",
                "is not known",
                reason="unknown_metric",
                allowed=", ".join(BY_PATH),
            )
        found.append(metric)
    return found


def metrics_of(records: Iterable[Mapping[str, Any]]) -> list[Metric]:
    """All metrics, and those of the feature spaces that the user has named."""
    named: dict[str, None] = {}
    for record in records:
        for space, part in (record.get("distribution") or {}).items():
            if isinstance(part, Mapping) and "mind" in part and "features" in part:
                named |= dict.fromkeys(
                    f"distribution.{space}.{key}" for key in ("mind", "kid", "coverage")
                )
    return [*METRICS, *find_metrics(path for path in named if path not in BY_PATH)]


def figure(record: Mapping[str, Any], path: str) -> float | None:
    """The number at a path such as `retrieval.top10`; None when it is not there."""
    value = at(record, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) else None


def at(record: Mapping[str, Any], path: str) -> Any:
    """Whatever lies at a path; None when nothing does."""
    value: Any = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def ends(record: Mapping[str, Any], metric: Metric) -> tuple[float | None, float | None]:
    """(worst, best) beside a figure, as far as they were measured."""
    part, key = metric.path.rsplit(".", 1)
    floor, ceiling = (figure(record, f"{part}.{end}.{key}") for end in ("floor", "ceiling"))
    return (ceiling, floor) if metric.best_end == "floor" else (floor, ceiling)


def interval(record: Mapping[str, Any], metric: Metric) -> tuple[float, float] | None:
    """The 95 % interval of a figure, where it was measured."""
    found = at(record, f"{metric.path}_interval")
    return (found[0], found[1]) if isinstance(found, list) and len(found) == 2 else None


def count(record: Mapping[str, Any], metric: Metric) -> int | None:
    """How many images a figure is of."""
    part = metric.path.rsplit(".", 1)[0]
    for path in (f"{part}.n", f"{part.split('.')[0]}.n", f"{part}.n_validation"):
        found = figure(record, path)
        if found is not None:
            return int(found)
    return None


def compare_figure(
    metric: Metric, candidate: Mapping[str, Any], other: Mapping[str, Any]
) -> Difference:
    """Better, worse, a tie within the noise, or not comparable."""
    new, old = figure(candidate, metric.path), figure(other, metric.path)
    if new is None or old is None:
        return Difference(metric, new, old, "unknown", 0.0, "it was not measured for both")
    for need in metric.needs:
        if at(candidate, need) != at(other, need):
            return Difference(metric, new, old, "unknown", 0.0, f"they differ in {need}")
    margin = max(
        metric.absolute_tie,
        metric.relative_tie * max(abs(new), abs(old)),
        _noise(metric, candidate, other, new, old),
    )
    gain = new - old if metric.higher_is_better else old - new
    outcome: Outcome = "tie" if abs(gain) <= margin else "better" if gain > 0 else "worse"
    return Difference(metric, new, old, outcome, margin)


def _noise(
    metric: Metric, one: Mapping[str, Any], other: Mapping[str, Any], new: float, old: float
) -> float:
    """How much of a difference may be chance (95 %): prompt by prompt where that is possible."""
    paired = _paired(metric, one, other)
    if paired is not None:
        return paired
    halves = [_half(record, metric) for record in (one, other)]
    known = [half for half in halves if half is not None]
    if known:
        return sqrt(sum(half * half for half in known))
    counts = [count(record, metric) for record in (one, other)]
    if metric.form != "share" or None in counts:
        return 0.0
    return 2 * sqrt(
        sum(p * (1 - p) / max(1, n or 1) for p, n in zip((new, old), counts, strict=True))
    )


def _half(record: Mapping[str, Any], metric: Metric) -> float | None:
    found = interval(record, metric)
    return None if found is None else (found[1] - found[0]) / 2


def _paired(metric: Metric, one: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    """Two standard errors of the mean difference over the same prompts."""
    part, _, key = metric.path.partition(".")
    if part != "retrieval" or not key.startswith("top"):
        return None
    prompts = [
        [row.get("prompt") for row in record.get("generated", ())] for record in (one, other)
    ]
    ranks = [at(record, "retrieval.ranks") for record in (one, other)]
    if prompts[0] != prompts[1] or not all(isinstance(r, list) and len(r) > 1 for r in ranks):
        return None
    last = int(key.removeprefix("top"))
    gains = [int(a <= last) - int(b <= last) for a, b in zip(*ranks, strict=True)]
    mean = sum(gains) / len(gains)
    variance = sum((gain - mean) ** 2 for gain in gains) / (len(gains) - 1)
    return 2 * sqrt(variance / len(gains))


def _of_named_space(name: str) -> Metric | None:
    """`distribution.<space>.mind` for a space that the user has named."""
    head, _, key = name.rpartition(".")
    space = head.removeprefix("distribution.")
    if not head.startswith("distribution.") or key not in ("mind", "kid", "coverage"):
        return None
    return next(one for one in _distances(space, space) if one.path.endswith(key))
