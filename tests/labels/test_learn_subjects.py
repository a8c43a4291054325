"""What a picture shows, learned from the captions so far."""

import numpy as np
import pytest

from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.learn.examples import Table
from lowdiff.labels.learn.statements import Statement
from lowdiff.labels.learn.subjects import subject_classes, subjects_say, with_slot
from tests.labels.gallery import BARE
from tests.labels.people import SHARE, Crowd

SUBJECTS = ("A ring", "A ball", "The Norvik logo")


@pytest.fixture
def crowd(catalog):
    return Crowd(catalog).add_images(260)


def kind_of(at: int) -> int:
    return at % 3


def table_of(crowd, labelled: int) -> Table:
    """Pictures of three kinds that a row of numbers tells apart; people have named the first."""
    dice = np.random.default_rng(1)
    x = dice.normal(0, 0.1, (len(crowd.ids), 6)).astype(np.float32)
    for at in range(len(crowd.ids)):
        x[at, kind_of(at)] += 1
    for kind, subject in enumerate(SUBJECTS):
        own = [one for at, one in enumerate(crowd.ids[:labelled]) if kind_of(at) == kind]
        crowd.judge(own, f"{subject}, in vivid red.", name="caption")
        crowd.judge(own, "Norvik" if kind == 2 else "", name="brand")
    bare = {"value": BARE, "confidence": 0.3, "by": "caption-template/3", "origin": "rule"}
    drafts = [{"candidates": {"caption": [bare]}} for _ in crowd.ids]
    return Table(crowd.ids, x, crowd.ids, drafts)


def say(crowd, table, said=None):
    with crowd.catalog.read() as session:
        return subjects_say(session, table, said or {}, audit_share=SHARE)


def test_subjects_are_learned_and_a_brand_is_filled_in_where_one_is_known(crowd):
    table = table_of(crowd, labelled=200)
    new = list(enumerate(crowd.ids))[200:]
    tindra = Statement("Tindra", 0.9, "brand-words/1")
    named = [one for at, one in new if kind_of(at) == 2][::2]
    found = say(crowd, table, {one: {"brand": [tindra]} for one in named})
    for at, one in new:
        if kind_of(at) == 2 and one not in named:
            assert one not in found  # nobody says whose logo it is
            continue
        subject = "The Tindra logo" if one in named else SUBJECTS[kind_of(at)]
        (said,) = found[one]["caption"]
        assert said.value == BARE.replace("A graphic", subject)
        assert said.confidence > 0.7
    told = {one for one in crowd.ids[:200] if not is_audit(one, SHARE)}
    assert not told & found.keys()


def test_with_few_captions_nothing_is_said(crowd):
    assert say(crowd, table_of(crowd, labelled=60)) == {}


def test_only_subjects_that_come_often_are_classes():
    often = ["A cat"] * 2 + ["a cat", "A dog"]
    assert subject_classes(often) == ("A cat",)
    assert with_slot("The Norvik logo", "Norvik") == "The {brand} logo"
    assert with_slot("A cat", "") == with_slot("A cat", None) == "A cat"
