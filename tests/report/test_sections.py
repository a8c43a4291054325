import json
from pathlib import Path

import pytest
from PIL import Image

from lowdiff.catalog.duplicates import Edge, keep_edges
from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.dedupe.overrule import overrule
from lowdiff.report.gather import gather_report
from lowdiff.report.run_folder import flat_settings, read_json, read_points, sample_files
from lowdiff.report.sections.corpus import Licence, gather_corpus
from lowdiff.report.sections.labels import gather_labels
from lowdiff.report.sections.scores import score_groups
from tests.report.conftest import Page, inputs_of
from tests.report.workspace import NOW, Small, evaluation_record


@pytest.fixture(scope="module")
def report(whole: Small):
    return gather_report(inputs_of(whole), made_at=NOW)


def test_every_image_counts_once_for_every_field(report):
    for field in report.labels.fields:
        assert field.people + field.machine + field.open + field.idle == report.labels.images


def test_people_and_machines_are_never_counted_for_the_same_image(report):
    labels = report.labels
    assert labels.by_people == 2
    assert labels.by_people + labels.by_machine <= labels.images - labels.undrafted


def test_a_persons_word_takes_a_draft_out_of_the_machines_share(small: Small):
    small.add_images(12).add_drafts()
    before = gather_labels(inputs_of(small), today=NOW.date()).fields[0]
    small.say(0, "caption", "A red ball.")
    after = gather_labels(inputs_of(small), today=NOW.date()).fields[0]
    assert after.people == before.people + 1
    assert after.machine + after.open == before.machine + before.open - 1
    assert sum(after.confidences) == sum(before.confidences) - 1


def test_a_choice_that_nobody_made_is_told_too(report):
    background = next(field for field in report.labels.fields if field.name == "background")
    assert dict(background.values)["photo"] == 0
    assert sum(number for _, number in background.values) == 48


def test_the_corpus_counts_files_sources_refusals_and_twins(report):
    corpus = report.corpus
    assert corpus.images == 49
    assert sum(source.images for source in corpus.sources) == 49
    assert sum(licence.images for licence in corpus.licences) == 49
    assert sum(number for _, number in corpus.formats) == 49
    vector = dict(corpus.formats)["svg"]
    assert sum(number for _, number in corpus.sides) == 49 - vector
    assert {group.reason: group.number for group in corpus.refused} == {
        "broken_image": 1,
        "not_an_image": 1,
    }
    assert (corpus.families, corpus.in_families) == (1, 2)
    assert [len(group) for group in corpus.twins] == [2]
    assert dict(corpus.edges) == {"exact": 1}
    assert corpus.largest_family == 2


def test_near_twins_are_shown_side_by_side_as_a_person_sees_them(small: Small):
    small.add_images(4)
    a, b, c, d = sorted(small.ids)
    with small.catalog.write() as session:
        keep_edges(session, [Edge(a, b, "near", 0.97, "test/1")], now=NOW)
        keep_edges(session, [Edge(c, d, "near", 0.99, "test/1")], now=NOW)
    overrule(small.catalog, c, d, "distinct", by="ann@example.org")
    corpus = gather_corpus(inputs_of(small))
    assert [(x.image_id, y.image_id, score) for x, y, score in corpus.near] == [(a, b, 0.97)]
    assert dict(corpus.edges) == {"near": 1}
    assert corpus.largest_family == 2


def test_readings_are_sorted_from_sure_to_unsure_and_none_is_shown_twice(report):
    ocr = report.ocr
    assert ocr.with_text == sum(ocr.confidences) == 8
    assert max(r.confidence for r in ocr.hardest) <= min(r.confidence for r in ocr.easiest)
    shown = [(reading.title, reading.text) for reading in (*ocr.hardest, *ocr.easiest)]
    assert len(shown) == len(set(shown)) == 8
    hardest = ocr.hardest[0]
    assert [word.text for word in hardest.doubts] == hardest.text.split()
    assert ocr.easiest[0].doubts == ()


def test_each_source_says_how_surely_its_images_were_read(report):
    ocr = report.ocr
    assert sum(source.with_text for source in ocr.sources) == ocr.with_text == ocr.words
    assert [source.confidence for source in ocr.sources] == sorted(
        source.confidence for source in ocr.sources
    )
    sure = sum(source.sure_share * source.with_text for source in ocr.sources)
    assert ocr.sure_share == pytest.approx(sure / ocr.words)
    assert 0 < ocr.needs_review == sum(source.needs_review for source in ocr.sources) < 8


def test_boxes_lie_where_the_document_says(report):
    box = report.ocr.easiest[0].boxes[0]
    assert (box.left, box.top, box.width, box.height) == (18.75, 40.625, 62.5, 20.3125)


def test_the_dataset_tells_what_a_person_changed_since_its_parent(report):
    newest = report.dataset.newest
    assert newest.row.label == "brand v2"
    assert sum(number for _, number in newest.splits) == newest.row.images
    assert newest.difference.parent == "brand v1"
    assert newest.difference.by_human >= 1
    assert newest.difference.examples[0].new.startswith("A red ball")


def test_the_vae_that_is_shown_is_the_one_that_the_unet_draws_with(small: Small):
    small.add_images(24).add_drafts()
    digest = small.export()
    vae = small.train("vae", digest)
    small.train("unet", digest, vae=vae.name)
    small.say(0, "caption", "A red ball.")
    small.train("vae", small.export())
    training = gather_report(inputs_of(small), made_at=NOW).training
    assert training.vae.id == vae.name
    assert len(training.runs) == 3


def test_a_run_that_is_still_going_on_is_shown_with_what_it_has(small: Small, page_of):
    small.add_images(24).add_drafts()
    digest = small.export()
    folder = small.train("vae", digest, done=False)
    metrics = folder / "metrics.jsonl"
    metrics.write_text(metrics.read_text()[:-30])  # killed in the middle of a line
    page = page_of(small)
    assert "running at step 1,450" in page.section("training")
    for path in folder.rglob("*.*"):
        path.unlink()
    assert "has no figures yet" in page_of(small).section("training")


def test_points_are_read_by_step_and_the_later_word_counts(tmp_path: Path):
    lines = [
        '{"step": 1, "loss": 3.0}',
        '{"step": 2, "loss": NaN}',
        '{"step": 2, "loss": 2.0, "val_loss": 2.5}',
        '[1, 2]',
        '{"loss": 1.0}',
        '{"step": 3, "loss": 1.',
    ]  # fmt: skip
    path = tmp_path / "metrics.jsonl"
    path.write_text("\n".join(lines))
    points = read_points(path)
    assert [(p.step, p.loss, p.val_loss) for p in points] == [(1, 3.0, None), (2, 2.0, 2.5)]
    assert read_points(tmp_path / "nothing") == ()


def test_a_damaged_json_file_is_as_good_as_none(tmp_path: Path):
    (tmp_path / "a.json").write_text('{"a": 1')
    (tmp_path / "b.json").write_text("[1]")
    assert [read_json(tmp_path / name) for name in ("a.json", "b.json", "c.json")] == [{}, {}, {}]


def test_samples_are_in_the_order_of_their_steps_and_strangers_are_left_out(tmp_path: Path):
    (tmp_path / "samples").mkdir()
    for name in ("step_1000.png", "step_000500.png", "notes.txt", ".step_000700.png.tmp"):
        (tmp_path / "samples" / name).touch()
    assert [step for step, _ in sample_files(tmp_path)] == [500, 1000]


def test_nested_settings_become_rows_with_dots():
    rows = flat_settings({"b": {"y": [1, 2], "x": 0.0004}, "a": None, "c": "demo"})
    assert rows == (("b.x", "0.0004"), ("b.y", "1 × 2"), ("c", "demo"))


def test_every_score_stands_between_its_worst_and_its_best():
    groups = {group.title: group for group in score_groups(evaluation_record("unet-1"))}
    assert len(groups) == 4
    top1 = groups["Does it draw what was asked for?"].scores[0]
    assert (top1.worst, top1.value, top1.best) == (0.0156, 0.31, 0.55)
    mind = groups["Is it the same family?"].scores[0]
    assert (mind.worst, mind.value, mind.best) == (88.0, 9.4, 3.9)
    assert groups["Is it the same family?"].worst_is == "random pixels"


def test_both_feature_spaces_and_every_label_have_their_scores():
    ends = {"mind": 3.0, "kid": 0.1, "coverage": 0.2}
    space = {
        "mind": 9.0, "mind_interval": [8.0, 10.0], "kid": 0.5, "coverage": 0.6,
        "floor": ends | {"what": "real"}, "ceiling": ends | {"coverage": 0.9, "what": "noise"},
    }  # fmt: skip
    field = {"accuracy": 0.6, "n": 60, "floor": {"accuracy": 0.4}, "ceiling": {"accuracy": 0.8}}
    record = {
        "distribution": {"n": 64, "self": space, "random": space},
        "labels": {"n": 60, "fields": {"figure_count": field}},
    }
    own, random, labels = score_groups(record)
    assert (own.title, own.images, own.worst_is) == ("Is it the same family?", 64, "noise")
    assert random.title == "The same, by random features"
    mind, _, coverage = own.scores
    assert (mind.best, mind.between) == (3.0, (8.0, 10.0))
    assert (coverage.worst, coverage.best) == (0.2, 0.9)
    assert [(score.name, score.best) for score in labels.scores] == [("figure count", 0.8)]


def test_prompts_that_work_stand_apart_from_those_that_do_not(small: Small, page_of):
    small.add_images(24).add_drafts()
    digest = small.export()
    unet = small.train("unet", digest, vae=small.train("vae", digest).name)
    small.evaluate(unet)
    record = read_json(unet / "evaluation.json")
    for index, row in enumerate(record["generated"]):
        row["rank"] = 1.0 + 4 * index
    (unet / "evaluation.json").write_text(json.dumps(record))
    told = page_of(small).section("evaluation")
    good, bad = told.split("Prompts that do not work yet")
    assert (good.count("place "), bad.count("place ")) == (1 + 3, 23)  # three in the explanation
    assert bad.index("place 93") < bad.index("place 13")  # the worst first


def test_an_evaluation_may_lack_any_of_its_parts():
    record = evaluation_record("unet-1")
    for part in list(record):
        del record[part]
        assert len(list(score_groups(record))) <= 4
    strange = {"retrieval": None, "copies": [], "reconstruction": {"psnr_db": "much"}}
    assert list(score_groups(strange)) == []


def test_an_evaluation_shows_no_file_from_outside_its_run(small: Small, page_of, tmp_path: Path):
    small.add_images(24).add_drafts()
    digest = small.export()
    vae = small.train("vae", digest)
    unet = small.train("unet", digest, vae=vae.name)
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    rows = [{"prompt": "a secret", "file": name} for name in ("../../../secret.png", "no.png", 7)]
    (unet / "evaluation.json").write_text(json.dumps({"generated": rows}))
    assert "a secret" not in page_of(small).section("evaluation")


def test_the_nearest_training_image_stands_beside_each_drawing(page: Page):
    drawn = page.tree.css("section#evaluation .pair:not(.even)")
    assert len(drawn) == 24
    assert all(len(pair.css("img")) == 2 for pair in drawn)
    assert page.section("evaluation").count("a copy") == 2  # the explanation, and the copy itself


def test_until_the_unet_is_measured_the_vae_is_told_of(small: Small, page_of):
    small.add_images(24).add_drafts()
    vae = small.train("vae", small.export())
    small.evaluate(vae)
    page = page_of(small)
    assert "Only the VAE has been measured yet" in page.section("evaluation")
    assert "lowdiff train unet" in page.section("top")


@pytest.mark.parametrize(
    ("spdx", "address"),
    [
        ("CC-BY-SA-4.0", "https://spdx.org/licenses/CC-BY-SA-4.0.html"),
        ("LicenseRef-brand", None),
        (UNKNOWN_LICENCE, None),
        ('"><script>', None),
        ("javascript:alert(1)", None),
    ],
)
def test_only_a_licence_of_the_list_becomes_a_link(spdx, address):
    assert Licence(spdx, "", 1).address == address
