"""Duplicates in any list of files, without a workspace."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from os import cpu_count
from pathlib import Path
from typing import Literal

from PIL import Image

from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import Comparison, compare
from lowdiff.dedupe.fingerprint import Fingerprint, fingerprint
from lowdiff.dedupe.implied import implied_ties
from lowdiff.dedupe.workers import Workers
from lowdiff.errors import InputError, ServiceError

Read = Callable[[Path], Image.Image]
"""Reads a file as an upright RGB or RGBA image; raises InputError for what is none."""
Progress = Callable[[str, int, int], None]
"""Called with the step (`read` or `compare`), how many are done, and of how many."""
FILES_AT_ONCE = 16
PAIRS_AT_ONCE = 128
READ_S = 30.0
COMPARE_S = 600.0


@dataclass(frozen=True)
class Pair:
    """Two files that belong together."""

    a: Path
    b: Path
    relation: Literal["exact", "near", "variant"]
    score: float


@dataclass(frozen=True)
class _Seen:
    path: Path
    pixels: bytes
    print_: Fingerprint


def scan(
    paths: Sequence[Path],
    *,
    read: Read,
    refused: Callable[[Path, InputError], None] = lambda _path, _error: None,
    progress: Progress = lambda _step, _done, _all: None,
    workers: int | None = None,
    limit_s: float = READ_S,
) -> Iterator[Pair]:
    """Pairs of files that show the same pixels, nearly the same picture, or one template.

    Of files with equal pixels only the first is compared with the others; the rest hang on it
    as `exact`. Two copies of one picture are `near` even where they alone would not tell.

    Args:
        read: decodes one file; must be importable by name, for it runs in worker processes.
        refused: told of each file that cannot be read; the scan goes on.
        progress: see `Progress`.
        workers: processes; all cores when None, none at all when 1.
        limit_s: seconds for one file; no limit holds when `workers` is 1.

    Raises:
        ServiceError: processes that compare are ended from outside, again and again.
    """
    count = workers or cpu_count() or 1
    firsts, twins = _read_all(paths, count, partial(_look, read), refused, progress, limit_s)
    yield from twins
    index = Candidates()
    index.extend([(str(number), seen.print_) for number, seen in enumerate(firsts)])
    # sorted, so that pairs of one image travel together and are unpacked once
    chosen = sorted((int(pair.a), int(pair.b)) for pair in index.pairs())
    told = _compare_all(firsts, chosen, count, progress)
    implied = implied_ties({pair: found.score for pair, found in told.items() if _is_near(found)})
    told |= {pair: Comparison("near", score) for pair, score in implied.items()}
    for (a, b), found in sorted(told.items()):
        if found.relation != "distinct":
            yield Pair(firsts[a].path, firsts[b].path, found.relation, found.score)


def _is_near(found: Comparison) -> bool:
    return found.relation == "near"


def _read_all(
    paths: Sequence[Path],
    count: int,
    look: Callable[[Path], _Seen | InputError],
    refused: Callable[[Path, InputError], None],
    progress: Progress,
    limit_s: float,
) -> tuple[list[_Seen], list[Pair]]:
    groups: dict[bytes, list[_Seen]] = defaultdict(list)
    twins: list[Pair] = []
    readers = Workers(look, count, limit_s=limit_s)
    for done, (path, result) in enumerate(readers.map(paths, at_once=FILES_AT_ONCE), 1):
        if isinstance(result, _Seen):
            group = groups[result.pixels]
            if group:
                twins.append(Pair(group[0].path, path, "exact", 1.0))
            else:
                group.append(result)
        else:
            refused(path, result or _fatal(path, limit_s))
        progress("read", done, len(paths))
    return [group[0] for group in groups.values()], twins


def _fatal(path: Path, limit_s: float) -> InputError:
    return InputError(
        path,
        "ended the process that read it, or took too long",
        reason="decoder_died",
        allowed=f"{limit_s:g} seconds",
        do="Look at the file in an image editor; it may be broken or hostile.",
    )


def _look(read: Read, path: Path) -> _Seen | InputError:
    try:
        image = read(path)
    except InputError as error:
        return error
    digest = hashlib.sha256(f"{image.mode}{image.size}".encode())
    digest.update(image.tobytes())
    return _Seen(path, digest.digest(), fingerprint(image))


def _compare_all(
    seen: Sequence[_Seen], chosen: Sequence[tuple[int, int]], count: int, progress: Progress
) -> dict[tuple[int, int], Comparison]:
    work = (
        [(a, b, seen[a].print_, seen[b].print_) for a, b in chosen[at : at + PAIRS_AT_ONCE]]
        for at in range(0, len(chosen), PAIRS_AT_ONCE)
    )
    told: dict[tuple[int, int], Comparison] = {}
    for some, verdicts in Workers(_judge, count, limit_s=COMPARE_S).map(work, at_once=1):
        if verdicts is None:
            raise ServiceError(
                "dedupe",
                "a process that compares pictures was ended from outside",
                reason="worker_died",
                do="Run the scan again; memory may have been short.",
            )
        told |= {(a, b): found for (a, b, *_), found in zip(some, verdicts, strict=True)}
        progress("compare", len(told), len(chosen))
    return told


def _judge(work: Sequence[tuple[int, int, Fingerprint, Fingerprint]]) -> list[Comparison]:
    return [compare(one, two) for _a, _b, one, two in work]
