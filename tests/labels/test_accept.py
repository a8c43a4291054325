from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from lowdiff.catalog.labels import Label, append_events
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.accept.policy import count_acceptance, counts, resolve
from tests.labels.corpus import DRAFTED, SEEN_AT, add_drafted
from tests.labels.forms import SCHEMA, value_of

shares = st.floats(0, 1)


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


@given(labels_of(), shares, shares)
def test_asking_for_more_confidence_never_accepts_more(labels, one, other):
    strict, easy = max(one, other), min(one, other)
    accepted = {n for n, label in labels.items() if counts(label, accept_confidence=strict)}
    assert accepted <= {n for n, label in labels.items() if counts(label, accept_confidence=easy)}


@given(labels_of(), shares)
def test_an_image_is_in_when_its_caption_counts_and_no_flag_keeps_it_out(labels, least):
    found = resolve(labels, SCHEMA, accept_confidence=least)
    sure = {n: label for n, label in labels.items() if counts(label, accept_confidence=least)}
    is_out = "caption" not in sure or ("flags" in sure and "unusable" in sure["flags"].value)
    assert found == (None if is_out else sure)


@given(labels_of())
def test_a_persons_word_counts_at_any_confidence(labels):
    for label in labels.values():
        assert counts(label, accept_confidence=1.0) == (label.is_human or label.confidence == 1.0)


def test_boxes_are_no_field_of_a_dataset():
    labels = {
        "caption": Label("A disc.", "human", "a@b.c", None, "1.0", SEEN_AT),
        "boxes": Label([], "human", "a@b.c", None, "1.0", SEEN_AT),
    }
    assert list(resolve(labels, SCHEMA, accept_confidence=0.5) or ()) == ["caption"]


def test_every_image_is_counted_once_in_every_field(catalog, store):
    first, *_ = add_drafted(catalog, store, range(3))
    said = {"caption": "Mine.", "flags": ["unusable"], "logo": "none"}
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
                for name, value in said.items()
            ],
        )
    found = count_acceptance(catalog, SCHEMA, accept_confidence=0.75)
    assert (found.images, found.ready, found.unusable) == (3, 2, 1)
    for name, number in found.fields.items():
        assert number.human + number.machine + number.open == 3
        assert number.human == (name in said)
        if name not in said:
            assert number.machine == (3 if DRAFTED[name][1] >= 0.75 else 0)
