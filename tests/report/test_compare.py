import json
import shutil
from pathlib import Path

import pytest

from lowdiff.datasets.read import open_version
from lowdiff.report.compare import Compared, Comparison, make_comparison, write_comparison
from lowdiff.report.run_folder import read_json
from tests.report.conftest import Page, read_page
from tests.report.workspace import Small, evaluation_record

NASTY = '<script>alert("prompt")</script>'


def measured(run: Path, *, mind: float, top10: float, ids: list[str]) -> Compared:
    """A run with the evaluation that is told of it."""
    record = evaluation_record(run.name) | {"image_px": 64}
    space = {"mind": mind, "features": "eye 1", "floor": {"mind": 4.0}, "ceiling": {"mind": 90.0}}
    record["distribution"] = {"n": 64, "self": space}
    record["retrieval"] |= {"top10": top10, "top10_interval": [top10 - 0.1, top10 + 0.1]}
    record["settings"] = {"sampler": "heun", "steps": 12, "guidance": 2.0}
    generated = read_json(run / "evaluation.json")["generated"]
    record["generated"] = [
        row | {"image_id": image_id, "rank": 3.0}
        for row, image_id in zip(generated, ids, strict=False)
    ]
    return Compared(run, record)


@pytest.fixture
def comparison(small: Small) -> Comparison:
    small.add_images(24).add_drafts()
    digest = small.export()
    first = small.train("unet", digest, vae=small.train("vae", digest).name)
    small.evaluate(first, prompt=NASTY)
    second = first.with_name("unet-0123456789ab")
    shutil.copytree(first, second)
    config = read_json(second / "config.json") | {"objective": "story", "seed": 7}
    (second / "config.json").write_text(json.dumps(config))
    folder = next((small.workspace.root / "datasets").glob("brand/*"))
    version = open_version(folder)
    ids = version.read("train", ["image_id"])["image_id"].tolist()
    runs = [
        measured(first, mind=8.0, top10=0.7, ids=ids),
        measured(second, mind=16.0, top10=0.66, ids=ids),
    ]
    return make_comparison(runs, version)


def marks(comparison: Comparison, path: str) -> list[str]:
    row = next(row for row in comparison.rows if row.metric.path == path)
    return [cell.mark for cell in row.cells]


def test_the_clearly_better_run_is_marked_and_what_chance_explains_is_a_tie(comparison):
    assert marks(comparison, "distribution.self.mind") == ["best", "worse"]
    assert marks(comparison, "retrieval.top10") == ["tie", "tie"]
    assert marks(comparison, "reconstruction.psnr_db") == ["tie", "tie"]
    row = next(row for row in comparison.rows if row.metric.path == "distribution.self.mind")
    assert (row.worst, row.best, row.images) == (90.0, 4.0, 64)


def test_what_differs_between_the_runs_is_told(comparison):
    differ = {name for name, _, differs in comparison.facts if differs}
    assert differ == {"objective", "seed"}


def test_the_same_prompt_stands_beside_its_real_image_and_every_drawing(comparison):
    assert comparison.shown
    for one in comparison.shown:
        assert one.real is not None
        assert len([picture for picture in one.drawn if picture]) == 2
        assert one.notes[0].startswith("own prompt: place 3")


def test_the_page_loads_and_runs_nothing(comparison, tmp_path):
    write_comparison(tmp_path / "compare.html", comparison)
    page: Page = read_page(tmp_path / "compare.html")
    assert page.tree.css_first("script, iframe, object, embed, form") is None
    assert NASTY not in page.text
    for image in page.tree.css("img"):
        assert (image.attributes["src"] or "").startswith("data:")
    assert "tie" in page.section("figures")
    assert "unet-0123456789ab" in page.section("runs")


def test_plain_values_name_the_best(comparison):
    told = comparison.as_dict()
    figures = told["figures"]["distribution.self.mind"]
    assert figures[told["runs"][0]]["mark"] == "best"
    assert json.loads(json.dumps(told))["dataset"] == "brand@1"
