"""Duplicates in any list of files, without a workspace."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import cpu_count
from pathlib import Path
from typing import Literal

from PIL import Image
from threadpoolctl import threadpool_limits

from lowdiff.catalog.chunks import chunks
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import compare_many
from lowdiff.dedupe.fingerprint import Fingerprint, fingerprint
from lowdiff.dedupe.implied import Known, implied_ties
from lowdiff.dedupe.turns import compare_in_turns
from lowdiff.dedupe.verdict import Comparison
from lowdiff.dedupe.workers import Workers
from lowdiff.errors import InputError, ServiceError

Read = Callable[[Path], Image.Image]
"""Reads a file as an upright RGB or RGBA image; raises InputError for what is none."""
Progress = Callable[[str, int, int], None]
"""Called with the step (`read` or `compare`), how many are done, and of how many."""
FILES_AT_ONCE = 16
PAIRS_AT_ONCE = 32
FEW = 64
"""Fewer pairs than this are compared in this process."""
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
    with threadpool_limits(1):  # whose threads would wait for each other, busily
        chosen = {(int(pair.a), int(pair.b)): pair.likeness for pair in index.pairs()}
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
    for done, (path, result) in enumerate(_read_files(paths, count, look, limit_s), 1):
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


def _read_files(
    paths: Sequence[Path],
    count: int,
    look: Callable[[Path], _Seen | InputError],
    limit_s: float,
) -> Iterator[tuple[Path, _Seen | InputError | None]]:
    with Workers(look, count, limit_s=limit_s) as readers:
        yield from readers.map(paths, at_once=FILES_AT_ONCE)


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
    seen: Sequence[_Seen],
    chosen: Mapping[tuple[int, int], float],
    count: int,
    progress: Progress,
) -> dict[tuple[int, int], Comparison]:
    done = 0
    with Workers(_judge, count if len(chosen) >= FEW else 1, limit_s=COMPARE_S) as judges:

        def judge(pairs: Sequence[tuple[int, int]]) -> list[Comparison]:
            nonlocal done
            told: list[Comparison] = []
            work = (
                [(seen[a].print_, seen[b].print_) for a, b in some]
                for some in chunks(pairs, PAIRS_AT_ONCE)
            )
            for some, found in judges.map(work, at_once=1):
                told += _found(found)
                done += len(some)
                progress("compare", done, len(chosen))
            return told

        return compare_in_turns(chosen, Known(), judge)[0]


def _found(told: list[Comparison] | None) -> list[Comparison]:
    if told is None:
        raise ServiceError(
            "dedupe",
            "a process that compares pictures was ended from outside",
            reason="worker_died",
            do="Run the scan again; memory may have been short.",
        )
    return told


def _judge(pairs: Sequence[tuple[Fingerprint, Fingerprint]]) -> list[Comparison]:
    return compare_many(pairs)
