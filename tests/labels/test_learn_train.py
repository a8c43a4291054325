"""From labels to drafts: heads, families, neighbours, and what counts in the end."""

import numpy as np
import pytest
import torch
from sqlalchemy import select

from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.label_tables import DraftModel
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.calibrate import Calibration
from lowdiff.labels.learn.brand_words import brands_say
from lowdiff.labels.learn.drafters import drafters
from lowdiff.labels.learn.examples import Table
from lowdiff.labels.learn.features import Builtin, features_batch
from lowdiff.labels.learn.redraft import merged, redraft
from lowdiff.labels.learn.statements import Statement, statements_of
from lowdiff.labels.learn.together import together
from lowdiff.labels.learn.train import newest_heads, train_heads
from tests.labels.forms import SCHEMA
from tests.labels.gallery import BARE, NOW, SHARE, Gallery, disc

torch.set_num_threads(1)
NOTHING = Calibration({})


@pytest.fixture
def gallery(catalog, store):
    return Gallery(catalog, store)


def describe(gallery):
    tools = {"catalog": gallery.catalog, "store": gallery.store, "extractor": Builtin()}
    features_batch(gallery.ids, **tools)


def train(gallery, **options):
    found = train_heads(
        gallery.catalog, gallery.store, SCHEMA, features="builtin", audit_share=SHARE,
        now=lambda: NOW, **options,
    )  # fmt: skip
    return {one.field: one for one in found}


def say(gallery):
    with gallery.catalog.read() as session:
        return drafters(
            session, gallery.store, SCHEMA, features="builtin", audit_share=SHARE
        )  # fmt: skip


def draft_anew(gallery, said):
    return redraft(
        gallery.catalog, said.statements, said.boxes, schema=SCHEMA, calibration=NOTHING,
        now=lambda: NOW,
    )  # fmt: skip


@pytest.fixture
def outlines(gallery):
    """Ninety discs, filled and as lines; a person has said of sixty which they are."""
    kinds = {}
    for number in range(90):
        outline = number % 2 == 1
        kinds[gallery.put(disc(number, outline=outline))] = "outline" if outline else "flat"
    describe(gallery)
    for image_id in gallery.ids[:60]:
        gallery.judge(image_id, style=kinds[image_id])
    return kinds


def test_styles_are_learned_and_drafted_where_nobody_has_said_them(gallery, outlines):
    heads = train(gallery)
    assert heads["style"].state == "trained"
    learned = [one for one in gallery.ids[:60] if not is_audit(one, SHARE)]
    assert heads["style"].labels == len(learned)
    assert heads["quality"].state == "waiting"
    assert "30 are needed" in heads["quality"].told
    report = draft_anew(gallery, say(gallery))
    with gallery.catalog.read() as session:
        labels = current_labels(session)
        digest = newest_heads(session)["style"].digest
    new = [labels[one]["style"] for one in gallery.ids[60:]]
    right = [label.value == outlines[i] for i, label in zip(gallery.ids[60:], new, strict=True)]
    assert sum(right) >= 29
    won = [label for label in new if label.origin == "model"]
    assert len(won) >= 25
    assert {label.actor for label in won} == {f"head-style/{digest[:8]}"}
    assert report.by_drafter[f"head-style/{digest[:8]}"] >= len(won)


def test_labels_of_audited_images_change_nothing_that_is_learned(gallery, outlines):
    audited = [one for one in gallery.ids[:60] if is_audit(one, SHARE)]
    assert len(audited) > 3
    before = train(gallery)["style"].metrics
    with gallery.catalog.read() as session:
        first = newest_heads(session)["style"].digest
    for image_id in audited:
        gallery.judge(image_id, style="photo")
    after = train(gallery, anew=True)["style"].metrics
    assert after == before
    with gallery.catalog.read() as session:
        assert newest_heads(session)["style"].digest == first
        assert len(session.scalars(select(DraftModel)).all()) == 1


def test_a_head_is_kept_until_a_quarter_more_labels_are_there(gallery, outlines):
    count = train(gallery)["style"].labels
    assert train(gallery)["style"].state == "kept"
    rest = [one for one in gallery.ids[60:] if not is_audit(one, SHARE)]
    few = int(count * 0.25) - 1
    for image_id in rest[:few]:
        gallery.judge(image_id, style=outlines[image_id])
    assert train(gallery)["style"].state == "kept"
    for image_id in rest[few : few + 3]:
        gallery.judge(image_id, style=outlines[image_id])
    found = train(gallery)["style"]
    assert (found.state, found.labels) == ("trained", count + few + 3)


def test_drafting_anew_twice_changes_nothing(gallery, outlines):
    train(gallery)
    assert draft_anew(gallery, say(gallery)).images == 90
    with gallery.catalog.read() as session:
        before = len(session.scalars(select(LabelEvent)).all())
    again = draft_anew(gallery, say(gallery))
    assert (again.images, again.labels) == (0, 0)
    with gallery.catalog.read() as session:
        assert len(session.scalars(select(LabelEvent)).all()) == before


def test_a_newer_version_that_says_the_same_is_no_event_of_its_own(gallery):
    one = gallery.put(disc(1, outline=True))
    for version, sure, new in (("a", 0.9, 1), ("b", 0.92, 0), ("c", 0.95, 1), ("d", 0.6, 1)):
        said = {one: {"style": [Statement("outline", sure, f"head-style/{version}")]}}
        report = redraft(gallery.catalog, said, {}, schema=SCHEMA, calibration=NOTHING)
        assert report.labels == new
        with gallery.catalog.read() as session:
            label = current_labels(session, [one])[one]["style"]
        assert abs(label.confidence - sure) < 0.03


def test_all_statements_are_kept_and_the_surest_comes_first(gallery):
    one = gallery.put(disc(1, outline=True))
    sure, unsure = Statement("outline", 0.9, "head-style/abc"), Statement("photo", 0.1, "head-x/1")
    with gallery.catalog.read() as session:
        payload = newest_payloads(session, "draft", [one])[one]
    after = merged(payload, {"style": [unsure, sure]}, [], SCHEMA, NOTHING)
    assert [said.by for said in statements_of(after)["style"]] == [
        "together/2", "head-style/abc", "usual/1", "head-x/1",
    ]  # fmt: skip
    assert after["fields"]["style"]["origin"] == "model"
    assert merged(after, {}, [], SCHEMA, NOTHING) == payload


def test_a_statement_that_does_not_fit_the_schema_is_left_out(gallery):
    wrong = Statement("cubist", 0.99, "head-style/abc")
    after = merged({}, {"style": [wrong], "no such field": [wrong]}, [], SCHEMA, NOTHING)
    assert after["fields"] == {}


def test_where_measuring_is_as_good_a_head_drafts_nothing(gallery):
    for number in range(60):
        gallery.put(disc(number, outline=number % 2 == 1))
    describe(gallery)
    for number, image_id in enumerate(gallery.ids):
        gallery.judge(image_id, background="plain" if number % 8 else "pattern")
    found = train(gallery)["background"]
    assert found.state == "beaten"
    assert found.metrics["measured_accuracy"] >= found.metrics["accuracy"]
    assert say(gallery).heads == []


def test_relatives_pass_on_what_they_share_and_nothing_else(gallery):
    said, twin, near, variant, stranger = (
        gallery.put(disc(number, outline=False)) for number in range(5)
    )
    keep = [said] if not is_audit(said, SHARE) else []
    gallery.relate(said, twin, "exact", 1.0)
    gallery.relate(said, near, "near", 0.9)
    gallery.relate(said, variant, "variant", 0.8)
    gallery.relate(said, stranger, "distinct", 1.0)
    gallery.judge(
        said, style="photo", transcription="SALE", quality="fair", caption="A sale, in red.",
        background="plain",
    )  # fmt: skip
    describe(gallery)
    found = {
        one: {name: ones[0] for name, ones in fields.items()}
        for one, fields in say(gallery).statements.items()
    }
    assert keep, "the first disc must not be an audited image"
    assert set(found[twin]) == {"style", "transcription", "quality", "caption", "background"}
    assert set(found[near]) == {"style", "quality", "background"}
    assert set(found[variant]) == {"style", "background", "caption"}
    assert found[variant]["caption"].value == "A sale."
    assert stranger not in found
    sure = [found[one]["style"].confidence for one in (twin, near, variant)]
    assert sure == sorted(sure, reverse=True)
    assert {found[one]["style"].origin for one in (twin, near, variant)} == {"propagated"}
    assert found[near]["style"].by == "family-near/2"


def test_an_audited_image_passes_nothing_on(gallery):
    number = 0
    while not is_audit(said := gallery.put(disc(number, outline=False)), SHARE):
        number += 1
    twin = gallery.put(disc(200, outline=True))
    gallery.relate(said, twin, "exact", 1.0)
    gallery.judge(said, style="photo")
    describe(gallery)
    assert twin not in say(gallery).statements


def test_families_that_disagree_make_later_drafts_less_sure(gallery):
    ids = [gallery.put(disc(number, outline=False)) for number in range(40)]
    ids = [one for one in ids if not is_audit(one, SHARE)][:24]
    for a, b in zip(ids[::2], ids[1::2], strict=True):
        gallery.relate(a, b, "variant", 1.0)
    describe(gallery)
    gallery.judge(ids[0], style="flat")
    before = say(gallery).statements[ids[1]]["style"][0].confidence
    for a, b in zip(ids[2::2], ids[3::2], strict=True):
        gallery.judge(a, style="flat")
        gallery.judge(b, style="photo")
    assert say(gallery).statements[ids[1]]["style"][0].confidence < before / 2


def test_a_subject_is_guessed_from_pictures_like_it_and_the_rest_of_the_caption_stays(gallery):
    ids = []
    for number in range(40):
        outline = number % 2 == 1
        tags = ("coin", "ring") if outline else ("ball", "toy")
        ids.append(gallery.put(disc(number, outline=outline), tags=tags))
    describe(gallery)
    for number, image_id in enumerate(ids[:36]):
        subject = "A ring" if number % 2 else "A ball"
        gallery.judge(image_id, caption=BARE.replace("A graphic", subject))
    said = say(gallery).statements
    for number, image_id in enumerate(ids[36:]):
        (one,) = said[image_id]["caption"]
        assert one.value == BARE.replace("A graphic", "A ring" if number % 2 else "A ball")
        assert one.by == "caption-neighbours/1"
        assert one.confidence <= 0.6
    draft_anew(gallery, say(gallery))
    with gallery.catalog.read() as session:
        assert current_labels(session, [ids[37]])[ids[37]]["caption"].value.startswith("A ring,")


def test_with_few_captions_nothing_is_guessed(gallery):
    for number in range(12):
        gallery.put(disc(number, outline=False))
    describe(gallery)
    for image_id in gallery.ids[:5]:
        gallery.judge(image_id, caption="A ball, small.")
    assert say(gallery).statements == {}


def test_drafters_that_agree_are_surer_together_and_less_sure_where_they_differ():
    pixels, head = Statement("plain", 0.8, "pixels/2"), Statement("plain", 0.7, "head-background/1")
    other = Statement("photo", 0.9, "family-near/2")
    agreed, outvoted = together([pixels, head]), together([pixels, head, other])
    assert agreed is not None
    assert outvoted is not None
    assert (agreed.value, agreed.by, agreed.origin) == ("plain", "together/2", "model")
    assert agreed.confidence > 0.8
    assert outvoted.confidence < agreed.confidence
    assert together([pixels, other, other]).value == "photo"
    assert together([pixels, Statement("photo", 0.4, "usual/1")]) is None
    pairs = ((["red", "white"], "a/1"), (["white", "red"], "b/1"))
    red = [Statement(value, 0.9, by) for value, by in pairs]
    assert together(red).confidence > 0.9


def test_what_several_drafters_say_together_counts():
    payload = {"candidates": {
        "background": [Statement("plain", 0.6, "pixels/2").record()],
        "quality": [Statement("good", 0.5, "usual/1").record()],
    }}  # fmt: skip
    said = {"background": [Statement("plain", 0.7, "head-background/1")]}
    after = merged(payload, said, (), SCHEMA, NOTHING)
    assert after["fields"]["background"]["by"] == "together/2"
    assert [one["by"] for one in after["candidates"]["background"]] == [
        "together/2", "head-background/1", "pixels/2",
    ]  # fmt: skip
    assert after["fields"]["quality"]["by"] == "usual/1"
    assert merged(after, said, (), SCHEMA, NOTHING) == after


def test_a_brand_that_people_have_named_is_read_in_other_pictures(gallery):
    ids = [gallery.put(disc(number, outline=False)) for number in range(24)]
    known = [one for one in ids if not is_audit(one, SHARE)][:14]
    texts = dict.fromkeys(ids, "Nothing at all") | {ids[-1]: "BUY\nOkapi-Tea now"}
    for one in known[:10]:
        texts[one] = "okapi tea"
        gallery.judge(one, logo="present", brand="Okapi Tea")
    for one in known[10:]:
        texts[one] = "the okapi"
        gallery.judge(one, logo="none")
    drafts = [
        {"fields": {"transcription": Statement(texts[one], 0.9, "ocr-words/2").record()}}
        for one in ids
    ]
    table = Table(ids, np.zeros((len(ids), 1), np.float32), ids, drafts)
    with gallery.catalog.read() as session:
        said = brands_say(session, table, audit_share=SHARE)
    assert set(said) == {*known[:10], ids[-1]}
    (brand,), (logo,) = said[ids[-1]]["brand"], said[ids[-1]]["logo"]
    assert (brand.value, logo.value) == ("Okapi Tea", "present")
    assert 0.8 < brand.confidence < 0.9


def test_a_variant_guesses_what_is_shown_but_not_its_words(gallery):
    one, other = (gallery.put(disc(number, outline=False)) for number in (1, 2))
    gallery.relate(one, other, "variant", 1.0)
    while is_audit(one, SHARE):
        one, other = other, one
        assert not is_audit(one, SHARE), "both are audited: take other discs"
    gallery.judge(one, caption='A ball, with the words "SALE".', transcription="SALE")
    describe(gallery)
    said = say(gallery).statements[other]
    assert [found.value for found in said["caption"]] == ["A ball."]
    assert "transcription" not in said
