"""Which labels count, and what a person still has to see."""

import hashlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.catalog.label_tables import AcceptanceDecision
from lowdiff.catalog.labels import Label, append_events
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.policy import (
    Policy,
    Rule,
    by_confidence,
    counts,
    open_fields,
    read_policy,
    resolve,
)
from lowdiff.labels.progress.tally import count_labels
from tests.labels.corpus import DRAFTED, SEEN_AT, add_drafted
from tests.labels.forms import SCHEMA, value_of

shares = st.floats(0, 1)


def rule(field: str, family: str, threshold: float) -> tuple[tuple[str, str], Rule]:
    return (field, family), Rule(field, family, threshold, 300, 0, 0.015, 0.02)


AUDITED = Policy(
    "audited",
    rules=dict(
        [
            rule("background", "background-pixels", 0.8),
            rule("transcription", "tesseract", 0.5),
            rule("caption", "caption-template", 0.0),
        ]
    ),
)


def said(value, by="ana@brand.org", confidence=None) -> Label:
    origin = "human" if confidence is None else "rule"
    return Label(value, origin, by, confidence, "2.0", SEEN_AT)


@st.composite
def labels_of(draw):
    found = {}
    for field in SCHEMA.fields:
        if draw(st.booleans()):
            origin = draw(st.sampled_from(["human", "rule", "model"]))
            confidence = None if origin == "human" else draw(shares)
            value = draw(value_of(field))
            found[field.name] = Label(value, origin, "x/1", confidence, "1.0", SEEN_AT)
    return found


def counted(labels, policy):
    return {n: label for n, label in labels.items() if counts(SCHEMA.field(n), label, policy)}


@given(labels_of(), shares, shares)
def test_asking_for_more_confidence_never_accepts_more(labels, one, other):
    strict, easy = by_confidence(max(one, other)), by_confidence(min(one, other))
    assert counted(labels, strict).keys() <= counted(labels, easy).keys()


@given(labels_of(), shares)
def test_an_image_is_in_when_its_caption_counts_and_no_flag_keeps_it_out(labels, least):
    found = resolve(labels, SCHEMA, by_confidence(least))
    sure = counted(labels, by_confidence(least))
    is_out = "caption" not in sure or ("flags" in sure and "unusable" in sure["flags"].value)
    assert found == (None if is_out else sure)


@given(labels_of())
def test_without_a_decision_only_people_count(labels):
    assert set(counted(labels, Policy("audited"))) == {n for n, x in labels.items() if x.is_human}


def test_boxes_are_no_field_of_a_dataset():
    labels = {"caption": said("A disc."), "boxes": said([])}
    assert list(resolve(labels, SCHEMA, by_confidence(0.5)) or ()) == ["caption"]


@pytest.mark.parametrize(
    ("value", "by", "confidence", "expected"),
    [
        ("plain", "background-pixels/1", 0.8, True),
        ("plain", "background-pixels/2", 0.95, True),
        ("plain", "background-pixels/1", 0.79, False),
        ("plain", "background-head/1", 0.99, False),
        ("plain", "background-pixels-2/1", 0.99, False),
    ],
)
def test_a_decision_holds_for_its_drafter_from_its_confidence_on(value, by, confidence, expected):
    assert counts(SCHEMA.field("background"), said(value, by, confidence), AUDITED) is expected


def test_free_text_needs_a_person_or_the_source_whatever_was_decided():
    caption, words = SCHEMA.field("caption"), SCHEMA.field("transcription")
    assert not counts(caption, said("A disc.", "caption-template/1", 1.0), AUDITED)
    assert not counts(caption, said("", "caption-template/1", 1.0), AUDITED)
    assert not counts(words, said("SALE", "tesseract/1", 1.0), AUDITED)
    assert counts(words, said("", "tesseract/1", 0.6), AUDITED)  # that there is none
    assert counts(caption, said("A disc.", "source-alt-text/1", 0.2), AUDITED)


@pytest.mark.parametrize(
    ("caption", "background", "told"),
    [
        ("A disc, in vivid red.", said("plain", "background-pixels/1", 0.95), "a plain white"),
        ("A disc, on a gradient background.", said("plain"), "a plain white"),
        (
            "A disc, on a gradient background.",
            said("plain", "background-pixels/1", 0.95),
            "a gradient",
        ),
    ],
)
def test_a_caption_tells_what_counts_and_a_machine_never_contradicts_it(caption, background, told):
    labels = {
        "caption": said(caption),
        "background": background,
        "background_colour": said("white"),
        "layout": said("left", "layout-pixels/1", 0.3),
    }
    resolved = resolve(labels, SCHEMA, AUDITED)
    assert resolved is not None
    assert resolved["caption"].value.endswith(f"on {told} background.")
    assert "left" not in resolved["caption"].value
    assert resolved["caption"].is_human


def test_a_caption_in_free_words_stays_as_it_is():
    own = resolve({"caption": said("Our mascot, waving.")}, SCHEMA, AUDITED)
    assert own is not None
    assert own["caption"].value == "Our mascot, waving."


def test_what_is_open_is_neither_a_persons_nor_accepted():
    labels = {
        "caption": said("A disc.", "caption-template/1", 0.9),
        "background": said("plain", "background-pixels/1", 0.9),
        "saturation": said("vivid"),
        "logo": said("none"),
    }
    left = open_fields(labels, AUDITED, SCHEMA, is_audit=False)
    assert "caption" in left
    assert not {"background", "saturation", "logo", "brand"} & set(left)
    assert left == tuple(name for name in SCHEMA.names if name in left)


def test_an_audited_image_shows_all_fields_until_people_have_said_all():
    labels = {name: said("x") for name in SCHEMA.names} | {"logo": said("present")}
    assert open_fields(labels, AUDITED, SCHEMA, is_audit=True) == ()
    labels["background"] = said("plain", "background-pixels/1", 0.9)
    assert open_fields(labels, AUDITED, SCHEMA, is_audit=True) == SCHEMA.names
    assert open_fields(labels, AUDITED, SCHEMA, is_audit=False) == ()


def test_which_brand_is_asked_only_where_there_is_a_logo():
    for answer, asked in (("present", True), ("none", False)):
        labels = {"logo": said(answer)}
        left = open_fields(labels, AUDITED, SCHEMA, is_audit=False)
        assert ("brand" in left) is asked


def test_the_newest_decision_makes_the_policy(catalog, now):
    def decision(state, threshold, family="background-pixels"):
        return AcceptanceDecision(
            field="background", family=family, state=state, threshold=threshold, audited=300,
            errors=0, upper_bound=0.015, error_limit=0.02, calibration_labels=80, reason="",
            decided_at=now,
        )  # fmt: skip

    def policy():
        with catalog.read() as session:
            return read_policy(session, acceptance="audited", accept_confidence=0.5)

    assert policy().rules == {}
    for state, threshold, expected in (("on", 0.8, 0.8), ("off", 0.8, None), ("on", 0.9, 0.9)):
        with catalog.write() as session:
            session.add(decision(state, threshold))
        found = policy().rules.get(("background", "background-pixels"))
        assert (found and found.threshold) == expected
    with catalog.read() as session:
        opted_out = read_policy(session, acceptance="confidence", accept_confidence=0.5)
    assert opted_out == by_confidence(0.5)


def test_the_lot_of_an_image_never_changes_and_draws_the_share_that_was_asked_for():
    ids = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(20_000)]
    drawn = {image_id for image_id in ids if is_audit(image_id, 0.05)}
    assert 0.045 < len(drawn) / len(ids) < 0.055
    assert drawn <= {image_id for image_id in ids if is_audit(image_id, 0.1)}
    assert is_audit("a" * 64, 0.05) is False  # a fact: another lot would break the promise
    assert not any(is_audit(image_id, 0.0) for image_id in ids)
    assert all(is_audit(image_id, 1.0) for image_id in ids)


def test_every_image_is_counted_once_in_every_field(catalog, store):
    first, *_ = add_drafted(catalog, store, range(3))
    values = {"caption": "Mine.", "flags": ["unusable"], "logo": "none"}
    with catalog.write() as session:
        append_events(
            session,
            [
                LabelEvent(
                    image_id=first,
                    field=name,
                    value=value,
                    origin="human",
                    actor="a@b.c",
                    schema_version="1.0",
                    annotation_key="1:x",
                    created_at=datetime(2026, 1, 3),
                )
                for name, value in values.items()
            ],
        )
    found = count_labels(catalog, SCHEMA, by_confidence(0.75), audit_share=0.0)
    assert (found.images, found.ready, found.unusable) == (3, 2, 1)
    assert (found.by_people, found.by_machine, found.undrafted) == (1, 2, 0)
    assert found.finished + found.to_see == 3
    for name, number in found.fields.items():
        assert number.human + number.accepted + number.open + number.idle == 3
        assert number.human == (name in values)
        if name in DRAFTED and name not in values:
            assert number.accepted == (3 if DRAFTED[name][1] >= 0.75 else 0)
