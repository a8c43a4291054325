"""The messy corpus: Debian's openclipart-png and OpenMoji, over 10,000 graphics, all the way.

    python -m benchmarks.messy_corpus WORKSPACE [--openclipart FOLDER]

Brings both corpora (the first through `apt-get download`, unless FOLDER names an unpacked one),
then runs `lowdiff ingest`, `lowdiff dedupe` and `lowdiff report`, and prints seconds and peak
memory of each, rejections by reason and duplicates by kind. Running it again resumes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from lowdiff.ingest.openmoji import ATTRIBUTION, LICENCE, bring_openmoji
from lowdiff.workspace import Workspace

OPENCLIPART = """\
name = "openclipart"
kind = "folder"
licence = "LicenseRef-public-domain"
attribution = "Open Clip Art Library 0.18, Debian package openclipart-png"
path = "{path}"
glob = ["*.png"]
optouts_waived = "the authors dedicated their works to the public domain"
"""
OPENMOJI = """\
name = "openmoji"
kind = "folder"
licence = "{licence}"
attribution = "{attribution}"
path = "{path}"
glob = ["*.svg"]

[metadata]
index = "../../data/openmoji.json"
file = "hexcode"
title = "annotation"
tags = ["tags", "openmoji_tags", "group"]
"""


def main() -> None:
    """Bring, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--openclipart", type=Path, help="an unpacked openclipart-png")
    options = parser.parse_args()
    space = Workspace(options.workspace.absolute()).create()
    clipart = options.openclipart or bring_openclipart(space)
    package = bring_openmoji(space, say=print)
    write_sources(space, clipart.absolute(), package.absolute())
    steps = [
        measure(space, "ingest", "--all", "--json"),
        measure(space, "dedupe", "run", "--json"),
        measure(space, "report", "--json"),
    ]
    print("\n| step | seconds | peak MB | said |\n| --- | --- | --- | --- |")
    for step in steps:
        print("| {name} | {seconds:.0f} | {peak_mb:.0f} | {said} |".format(**step))
    reasons = Counter(row["reason"] for row in listed(space, "ingest", "rejections", "--json"))
    print("\nrejections:", ", ".join(f"{reason} {n}" for reason, n in reasons.most_common()))


def bring_openclipart(space: Workspace) -> Path:
    """Download the Debian package and unpack it, without installing it."""
    folder = space.corpora / "openclipart"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=space.root) as aside:
            subprocess.run(["apt-get", "download", "openclipart-png"], cwd=aside, check=True)
            package = next(Path(aside).glob("*.deb"))
            subprocess.run(["dpkg", "-x", str(package), f"{aside}/unpacked"], check=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            Path(aside, "unpacked").rename(folder)
    return folder


def write_sources(space: Workspace, clipart: Path, openmoji: Path) -> None:
    """One TOML for each corpus."""
    space.sources.mkdir(parents=True, exist_ok=True)
    (space.sources / "openclipart.toml").write_text(OPENCLIPART.format(path=clipart))
    text = OPENMOJI.format(
        licence=LICENCE, attribution=ATTRIBUTION, path=openmoji / "color" / "svg"
    )
    (space.sources / "openmoji.toml").write_text(text, encoding="utf-8")


def measure(space: Workspace, *words: str) -> dict[str, object]:
    """Run one command; its seconds, and the most memory its processes held together."""
    started = time.monotonic()
    process = subprocess.Popen(command(space, *words), stdout=subprocess.PIPE, text=True)
    peak_mb = 0.0
    while process.poll() is None:
        peak_mb = max(peak_mb, memory_mb(process.pid))
        time.sleep(0.25)
    assert process.stdout is not None
    last = (process.stdout.read().strip().splitlines() or ["{}"])[-1]
    seconds = time.monotonic() - started
    return {"name": words[0], "seconds": seconds, "peak_mb": peak_mb, "said": last}


def memory_mb(pid: int) -> float:
    """Unshared memory of a process and its children."""
    total = 0
    try:
        root = psutil.Process(pid)
        for one in [root, *root.children(recursive=True)]:
            total += one.memory_full_info().uss
    except psutil.Error:  # it ended meanwhile
        return 0.0
    return total / 1e6


def listed(space: Workspace, *words: str) -> list[dict[str, str]]:
    """The objects that a command prints."""
    done = subprocess.run(command(space, *words), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def command(space: Workspace, *words: str) -> list[str]:
    """Lowdiff as a person starts it."""
    beside = Path(sys.executable).with_name("lowdiff")
    return [os.fspath(beside), "--workspace", os.fspath(space.root), *words]


if __name__ == "__main__":
    main()
