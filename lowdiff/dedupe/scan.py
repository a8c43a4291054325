"""Duplicates in any list of files, without a workspace."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Literal

import cv2
from PIL import Image

from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import Comparison, compare
from lowdiff.dedupe.fingerprint import Fingerprint, fingerprint
from lowdiff.errors import InputError

Read = Callable[[Path], Image.Image]
"""Reads a file as an upright RGB or RGBA image; raises InputError for what is none."""
Progress = Callable[[str, int, int], None]
"""Called with the step (`read` or `compare`), how many are done, and of how many."""
FILES_AT_ONCE = 16
PAIRS_AT_ONCE = 128


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
) -> Iterator[Pair]:
    """Pairs of files that show the same pixels, nearly the same picture, or one template.

    Of files with equal pixels only the first is compared with the others; the rest hang on it
    as `exact`.

    Args:
        read: decodes one file; must be importable by name, for it runs in worker processes.
        refused: told of each file that cannot be read; the scan goes on.
        progress: see `Progress`.
        workers: processes; all cores when None, none at all when 1.
    """
    count = workers or cpu_count() or 1
    with _pool(count) as pool:
        firsts, twins = _read_all(paths, pool, read, refused, progress)
        yield from twins
        index = Candidates()
        index.extend([(str(number), seen.print_) for number, seen in enumerate(firsts)])
        chosen = [(int(pair.a), int(pair.b)) for pair in index.pairs()]
        yield from _compare_all(firsts, chosen, pool, progress)


class _Here(Executor):
    """Runs at once in this process."""

    def map(self, fn, *iterables, timeout=None, chunksize=1):  # type: ignore[no-untyped-def]
        return map(fn, *iterables)


def _pool(workers: int) -> Executor:
    if workers == 1:
        return _Here()
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_alone)


def _alone() -> None:
    cv2.setNumThreads(1)


def _read_all(
    paths: Sequence[Path],
    pool: Executor,
    read: Read,
    refused: Callable[[Path, InputError], None],
    progress: Progress,
) -> tuple[list[_Seen], list[Pair]]:
    groups: dict[bytes, list[_Seen]] = defaultdict(list)
    twins: list[Pair] = []
    for done, (path, result) in enumerate(
        pool.map(partial(_look, read), paths, chunksize=FILES_AT_ONCE), 1
    ):
        if isinstance(result, InputError):
            refused(path, result)
        else:
            group = groups[result.pixels]
            if group:
                twins.append(Pair(group[0].path, path, "exact", 1.0))
            else:
                group.append(result)
        progress("read", done, len(paths))
    return [group[0] for group in groups.values()], twins


def _look(read: Read, path: Path) -> tuple[Path, _Seen | InputError]:
    try:
        image = read(path)
    except InputError as error:
        return path, error
    digest = hashlib.sha256(f"{image.mode}{image.size}".encode())
    digest.update(image.tobytes())
    return path, _Seen(path, digest.digest(), fingerprint(image))


def _compare_all(
    seen: Sequence[_Seen],
    chosen: Sequence[tuple[int, int]],
    pool: Executor,
    progress: Progress,
) -> Iterator[Pair]:
    work = (
        [(a, b, seen[a].print_, seen[b].print_) for a, b in chosen[at : at + PAIRS_AT_ONCE]]
        for at in range(0, len(chosen), PAIRS_AT_ONCE)
    )
    done = 0
    for some in pool.map(_judge, work):
        for a, b, verdict in some:
            done += 1
            if verdict.relation != "distinct":
                yield Pair(seen[a].path, seen[b].path, verdict.relation, verdict.score)
        progress("compare", done, len(chosen))


def _judge(
    work: Iterable[tuple[int, int, Fingerprint, Fingerprint]],
) -> list[tuple[int, int, Comparison]]:
    return [(a, b, compare(one, two)) for a, b, one, two in work]
