"""How long it takes to bring Label Studio's tasks up to date: all of them, nothing, some.

    python -m benchmarks.push_tasks [--images 10028] [--folder FOLDER] [--changed 500]

A workspace with so many drafted discs and a Label Studio of its own; SQLite on both sides. Working
copies are drawn before, and told apart.
"""

import argparse
import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from PIL import Image as Pixels
from PIL import ImageDraw
from sqlalchemy import select

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image, LabelProject, Sighting
from lowdiff.labels.desk.working_copies import working_copy
from lowdiff.labels.schema import load_schema
from lowdiff.ops.label_push import push_all
from lowdiff.ops.labeling import connect_label_studio, pull_screens
from lowdiff.ops.project import Project, open_project
from lowdiff.ops.services import down, up
from lowdiff.store import sha256_hex
from tests.labels.corpus import SEEN_AT, add, draft

SCHEMA = load_schema()
DRAWN = 400
"""So many working copies are drawn and timed; the others are copies of one."""


def main() -> None:
    """Start a server, measure, stop it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--images", type=int, default=10_028)
    options.add_argument("--changed", type=int, default=500)
    options.add_argument("--folder", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        folder = chosen.folder or Path(aside) / "data"
        with open_project(folder) as project:
            try:
                up(project.settings, project.workspace, say=print)
                measure(project, chosen.images, chosen.changed)
            finally:
                down(project.workspace)


def measure(project: Project, number: int, changed: int) -> None:
    """Print one line a step."""
    ids = seed(project, number)
    some = ids[:DRAWN]
    with timed("working copies drawn", len(some)):
        draw(project, some)
    folder = project.workspace.working_copies
    for image_id in ids[DRAWN:]:
        shutil.copyfile(folder / f"{some[0]}.png", folder / f"{image_id}.png")
    with connect_label_studio(project) as client:
        with timed("push of all, the copies are there", number):
            print(push_all(project, client, SCHEMA).record())
        with timed("push when nothing has changed", number):
            print(push_all(project, client, SCHEMA).record())
        pull_screens(project, client, SCHEMA)
        forget_overlap(project)
        with timed("pull when nothing has changed", number):
            pull_screens(project, client, SCHEMA)
        draft(project.catalog, sorted(ids)[:changed], layout=("grid", 0.9))
        with timed("push after newer drafts", changed):
            print(push_all(project, client, SCHEMA).record())


def seed(project: Project, number: int) -> list[str]:
    """Images with drafts; the first ones have an original that a working copy can be drawn from."""
    ids = [
        add(project.catalog, project.store, picture(n), width_px=480, height_px=360)
        for n in range(min(number, DRAWN))
    ]
    others = [sha256_hex(f"image {n}".encode()) for n in range(number - len(ids))]
    with project.catalog.write() as session:
        for image_id in others:
            session.add(
                Image(
                    id=image_id, pixel_hash=image_id, format="png", width_px=480, height_px=360,
                    size_bytes=1, has_alpha=True, created_at=SEEN_AT,
                )
            )  # fmt: skip
        session.flush()
        for image_id in others:
            session.add(
                Sighting(
                    image_id=image_id, source="test", url=image_id, licence="CC0-1.0",
                    attribution="", tags=[], evidence={}, seen_at=SEEN_AT,
                )
            )  # fmt: skip
    for some in chunks([*ids, *others], 500):
        draft(project.catalog, list(some))
    return [*ids, *others]


def forget_overlap(project: Project) -> None:
    """As if the last pull had been three minutes ago."""
    with project.catalog.write() as session:
        for row in session.scalars(select(LabelProject)):
            row.pulled_until = (row.pulled_until or SEEN_AT) + timedelta(minutes=3)


def picture(number: int) -> bytes:
    """A PNG of our own; every number gives another one."""
    image = Pixels.new("RGBA", (480, 360))
    colour = (number % 256, number // 256 % 256, number * 37 % 256, 255)
    ImageDraw.Draw(image).ellipse((40, 40, 440 - number % 90, 320), fill=colour)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def draw(project: Project, ids: list[str]) -> None:
    """The working copies of some images."""
    folder = project.workspace.working_copies
    with project.catalog.read() as session:
        images = images_by_id(session, ids)
    with ThreadPoolExecutor(project.settings.workers) as threads:
        list(
            threads.map(
                lambda one: working_copy(one, store=project.store, folder=folder),
                images.values(),
            )
        )


@contextmanager
def timed(what: str, number: int) -> Iterator[None]:
    """Print the seconds by the clock and the CPU seconds of this process."""
    clock, cpu = time.perf_counter(), time.process_time()
    yield
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    print(
        f"{what:<42} {number:>6}  {clock:8.1f} s  {cpu:8.1f} s CPU of ours  "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
