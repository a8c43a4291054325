"""The whole road in a tiny form, then an annotator, then a retraining."""

import json
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from PIL import Image as Pixels
from sqlalchemy import select

from lowdiff.catalog import open_catalog
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import LabelTask, Run
from lowdiff.datasets.diff import diff_versions
from lowdiff.datasets.read import Version, open_version
from lowdiff.workspace import Workspace
from tests.conftest import LabelStudioServer
from tests.e2e.conftest import COUNT, TINY
from tests.e2e.road import Person, facts

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


def version(person: Person, number: int):
    return open_version(person.workspace / "datasets" / "brand" / f"v{number:04d}")


def test_the_demo_leads_from_images_to_a_report(demo: Person):
    status = demo.told("status")[0]
    assert status["images"] == COUNT
    assert status["runs"] == {"unet done": 1, "vae done": 1}
    assert {name: row["images"] for name, row in status["sources"].items()} == {
        "openmoji-gallery": 26,
        "openmoji-own": 34,
    }
    page = (demo.workspace / "report.html").read_text(encoding="utf-8")
    assert "OpenMoji" in page
    assert "CC-BY-SA-4.0" in page
    assert "http://" not in page.split("<body", 1)[0]


def test_every_image_has_its_papers_its_text_and_a_draft(demo: Person):
    found = facts(demo.workspace)
    images = {row[0] for row in found["images"]}
    for stage in ("ocr", "draft", "label_push"):
        done = {row[2] for row in found["artifacts"] if row[0] == stage and row[3] == "ok"}
        assert done == images, stage
    assert {row[1] for row in found["sightings"]} == images
    assert all(title or alt for _, _, title, alt in found["sightings"])


def test_pandas_and_datasets_read_the_version(demo: Person):
    import datasets

    opened = version(demo, 1)
    folder = opened.folder
    table = pd.concat(pd.read_parquet(path) for path in sorted(folder.glob("data/*.parquet")))
    twins = {one["image_id"] for one in opened.manifest["left_out"]}
    assert sorted([*table["image_id"], *twins]) == [
        row[0] for row in facts(demo.workspace)["images"]
    ]
    assert set(table["licence"]) == {"CC-BY-SA-4.0"}
    assert set(table["caption_origin"]) == {"rule"}
    assert table["caption"].str.len().min() > 10
    loaded = datasets.load_dataset(
        str(folder), split="train", cache_dir=str(demo.workspace / "cache" / "hf")
    )
    assert loaded[0]["image"].size == (256, 256)


def test_the_flows_are_seen_in_prefect(demo: Person, prefect_api: str):
    runs = httpx.post(f"{prefect_api}/flow_runs/filter", json={"limit": 200}).json()
    assert len(runs) >= 12
    assert {run["state_type"] for run in runs} == {"COMPLETED"}
    artifacts = httpx.post(f"{prefect_api}/artifacts/filter", json={"limit": 200}).json()
    assert {"progress", "table"} <= {artifact["type"] for artifact in artifacts}
    assert "report" in {artifact["key"] for artifact in artifacts}


def test_walking_again_does_nothing_twice(demo: Person):
    before = facts(demo.workspace)
    demo.run("demo", "--count", str(COUNT), *TINY)
    assert facts(demo.workspace) == before


def test_the_model_draws_and_the_picture_names_its_origin(demo: Person):
    told = demo.told("generate", "a raccoon", "--count", "2", "--steps", "2")
    paths = [Path(record["file"]) for record in told]
    assert len(paths) == 2
    with Pixels.open(paths[0]) as picture:
        said = dict(picture.info)
    assert "a raccoon" in json.dumps(said)
    run = next(run for run, _ in facts(demo.workspace)["runs"] if run.startswith("unet"))
    assert run in json.dumps(said)


def without_twins(opened: Version) -> list[str]:
    """Images that stand for no other: what is said of them changes them alone."""
    others = {one["twin_of"] for one in opened.manifest["left_out"]}
    ids = [one for split in opened.splits for one in opened.read(split, ["image_id"])["image_id"]]
    return [one for one in ids if one not in others]


class Annotator:
    """Somebody who works through Label Studio's API."""

    def __init__(self, server: LabelStudioServer, folder: Path) -> None:
        self.web = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Token {server.token}"}, timeout=60
        )
        catalog = open_catalog(Workspace(folder))
        with catalog.read() as session:
            rows = session.scalars(select(LabelTask).order_by(LabelTask.image_id))
            self.tasks = {  # of the form; doubtful text has tasks of its own
                row.image_id: row.task_id for row in rows if ", text)" not in row.project_key
            }
        catalog.close()

    def __enter__(self) -> "Annotator":
        return self

    def __exit__(self, *_error: object) -> None:
        self.web.close()

    def submit(self, image_id: str, change: dict[str, Any]) -> None:
        """Take the draft, change some fields, press Submit."""
        task = self.web.get(f"/api/tasks/{self.tasks[image_id]}/").json()
        result = [
            item for item in task["predictions"][0]["result"] if item["from_name"] not in change
        ]
        for name, value in change.items():
            kind = "textarea" if isinstance(value, str) else "choices"
            said = {"text": [value]} if isinstance(value, str) else {"choices": value}
            result.append({"from_name": name, "to_name": "image", "type": kind, "value": said})
        answer = self.web.post(
            f"/api/tasks/{self.tasks[image_id]}/annotations/",
            json={"result": result, "lead_time": 4.5},
        )
        assert answer.status_code == 201, answer.text


def test_retraining_picks_up_exactly_what_the_annotator_said(
    demo: Person, label_studio: LabelStudioServer
):
    with Annotator(label_studio, demo.workspace) as annotator:
        first, second, third, rejected = without_twins(version(demo, 1))[:4]
        captions = {
            first: "A red wheel, drawn by hand.",
            second: "Two <b>bold</b> birds, on white.",
            third: "Ein Bär, mit Umlaut.",
        }
        for image_id, caption in captions.items():
            annotator.submit(image_id, {"caption": caption})
        annotator.submit(rejected, {"flags": ["unusable"]})

    said = demo.run("retrain", *TINY).stderr
    assert "4 annotations" in said
    assert "verdict" in said

    diff = diff_versions(version(demo, 1), version(demo, 2))
    assert diff.removed == [rejected]
    assert diff.added == []
    assert {
        change.image_id: change.new for change in diff.changed if change.column == "caption"
    } == captions
    assert all(change.by_human for change in diff.changed)
    assert {change.image_id for change in diff.changed} == set(captions)
    catalog = open_catalog(Workspace(demo.workspace))
    with catalog.read() as session:
        labels = current_labels(session)
        assert labels[first]["caption"].origin == "human"
        assert labels[first]["caption"].actor == label_studio.username
        runs = {run.id: run for run in session.scalars(select(Run))}
    catalog.close()
    children = [run for run in runs.values() if run.parent_run_id]
    assert len(children) == 1
    parent = runs[children[0].parent_run_id]
    assert parent.kind == "unet"
    assert children[0].vae_run_id == parent.vae_run_id
    assert children[0].dataset_digest == version(demo, 2).digest

    before = facts(demo.workspace)
    assert "nothing to train" in demo.run("retrain", *TINY).stderr
    assert facts(demo.workspace) == before
    page = (demo.workspace / "report.html").read_text(encoding="utf-8")
    assert "<b>bold</b>" not in page
