"""How long duplicates take: a whole folder, and each image added to it. See `near_duplicates`."""

import random
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.brand_templates import Fill, render, template_of
from benchmarks.edits import EDITS
from benchmarks.real_pairs import read_image
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import compare_many
from lowdiff.dedupe.fingerprint import Fingerprint, fingerprint
from lowdiff.dedupe.implied import Known
from lowdiff.dedupe.scan import Pair, scan
from lowdiff.dedupe.turns import compare_in_turns
from lowdiff.dedupe.verdict import Comparison, Relation
from lowdiff.dedupe.workers import alone


def draw_one(work: tuple[int, Path]) -> Path:
    """One image of a big set: three variants of every template, each with one edited copy."""
    number, folder = work
    seed, kind = divmod(number, 6)
    image = render(template_of(seed), Fill(kind // 2 * 3 % 8, price=999 + 1000 * (kind // 2)))
    if kind % 2:
        rng = random.Random(number)
        image = EDITS[rng.choice(sorted(EDITS))](image, rng)
    path = folder / f"{number:06d}.jpg"
    image.convert("RGB").save(path, quality=88)
    return path


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def on_time(count: int) -> None:
    """Minutes for a whole folder, milliseconds for each image added to it."""
    with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor() as pool:
        folder = Path(scratch)
        paths = list(pool.map(draw_one, ((n, folder) for n in range(count)), chunksize=64))
        start, cpu = time.perf_counter(), cpu_seconds()
        found = list(scan(paths, read=read_image))
        seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
        kinds = dict(Counter(pair.relation for pair in found))
        print(f"\n{count} images in {seconds:.0f} s, {cpu:.0f} s of CPU: {kinds}")
        print(f"  {1000 * seconds / count:.1f} ms each, {1000 * cpu / count:.1f} ms of CPU")
        sample = paths[:: max(1, count // 100)]
        rest = sorted(set(paths) - set(sample))
        prints = dict(zip(rest, pool.map(fingerprint_of, rest, chunksize=64), strict=True))
        add_one_by_one(sample, prints, found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the main process: {peak:.0f} MB")


def add_one_by_one(
    sample: Sequence[Path], prints: dict[Path, Fingerprint], found: Sequence[Pair]
) -> None:
    """Time what a new image costs where all others were compared: decoding, search, comparing."""
    index = Candidates()
    index.extend([(str(path), print_) for path, print_ in prints.items()])
    known: Known[str] = Known()
    for pair in found:
        if pair.a in prints and pair.b in prints:
            relation: Relation = "variant" if pair.relation == "variant" else "near"
            known.note(str(pair.a), str(pair.b), Comparison(relation, pair.score))
    print(f"{len(sample)} images added one by one to {len(prints)}:", end=" ")
    alone()
    spent: defaultdict[str, float] = defaultdict(float)
    start, compared, candidates = time.perf_counter(), 0, 0
    for path in sample:
        begun = time.process_time()
        prints[path] = fingerprint_of(path)
        printed = time.process_time()
        likeness = {(one.a, one.b): one.likeness for one in index.add(str(path), prints[path])}
        searched = time.process_time()
        _told, implied = compare_in_turns(
            likeness,
            known,
            lambda pairs: compare_many([(prints[Path(a)], prints[Path(b)]) for a, b in pairs]),
        )
        spent["fingerprint"] += printed - begun
        spent["search"] += searched - printed
        spent["comparing"] += time.process_time() - searched
        compared += len(likeness) - implied
        candidates += len(likeness)
    each = {step: round(1000 * seconds / len(sample), 1) for step, seconds in spent.items()}
    ms = 1000 * (time.perf_counter() - start) / len(sample)
    print(f"{ms:.1f} ms each, {sum(each.values()):.1f} ms of CPU {each},", end=" ")
    print(f"{candidates / len(sample):.1f} candidates, {compared / len(sample):.1f} compared")


def fingerprint_of(path: Path) -> Fingerprint:
    """Decode and fingerprint one file."""
    return fingerprint(read_image(path))
