"""The messy corpus: Debian's openclipart-png and OpenMoji, over 10,000 graphics, all the way.

    python -m benchmarks.messy_corpus WORKSPACE [--openclipart FOLDER] [--steps dedupe,review]

Brings both corpora (the first through `apt-get download`, unless FOLDER names an unpacked one),
then runs `lowdiff ingest`, `dedupe`, `dedupe review` and `report`, and prints seconds and peak
memory of each, images kept, rejections by reason and duplicates by kind. Beside the page of the
most doubtful pairs it writes one of pairs drawn by chance from each kind, `random_pairs.html`.

Every run of a step is noted in WORKSPACE/messy.json, so steps may be run on different days and an
interrupted one resumes; the table shows all of them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, select

from benchmarks.pair_sheet import PAGE, write_random_pairs
from lowdiff.catalog.tables import Sighting
from lowdiff.dedupe.review import REVIEW_FILE
from lowdiff.ingest.openmoji import ATTRIBUTION, LICENCE, bring_openmoji
from lowdiff.ops.project import open_project
from lowdiff.workspace import Workspace

OPENCLIPART = """\
name = "openclipart"
kind = "folder"
licence = "LicenseRef-public-domain"
attribution = "Open Clip Art Library 0.18, Debian package openclipart-png"
path = "{path}"
glob = ["{glob}"]
optouts_waived = "the authors dedicated their works to the public domain"
"""
OPENMOJI = """\
name = "openmoji"
kind = "folder"
licence = "{licence}"
attribution = "{attribution}"
path = "{path}"
glob = ["{glob}"]

[metadata]
index = "../../data/openmoji.json"
file = "hexcode"
title = "annotation"
tags = ["tags", "openmoji_tags", "group"]
"""
GLOBS = ("*.png", "*.svg")
FEW = ("*/png/animals/*.png", "1F98*.svg")
"""For a quick look whether everything works."""
STEPS = {
    "ingest": ("ingest", "--all", "--json"),
    "dedupe": ("dedupe", "run", "--json"),
    "review": ("dedupe", "review", "--limit", "400", "--json"),
    "report": ("report", "--json"),
}
Note = dict[str, Any]
"""One run of one step: `step`, `at`, `seconds`, `cpu_s`, `peak_mb`, `exit`, `said`."""


def main() -> None:
    """Bring, run, print."""
    options = _options()
    space = Workspace(options.workspace.absolute()).create()
    clipart = bring_openclipart(space, options.openclipart)
    package = bring_openmoji(space, say=print)
    write_sources(space, clipart.absolute(), package.absolute(), FEW if options.few else GLOBS)
    notes = read_notes(space)
    for step in options.steps.split(","):
        print(f"{step} …", flush=True)
        notes.append(measure(space, step))
        write_notes(space, notes)
        if notes[-1]["exit"]:
            sys.exit(f"{step} ended with {notes[-1]['exit']}; the same command goes on")
    pairs = write_random_pairs(space.root, space.root / PAGE, each=options.pairs, seed=options.seed)
    print("\n".join(table(space, notes)))
    doubtful = space.root / REVIEW_FILE
    if doubtful.exists():
        print(f"\n{doubtful}: the most doubtful pairs")
    print(f"{space.root / PAGE}: {pairs} pairs drawn by chance (seed {options.seed})")


def _options() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--openclipart", type=Path, help="an unpacked openclipart-png")
    parser.add_argument("--steps", default=",".join(STEPS), help="default: %(default)s")
    parser.add_argument("--few", action="store_true", help="only some 400 animals, as a trial")
    parser.add_argument("--pairs", type=int, default=60, help="drawn of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of that draw")
    options = parser.parse_args()
    unknown = set(options.steps.split(",")) - set(STEPS)
    if unknown:
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    return options


def bring_openclipart(space: Workspace, unpacked: Path | None) -> Path:
    """Download the Debian package and unpack it, without installing it."""
    if unpacked is not None:
        return unpacked
    folder = space.corpora / "openclipart"
    if not folder.exists():
        print("bringing openclipart-png through apt-get (131 MB) …", flush=True)
        with tempfile.TemporaryDirectory(dir=space.root) as aside:
            # as root, apt would hand the download to a user that cannot write there
            quiet = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"]
            subprocess.run([*quiet, "openclipart-png"], cwd=aside, check=True)
            package = next(Path(aside).glob("*.deb"))
            subprocess.run(["dpkg", "-x", str(package), f"{aside}/unpacked"], check=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(f"{aside}/unpacked", folder)
    return folder


def write_sources(space: Workspace, clipart: Path, openmoji: Path, globs: Sequence[str]) -> None:
    """One TOML for each corpus."""
    space.sources.mkdir(parents=True, exist_ok=True)
    text = OPENCLIPART.format(path=clipart, glob=globs[0])
    (space.sources / "openclipart.toml").write_text(text, encoding="utf-8")
    text = OPENMOJI.format(
        licence=LICENCE, attribution=ATTRIBUTION, path=openmoji / "color" / "svg", glob=globs[1]
    )
    (space.sources / "openmoji.toml").write_text(text, encoding="utf-8")


def measure(space: Workspace, step: str) -> Note:
    """Run one command: its seconds, CPU, and the most memory its processes held together."""
    started, at = time.monotonic(), time.strftime("%Y-%m-%d %H:%M")
    before = os.times()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command(space, *STEPS[step]), stdout=said)
        peak_mb = 0.0
        while process.poll() is None:
            peak_mb = max(peak_mb, memory_mb(process.pid))
            time.sleep(0.25)
        said.seek(0)
        last = (said.read().strip().splitlines() or ["{}"])[-1]
    after = os.times()
    return {
        "step": step,
        "at": at,
        "seconds": time.monotonic() - started,
        "cpu_s": sum(after[2:4]) - sum(before[2:4]),
        "peak_mb": peak_mb,
        "exit": process.returncode,
        "said": json.loads(last),
    }


def memory_mb(pid: int) -> float:
    """Unshared memory of a process and its children."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(map(_unshared_bytes, family)) / 1e6


def _unshared_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:  # it ended meanwhile
        return 0


def table(space: Workspace, notes: Sequence[Note]) -> list[str]:
    """Lines of Markdown, ready to be kept."""
    lines = ["", "| step | when | seconds | CPU seconds | peak MB |", "|---|---|---|---|---|"]
    lines += [
        "| {step} | {at} | {seconds:.0f} | {cpu_s:.0f} | {peak_mb:.0f} |".format(**note)
        for note in notes
    ]
    images, sightings = kept(space)
    reasons = Counter(row["reason"] for row in listed(space, "ingest", "rejections", "--json"))
    found: Mapping[str, Any] = next(
        (note["said"] for note in reversed(notes) if note["step"] == "dedupe"), {}
    )
    kinds = ("exact", "near", "variant", "distinct")
    lines += [
        "",
        f"images kept: {images}, sightings: {sightings}",
        f"rejections: {', '.join(f'{reason} {n}' for reason, n in reasons.most_common())}",
        f"same bytes as another: {sightings - images}",
    ]
    if found:
        lines.append("pairs: " + ", ".join(f"{kind} {found.get(kind, 0)}" for kind in kinds))
        lines.append(
            f"families: {found.get('families')}, the largest of {found.get('largest_family')}"
        )
    return lines


def kept(space: Workspace) -> tuple[int, int]:
    """Different images, and the places where they were found."""
    with open_project(space.root) as project, project.catalog.read() as session:
        query = select(func.count(func.distinct(Sighting.image_id)), func.count())
        images, sightings = session.execute(query.select_from(Sighting)).one()
    return images, sightings


def read_notes(space: Workspace) -> list[Note]:
    """What earlier runs took."""
    file = space.root / "messy.json"
    notes: list[Note] = json.loads(file.read_text()) if file.exists() else []
    return notes


def write_notes(space: Workspace, notes: Sequence[Note]) -> None:
    """Keep what the steps took."""
    (space.root / "messy.json").write_text(json.dumps(notes, indent=1), encoding="utf-8")


def listed(space: Workspace, *words: str) -> list[dict[str, Any]]:
    """The objects that a command prints."""
    done = subprocess.run(command(space, *words), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def command(space: Workspace, *words: str) -> list[str]:
    """Lowdiff as a person starts it."""
    beside = Path(sys.executable).with_name("lowdiff")
    return [os.fspath(beside), "--workspace", os.fspath(space.root), *words]


if __name__ == "__main__":
    main()
