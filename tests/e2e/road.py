"""Run lowdiff as a person would, kill it as a power cut would, and tell the facts it left."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from lowdiff.catalog import open_catalog
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import (
    Artifact,
    DatasetVersion,
    DuplicateEdge,
    Image,
    LabelEvent,
    LabelTask,
    Rejection,
    Run,
    Sighting,
)
from lowdiff.store import sha256_hex
from lowdiff.workspace import Workspace


@dataclass
class Person:
    """Somebody at a terminal in the checkout."""

    workspace: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "lowdiff.cli.app", "-w", str(self.workspace), *arguments]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "OMP_NUM_THREADS": "2", **self.env}

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == expect, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def told(self, *arguments: str) -> list[dict[str, Any]]:
        lines = self.run(*arguments, "--json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def run_killed(self, *arguments: str, after_s: float) -> bool:
        """Kill the command and its children after a while; True when it was killed in time."""
        with subprocess.Popen(
            self.command(*arguments),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            time.sleep(after_s)
            was_running = process.poll() is None
            if was_running:
                os.killpg(process.pid, signal.SIGKILL)
        return was_running


def facts(folder: Path) -> dict[str, Any]:
    """What a workspace knows and made, without clocks, counters of rows and seconds."""
    catalog = open_catalog(Workspace(folder))
    with catalog.read() as session:
        found: dict[str, Any] = {
            "images": sorted(
                (row.id, row.pixel_hash, row.family_id, row.split)
                for row in session.scalars(select(Image))
            ),
            "sightings": sorted(
                (row.source, row.image_id, row.title or "", row.alt_text or "")
                for row in session.scalars(select(Sighting))
            ),
            "rejections": sorted(
                (row.source, row.reason) for row in session.scalars(select(Rejection))
            ),
            "twins": sorted(
                (row.a_id, row.b_id, row.kind, row.score)
                for row in session.scalars(select(DuplicateEdge))
            ),
            "artifacts": sorted(
                (row.stage, row.stage_version, row.image_id, row.state)
                for row in session.scalars(select(Artifact))
            ),
            "tasks": sorted(row.image_id for row in session.scalars(select(LabelTask))),
            "events": len(session.scalars(select(LabelEvent.id)).all()),
            "labels": {
                (image_id, name): (label.value, label.origin, label.actor, label.confidence)
                for image_id, fields in current_labels(session).items()
                for name, label in fields.items()
            },
            "versions": [
                (row.name, row.version, row.digest)
                for row in session.scalars(select(DatasetVersion).order_by(DatasetVersion.version))
            ],
            "runs": sorted((row.id, row.state) for row in session.scalars(select(Run))),
        }
    catalog.close()
    found["shards"] = hashes(folder, "datasets/*/*/data/*.parquet")
    found["manifests"] = [
        without_clock(path) for path in sorted(folder.glob("datasets/*/*/manifest.json"))
    ]
    found["weights"] = hashes(folder, "runs/*/weights.safetensors")
    return found


def hashes(folder: Path, pattern: str) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256_hex(path.read_bytes())
        for path in sorted(folder.glob(pattern))
    }


def without_clock(manifest: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    told.pop("created_at")
    return told
