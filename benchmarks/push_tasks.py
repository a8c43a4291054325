"""How long it takes to bring Label Studio's tasks up to date: all of them, nothing, some.

    python -m benchmarks.push_tasks [--images 10028] [--folder FOLDER] [--changed 500]

A workspace with so many drafted discs and a Label Studio of its own; SQLite on both sides. Working
copies are drawn before, and told apart.
"""

import argparse
import io
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from PIL import Image as Pixels
from PIL import ImageDraw

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.images import images_by_id
from lowdiff.labels.desk.working_copies import working_copy
from lowdiff.labels.schema import load_schema
from lowdiff.ops.label_push import push_all
from lowdiff.ops.labeling import connect_label_studio, pull_screens
from lowdiff.ops.project import Project, open_project
from lowdiff.ops.services import down, up
from tests.labels.corpus import add, draft

SCHEMA = load_schema()


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
    with timed("images, their drafts and families", number):
        ids = [
            add(project.catalog, project.store, picture(n), width_px=480, height_px=360)
            for n in range(number)
        ]
        ids.sort()
        for some in chunks(ids, 500):
            draft(project.catalog, list(some))
    with timed("working copies", len(ids)):
        draw(project, ids)
    with connect_label_studio(project) as client:
        with timed("push of all", len(ids)):
            print(push_all(project, client, SCHEMA).record())
        with timed("push when nothing has changed", len(ids)):
            print(push_all(project, client, SCHEMA).record())
        with timed("pull when nothing has changed, the first", len(ids)):
            pull_screens(project, client, SCHEMA)
        with timed("pull when nothing has changed", len(ids)):
            pull_screens(project, client, SCHEMA)
        draft(project.catalog, ids[:changed], layout=("grid", 0.9))
        with timed("push after newer drafts", changed):
            print(push_all(project, client, SCHEMA).record())


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
    for some in chunks(ids, 500):
        with project.catalog.read() as session:
            images = images_by_id(session, some)
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
