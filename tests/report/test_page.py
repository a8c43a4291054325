import json
import re
import subprocess
import sys

import pytest

from lowdiff.errors import ServiceError
from tests.report.conftest import Page, read_page, write
from tests.report.workspace import Small, whole_road

NASTY = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
SECTIONS = ["corpus", "ocr", "labels", "dataset", "training", "evaluation", "provenance"]


def addresses(page: Page) -> list[tuple[str, str, str]]:
    """(tag, attribute, value) of everything that could make a browser fetch."""
    names = ("src", "href", "srcset", "data", "poster", "action", "background", "xlink:href")
    return [
        (node.tag, name, value or "")
        for node in page.tree.css("*")
        for name, value in node.attributes.items()
        if name in names
    ]


def test_the_page_fetches_nothing(page: Page):
    for tag, name, value in addresses(page):
        is_link = tag == "a" and name == "href" and value.startswith("https://spdx.org/licenses/")
        assert is_link or value.startswith(("#", "data:")), (tag, name, value)
    assert not re.search(r"@import|url\((?!#)", page.text)
    policy = page.tree.css_first('meta[http-equiv="Content-Security-Policy"]')
    assert policy.attributes["content"].startswith("default-src 'none'")


def test_the_page_runs_nothing(page: Page):
    assert page.tree.css_first("script, iframe, object, embed, form") is None
    for node in page.tree.css("*"):
        assert not [name for name in node.attributes if name.startswith("on")]


def test_the_page_is_small_enough_to_be_sent_by_mail(page: Page):
    assert page.path.stat().st_size < 15_000_000


def test_every_picture_says_what_it_shows(page: Page):
    pictures = page.tree.css("img")
    assert len(pictures) > 80
    assert all(picture.attributes.get("alt") for picture in pictures)


def test_no_id_is_there_twice(page: Page):
    ids = [node.attributes["id"] for node in page.tree.css("[id]")]
    assert len(ids) == len(set(ids))


def test_every_section_is_there_and_the_navigation_leads_to_it(page: Page):
    targets = [link.attributes["href"] for link in page.tree.css("nav a")]
    assert targets == [f"#{name}" for name in SECTIONS]
    assert all(page.tree.css_first(f"section{target}") for target in targets)


def test_the_same_workspace_gives_the_same_bytes(whole: Small, page: Page, tmp_path):
    again = write(whole, out=tmp_path / "again.html")
    assert again.read_text(encoding="utf-8") == page.text


def test_the_first_thing_to_see_is_what_the_model_draws(page: Page):
    top = page.tree.css_first("section#top")
    assert len(top.css("img")) == 21
    assert page.section("top").startswith("brand A model of your own, trained on")


def test_markup_in_titles_captions_and_prompts_stays_text(small: Small, page_of):
    small.add_images(12, title=NASTY).add_ocr().add_drafts()
    small.say(0, "caption", NASTY).say(1, "transcription", NASTY)
    small.export()
    for index in range(2, 6):
        small.say(index, "caption", NASTY)
    digest = small.export()
    vae = small.train("vae", digest)
    unet = small.train("unet", digest, vae=vae.name)
    small.add_images(12)
    small.evaluate(unet, prompt=NASTY)
    page = page_of(small)
    test_the_page_runs_nothing(page)
    test_the_page_fetches_nothing(page)
    assert "<script" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    for name in ("top", "labels", "dataset", "evaluation"):
        assert "<script>alert(1)</script>" in page.section(name)
    alts = {picture.attributes["alt"] for picture in page.tree.css("img")}
    assert NASTY in alts


def test_an_empty_workspace_has_a_page_that_says_where_to_begin(small: Small, page_of):
    page = page_of(small)
    assert "This project is empty" in page.section("top")
    assert "lowdiff demo" in page.section("top")
    says = {
        "corpus": "There are no images yet. Run lowdiff ingest .",
        "ocr": "No image has been read yet. Run lowdiff ocr .",
        "labels": "Nothing is said about the images yet. Run lowdiff draft .",
        "dataset": "There is no dataset version yet. Run lowdiff export .",
        "training": "No VAE has been trained yet. Run lowdiff train vae .",
        "evaluation": "There is no model to measure yet. Run lowdiff train unet .",
        "provenance": "Nothing was timed yet. Run lowdiff demo",
    }
    assert list(says) == SECTIONS
    for name, sentence in says.items():
        assert sentence in page.section(name)


def test_there_is_a_page_at_every_stage_of_the_road(small: Small, page_of):
    small.add_images(24)
    assert "Read the text in 24 images: lowdiff ocr" in page_of(small).section("top")
    small.add_ocr()
    assert "Draft labels for 24 images: lowdiff draft" in page_of(small).section("top")
    small.add_drafts()
    assert "lowdiff export" in page_of(small).section("top")
    digest = small.export()
    assert "lowdiff train vae" in page_of(small).section("top")
    vae = small.train("vae", digest)
    assert "lowdiff train unet" in page_of(small).section("top")
    unet = small.train("unet", digest, vae=vae.name)
    before = page_of(small)
    assert "lowdiff evaluate" in before.section("top")
    assert "has not been measured yet" in before.section("evaluation")
    assert before.tree.css_first("section#top img") is not None  # the newest sample sheet
    small.evaluate(unet)
    page = page_of(small)
    assert "lowdiff generate 'A red circle'" in page.section("top")
    assert "lowdiff retrain" in page.section("top")


def test_a_lost_original_costs_its_picture_and_not_the_page(small: Small, page_of):
    whole_road(small)
    pictures = len(page_of(small).tree.css("section#corpus .wall img"))
    lost = next((small.workspace.root / "images").rglob(f"{small.ids[3]}.*"))
    lost.unlink()
    assert len(page_of(small).tree.css("section#corpus .wall img")) == pictures - 1


def test_a_damaged_dataset_is_told_and_not_an_error(small: Small, page_of):
    small.add_images(24).add_drafts()
    small.export()
    (small.workspace.datasets / "brand" / "v0001" / "manifest.json").unlink()
    assert "has no manifest.json" in page_of(small).section("dataset")


def test_the_times_of_a_flow_are_shown_in_their_order(small: Small):
    (small.workspace.root / "timings.json").write_text('{"ingest": 61.0, "ocr": 200.4}')
    assert "ingest 1 min 01 s ocr 3 min 20 s" in read_page(write(small)).section("provenance")
    given = read_page(write(small, timings={"export": 5.0}))
    assert "export 5.0 s" in given.section("provenance")
    assert "ingest" not in given.section("provenance").split("Times")[1].split("Versions")[0]


def test_a_page_that_cannot_be_written_is_one_clear_sentence(small: Small, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServiceError, match="cannot be written"):
        write(small, out=tmp_path / "file" / "report.html")


def test_the_command_prints_the_path_of_the_page(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "lowdiff.cli.app", "-w", str(tmp_path / "data"), "report", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ran.stdout)
    assert told["report"] == str(tmp_path / "data" / "report.html")
    assert (tmp_path / "data" / "report.html").stat().st_size == told["bytes"]
