"""How long duplicates take: a whole folder, and each image added to it. See `near_duplicates`."""

import random
import resource
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2

from benchmarks.brand_templates import Fill, render, template_of
from benchmarks.edits import EDITS
from benchmarks.real_pairs import read_image
from lowdiff.dedupe.candidates import Candidates
from lowdiff.dedupe.compare import compare
from lowdiff.dedupe.fingerprint import Fingerprint, fingerprint
from lowdiff.dedupe.scan import scan


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
        found = Counter(p.relation for p in scan(paths, read=read_image))
        seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
        print(f"\n{count} images in {seconds:.0f} s, {cpu:.0f} s of CPU: {dict(found)}")
        print(f"  {1000 * seconds / count:.1f} ms each, {1000 * cpu / count:.1f} ms of CPU")
        sample = paths[:: max(1, count // 100)]
        rest = sorted(set(paths) - set(sample))
        prints = dict(zip(rest, pool.map(fingerprint_of, rest, chunksize=64), strict=True))
        index = Candidates()
        index.extend([(str(path), prints[path]) for path in rest])
        cv2.setNumThreads(1)
        start, cpu, compared = time.perf_counter(), time.process_time(), 0
        for path in sample:
            new = fingerprint_of(path)
            for candidate in index.add(str(path), new):
                compare(prints[Path(candidate.a)], new)
                compared += 1
            prints[path] = new
        ms = 1000 * (time.perf_counter() - start) / len(sample)
        cpu_ms = 1000 * (time.process_time() - cpu) / len(sample)
        print(f"{len(sample)} images added one by one to {len(rest)}: {ms:.1f} ms each,", end=" ")
        print(f"{cpu_ms:.1f} ms of CPU, {compared / len(sample):.1f} candidates each")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the main process: {peak:.0f} MB")


def fingerprint_of(path: Path) -> Fingerprint:
    """Decode and fingerprint one file."""
    return fingerprint(read_image(path))
