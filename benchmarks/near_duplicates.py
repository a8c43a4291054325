"""Twins, not cousins: duplicates found and variants kept, beside imagededup and PDQ.

    python -m benchmarks.near_duplicates                     # 75 templates, some 1,600 images
    python -m benchmarks.near_duplicates --quick             # 6 templates
    python -m benchmarks.near_duplicates --real DATA/near_dup/pairs.csv
    python -m benchmarks.near_duplicates --time 10000        # minutes and milliseconds

Templates have odd seeds: `benchmarks/fit_twins.py` learned from even ones. `make peers` brings the
peers into an environment of their own. A pair counts as found when a method calls it a duplicate;
every pair of the set counts, whether or not it was a candidate.
"""

import argparse
import itertools
import json
import random
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from scipy.stats import binomtest

from benchmarks.brand_templates import Graphic, family
from benchmarks.near_duplicates_time import on_time
from benchmarks.real_pairs import NEAR, read_image, real_pairs
from lowdiff.dedupe.compare import compare
from lowdiff.dedupe.fingerprint import fingerprint
from lowdiff.dedupe.scan import scan

PEERS = Path(".venv-peers/bin/python")
Names = tuple[str, str]


@dataclass(frozen=True)
class Method:
    """What one method said about all pairs of a set."""

    name: str
    near: set[Names]
    family: set[Names]
    """Pairs that are to share a split."""
    seconds: float


def pair(a: str, b: str) -> Names:
    """In alphabetical order."""
    return (a, b) if a < b else (b, a)


def interval(hits: int, n: int) -> str:
    """Hits of n as a percentage with its 95 % Wilson interval."""
    if not n:
        return "- (0)"
    found = binomtest(hits, n).proportion_ci(method="wilson")
    return f"{100 * hits / n:6.2f} % [{100 * found.low:.2f}, {100 * found.high:.2f}] ({hits}/{n})"


def write_family(work: tuple[int, Path]) -> list[Graphic]:
    """Draw one family into a folder; returns its graphics without pixels."""
    seed, folder = work
    graphics = []
    for graphic in family(seed):
        graphic.image.save(folder / f"{graphic.name}.png", compress_level=1)
        graphics.append(replace(graphic, image=None))  # type: ignore[arg-type]
    return graphics


def ours(paths: Sequence[Path]) -> Method:
    """Run our scan."""
    start = time.perf_counter()
    found = list(scan(paths, read=read_image))
    seconds = time.perf_counter() - start
    names = [(pair(p.a.name, p.b.name), p.relation) for p in found]
    near = {names_ for names_, relation in names if relation != "variant"}
    near |= _closure({n for n, relation in names if relation == "exact"}, near)
    return Method("lowdiff", near, {names_ for names_, _relation in names}, seconds)


def _closure(exact: set[Names], near: set[Names]) -> set[Names]:
    """A file with equal pixels is near to all that its first is near to."""
    more = set()
    for first, twin in itertools.chain(exact, ((b, a) for a, b in exact)):
        more |= {pair(twin, b if a == first else a) for a, b in near if first in (a, b)}
    return {names for names in more if names[0] != names[1]}


def peers(folder: Path) -> list[Method]:
    """Run the peers in their environment; none where it is missing."""
    if not PEERS.exists():
        print(f"no {PEERS}: the peers are left out")
        return []
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "peers.json"
        subprocess.run(
            [PEERS, "benchmarks/peer_hashes.py", folder, out], check=True, capture_output=True
        )
        results = json.loads(out.read_text(encoding="utf-8"))
    methods = []
    for name, result in results.items():
        near = {pair(a, b) for a, b in result["pairs"]}
        methods.append(Method(name, near, near, result["seconds"]))
    return methods


def report(method: Method, graphics: Sequence[Graphic]) -> None:
    """Print the figures of one method."""
    by_name = {f"{graphic.name}.png": graphic for graphic in graphics}
    truth, with_original, variants, lookalikes = _truth(graphics)
    hits = len(truth & method.near)
    precision = hits / len(method.near) if method.near else 0.0
    recall = hits / len(truth)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    ms = 1000 * method.seconds / len(graphics)
    print(f"\n{method.name}: {method.seconds:.1f} s, {ms:.1f} ms an image")
    counts = f"{hits} of {len(truth)} found, {len(method.near) - hits} wrongly"
    print(f"  duplicates, all pairs: P {precision:.4f} R {recall:.4f} F1 {f1:.4f} ({counts})")
    wrong = Counter(_kind(by_name[a], by_name[b]) for a, b in method.near - truth)
    near_first = len(with_original & method.near)
    tied = len(with_original) + sum(wrong.values())
    f1_first = 2 * near_first / (tied + near_first) if near_first else 0.0
    print(f"  original and copy: R {interval(near_first, len(with_original))}, F1 {f1_first:.4f}")
    print(f"  variants kept apart:   {interval(len(variants - method.near), len(variants))}")
    print(f"  look-alikes kept apart:{interval(len(lookalikes - method.near), len(lookalikes))}")
    print(f"  wrongly near: {dict(wrong.most_common(8))}")
    linked = len(variants & method.family)
    print(f"  variants linked into a family directly: {interval(linked, len(variants))}")
    _print_edits(with_original, method.near, by_name)
    for name, share in leakage(method, graphics).items():
        print(f"  test images with a {name} in train: {share}")


def _truth(
    graphics: Sequence[Graphic],
) -> tuple[set[Names], set[Names], set[Names], set[Names]]:
    """Pairs of copies, those with the original, of variants, and of look-alikes."""
    truth, with_original, variants, lookalikes = set(), set(), set(), set()
    groups = defaultdict(list)
    for graphic in graphics:
        groups[graphic.name[:5]].append(graphic)
    for group in groups.values():
        for a, b in itertools.combinations(group, 2):
            names = pair(f"{a.name}.png", f"{b.name}.png")
            if a.master == b.master:
                truth.add(names)
                if "original" in (a.edit, b.edit):
                    with_original.add(names)
            elif a.template == b.template:
                variants.add(names)
            else:
                lookalikes.add(names)
    return truth, with_original, variants, lookalikes


def _kind(a: Graphic, b: Graphic) -> str:
    if a.template != b.template:
        return "look-alike" if a.name[:5] == b.name[:5] else "other template"
    kinds = [g.edit for g in (a, b) if g.edit.startswith("variant:")]
    return " and ".join(sorted(kinds)) or "other text"


def _print_edits(pairs: Iterable[Names], near: set[Names], by_name: dict[str, Graphic]) -> None:
    total: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for names in pairs:
        edit = next(by_name[n].edit for n in names if by_name[n].edit != "original")
        total[edit] += 1
        found[edit] += names in near
    line = ", ".join(f"{edit} {found[edit]}/{total[edit]}" for edit in sorted(total))
    print(f"  found by edit: {line}")


def leakage(method: Method, graphics: Sequence[Graphic]) -> dict[str, str]:
    """Split 80:20 by family as the method links them; who of test meets a relative in train?"""
    root = {f"{graphic.name}.png": f"{graphic.name}.png" for graphic in graphics}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for a, b in sorted(method.family):
        root[find(a)] = find(b)
    test = {name for name in root if random.Random(f"split {find(name)}").random() < 0.2}
    shares = {}
    for kind in ("copy", "member of its template"):
        key = {f"{g.name}.png": g.master if kind == "copy" else g.template for g in graphics}
        train = {key[name] for name in root if name not in test}
        shares[kind] = interval(sum(key[name] in train for name in test), len(test))
    return shares


def on_real_pairs(path: Path) -> None:
    """Every real pair compared, by every method; the half that was not learned from first."""
    pairs = real_pairs(path)
    files = sorted({file for real in pairs for file in (real.a, real.b)})
    names = {file: f"{number:05d}.png" for number, file in enumerate(files)}
    prints = {}
    with tempfile.TemporaryDirectory() as scratch:
        for file, name in names.items():
            image = read_image(file)
            prints[file] = fingerprint(image)
            image.save(Path(scratch) / name, compress_level=1)
        others = peers(Path(scratch))
    said = {real: compare(prints[real.a], prints[real.b]).relation for real in pairs}
    print("\nreal pairs, every pair compared")
    for half in ("report", "fit"):
        some = [real for real in pairs if real.half == half]
        _print_labels("lowdiff", half, [(real.label, said[real] == "near") for real in some])
        families = Counter(said[real] for real in some if real.label == "variant")
        print(f"    variants were called {dict(families)}")
        for method in others:
            told = [(r.label, pair(names[r.a], names[r.b]) in method.near) for r in some]
            _print_labels(method.name, half, told)


def _print_labels(name: str, half: str, told: Sequence[tuple[str, bool]]) -> None:
    hits = sum(near for label, near in told if label in NEAR)
    false = sum(near for label, near in told if label not in NEAR)
    missed = sum(not near for label, near in told if label in NEAR)
    f1 = 2 * hits / (2 * hits + missed + false)
    print(f"  {name}, {half} half: P {hits / max(1, hits + false):.4f}", end=" ")
    print(f"R {hits / max(1, hits + missed):.4f} F1 {f1:.4f}")
    for label in sorted({label for label, _near in told}):
        right = [near == (label in NEAR) for known, near in told if known == label]
        print(f"    {label:14s} right {interval(sum(right), len(right))}")


def main() -> None:
    """Generate, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--templates", type=int, default=75)
    parser.add_argument("--first-seed", type=int, default=1, help="odd seeds were not learned from")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--real", type=Path, help="pairs.csv of real pairs")
    parser.add_argument("--time", type=int, help="only time this many images")
    options = parser.parse_args()
    if options.time:
        on_time(options.time)
        return
    count = 6 if options.quick else options.templates
    with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor() as pool:
        folder = Path(scratch)
        seeds = range(options.first_seed, options.first_seed + 2 * count, 2)
        written = pool.map(write_family, ((seed, folder) for seed in seeds))
        graphics = [graphic for some in written for graphic in some]
        print(f"{count} templates, {len(graphics)} images")
        paths = sorted(folder.iterdir())
        for method in [ours(paths), *peers(folder)]:
            report(method, graphics)
    if options.real:
        on_real_pairs(options.real)


if __name__ == "__main__":
    main()
