"""From labels to decisions, on a real catalog."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from lowdiff.catalog import open_catalog
from lowdiff.catalog.label_tables import AcceptanceDecision, LabelWithdrawal
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.accept.decide import decide_one, thresholds
from lowdiff.labels.accept.evidence import Sample, gather_samples, learn_calibration
from lowdiff.labels.accept.policy import counts, read_policy
from tests.labels.forms import SCHEMA
from tests.labels.people import NOW, SHARE, Crowd


@pytest.fixture(params=["sqlite", "postgresql"])
def crowd(request, workspace):
    url = None if request.param == "sqlite" else request.getfixturevalue("new_postgres")()
    catalog = open_catalog(workspace, url)
    yield Crowd(catalog).add_images(900)
    catalog.close()


@pytest.fixture
def some(catalog):
    return Crowd(catalog).add_images(900)


def rows(catalog):
    with catalog.read() as session:
        return list(session.scalars(select(AcceptanceDecision).order_by(AcceptanceDecision.id)))


def samples_of(catalog):
    with catalog.read() as session:
        return gather_samples(session, SCHEMA, audit_share=SHARE)


def test_a_drafter_is_accepted_when_audits_have_shown_enough(crowd):
    crowd.draft(crowd.ids, "plain", 0.9)
    crowd.judge(crowd.audited[:100], "plain")
    early = crowd.decide()
    assert (early.is_on, early.threshold, early.audited, early.errors) == (False, 0.0, 100, 0)
    assert early.needed == 108
    crowd.judge(crowd.audited[100:207], "plain")
    assert crowd.decide().needed == 1
    crowd.judge(crowd.audited[207:208], "plain")
    late = crowd.decide()
    assert (late.is_on, late.switched, late.needed) == (True, True, 0)
    assert late.upper_bound < 0.02
    with crowd.catalog.read() as session:
        policy = read_policy(session, acceptance="audited", accept_confidence=1.0)
    assert policy.rules["background", "background-pixels"].audited == 208


def test_labels_that_were_not_drawn_by_lot_never_count_as_audit(some):
    some.draft(some.ids, "plain", 0.9)
    some.judge(some.others, "plain")
    verdict = some.decide()
    assert (verdict.is_on, verdict.audited) == (False, 0)
    assert verdict.calibration_labels == len(some.others)


def test_drafts_under_the_threshold_do_not_spoil_those_above(some):
    some.draft(some.audited[:100], "photo", 0.4)
    some.draft(some.audited[100:], "plain", 0.9)
    some.judge(some.audited, "plain")
    verdict = some.decide()
    assert verdict.is_on
    assert (verdict.threshold, verdict.errors) == (0.9, 0)
    assert verdict.audited == len(some.audited)


def test_a_drafter_at_the_limit_is_not_accepted(some):
    some.draft(some.ids, "plain", 0.9)
    some.judge(some.audited[:8], "photo")
    some.judge(some.audited[8:], "plain")
    verdict = some.decide()
    assert not verdict.is_on
    assert verdict.errors == 8


def test_drift_switches_acceptance_off_and_says_why(some):
    some.draft(some.ids, "plain", 0.9)
    some.judge(some.others[:60], "plain")
    some.judge(some.audited[:250], "plain")
    assert some.decide().is_on
    some.judge(some.audited[250:260], "photo")
    verdict = some.decide()
    assert (verdict.is_on, verdict.switched) == (False, True)
    assert verdict.reason.startswith("drift")
    assert [row.state for row in rows(some.catalog)] == ["on", "off"]


def test_looking_again_without_news_keeps_no_decision_and_a_preview_never_does(some):
    some.draft(some.ids, "plain", 0.9)
    some.judge(some.others[:60], "plain")
    some.decide(preview=True)
    assert rows(some.catalog) == []
    for _look in range(3):
        some.decide()
    assert len(rows(some.catalog)) == 1


def test_the_draft_of_a_sample_is_what_was_there_before_the_person_spoke(some):
    one, audited = some.others[0], some.audited[0]
    for image_id in (one, audited):
        some.draft([image_id], "photo", 0.9, by="head/1", origin="model")
        some.judge([image_id], "plain")
    # learned from the label of `one` now; audited labels are never learned from
    for image_id in (one, audited):
        some.draft([image_id], "plain", 0.95, by="head/2", origin="model")
    found = {sample.image_id: (sample.by, sample.right) for sample in samples_of(some.catalog)}
    assert found == {one: ("head/1", False), audited: ("head/2", True)}


def test_a_propagated_label_is_judged_where_the_image_was_audited_before(some):
    one, audited = some.others[0], some.audited[0]
    for image_id in (one, audited):
        some.draft([image_id], "photo", 0.9)
        some.judge([image_id], "plain")
        some.draft([image_id], "plain", 0.99, by="family/1", origin="propagated")
    found = {sample.image_id: sample.by for sample in samples_of(some.catalog)}
    assert found == {one: "background-pixels/1", audited: "family/1"}


def test_a_person_who_thinks_again_is_one_sample_with_the_last_word(some):
    audited = some.audited[0]
    some.draft([audited], "photo", 0.9)
    some.judge([audited], "photo")
    some.judge([audited], "plain")
    (sample,) = samples_of(some.catalog)
    assert not sample.right


def test_a_withdrawn_annotation_is_no_sample(some):
    some.draft(some.audited[:2], "plain", 0.9)
    first, _second = some.judge(some.audited[:2], "plain")
    with some.catalog.write() as session:
        session.add(LabelWithdrawal(annotation_key=first, withdrawn_at=NOW, reason="deleted"))
    assert [sample.image_id for sample in samples_of(some.catalog)] == some.audited[1:2]


def test_free_text_is_no_sample_but_that_there_is_none_is_one(some):
    first, second = some.audited[:2]
    some.draft([first], "SALE", 0.9, name="transcription", by="tesseract/1")
    some.draft([second], "", 0.9, name="transcription", by="tesseract/1")
    some.draft([first], "A disc.", 0.9, name="caption", by="caption-template/1")
    for name, value in (("transcription", " "), ("caption", "A disc.")):
        some.judge([first, second], value, name=name)
    (sample,) = samples_of(some.catalog)
    assert (sample.image_id, sample.field, sample.right) == (second, "transcription", True)


def test_the_order_of_a_persons_ticks_does_not_matter(some):
    flags = list(SCHEMA.field("flags").values[:2])
    some.draft(some.audited[:1], flags, 0.9, name="flags", by="head/1")
    some.judge(some.audited[:1], flags[::-1], name="flags")
    (sample,) = samples_of(some.catalog)
    assert sample.right


def audits(*runs):
    """Audited samples in the order in which they were judged: (how many, confidence, right)."""
    drafts = [(sure, right) for number, sure, right in runs for _ in range(number)]
    return [
        Sample(f"{n}", "background", "x/1", sure, right, True, n)
        for n, (sure, right) in enumerate(drafts)
    ]


def verdict_of(samples, waiting=()):
    return decide_one("background", "x", samples, waiting, error_limit=0.02)


def test_the_lowest_threshold_counts_that_is_shown_with_all_above_it():
    sure, fair, poor = (300, 0.95, True), (150, 0.8, True), (60, 0.5, False)
    assert verdict_of(audits(sure, fair, poor)).threshold == 0.8
    assert verdict_of(audits(sure, (150, 0.8, False), poor)).threshold == 0.95


def test_what_a_person_would_have_seen_is_no_loss():
    # of the surest hundred four are wrong: of the field not one in a hundred
    sure, unsure = [(96, 0.95, True), (4, 0.95, False)], (900, 0.5, False)
    verdict = verdict_of(audits(*sure, unsure))
    assert (verdict.is_on, verdict.threshold) == (True, 0.95)
    assert (verdict.errors, verdict.audited) == (4, 1000)
    assert verdict.upper_bound < 0.02


def test_few_drafts_that_are_hardly_better_than_a_guess_never_count():
    verdict = verdict_of(audits((94, 0.95, True), (6, 0.95, False), (1900, 0.5, False)))
    assert (verdict.is_on, verdict.needed) == (False, None)
    assert "too many are wrong" in verdict.reason
    # nor do those of which nobody has judged one
    assert not decide_one(
        "background", "x", audits((300, 0.5, False)), [0.99] * 600, error_limit=0.02
    ).is_on


def test_thresholds_lie_at_ranks_of_confidences_and_no_error_moves_them():
    sure = sorted((n / 1000 for n in range(1000)), reverse=True)
    found = thresholds(sure)
    assert found[0] == sure[49]
    assert found[-1] == 0.0
    assert found == sorted(found, reverse=True)
    assert thresholds(sure[:100])[0] == sure[39]
    assert thresholds([0.9] * 600) == [0.0]
    assert thresholds([]) == []


@pytest.mark.parametrize("p", [0.03, 0.045])
def test_a_threshold_over_the_limit_is_hardly_ever_taken_however_often_one_looks(p):
    dice, taken = np.random.default_rng(3), 0
    for _ in range(60):
        sure = dice.random(600)
        right = dice.random(600) >= p  # whatever the confidence: from t on p (1 - t) is lost
        drafts = [
            Sample(f"{n}", "background", "x/1", float(sure[n]), bool(right[n]), True, n)
            for n in range(600)
        ]
        looks = (verdict_of(drafts[:n], sure[n:].tolist()) for n in range(150, 601, 50))
        taken += any(one.is_on and p * (1 - one.threshold) >= 0.02 for one in looks)
    assert taken <= 6


def test_drafters_of_one_field_are_judged_together(some):
    half = len(some.audited) // 2
    some.draft(some.audited[:half], "plain", 0.9)
    some.draft(some.audited[half:], "plain", 0.95, by="head-background/1", origin="model")
    some.judge(some.audited[half - 130 : half + 130], "plain")
    found = {verdict.family: verdict.is_on for verdict in some.decide_all()}
    assert found == {"any": True}
    with some.catalog.read() as session:
        policy = read_policy(session, acceptance="audited", accept_confidence=1.0)
        label = current_labels(session, some.audited[:1])[some.audited[0]]["background"]
    draft = replace(label, origin="rule", actor="another/1", confidence=0.9)
    assert counts(SCHEMA.field("background"), draft, policy)


def test_what_counted_under_one_drafter_is_judged_anew_when_a_second_speaks(some):
    some.draft(some.ids, "plain", 0.9)
    some.judge(some.audited[:220], "plain")
    assert some.decide().family == "background-pixels"
    some.draft(some.audited[220:300], "photo", 0.95, by="head-background/1", origin="model")
    some.judge(some.audited[220:300], "plain")
    found = {one.family: (one.is_on, one.switched) for one in some.decide_all()}
    assert found == {"any": (False, False), "background-pixels": (False, True)}
    assert {one.family for one in some.decide_all()} == {"any"}


def test_calibration_rests_on_labels_that_are_not_audited(some):
    some.draft(some.ids, "plain", 0.9)
    some.judge(some.others[:30], "plain")
    some.judge(some.others[30:40], "photo")
    some.judge(some.audited, "photo")
    calibration = learn_calibration(samples_of(some.catalog))
    (calibrator,) = calibration.calibrators.values()
    assert calibrator.labels == 40
    assert 0.6 < calibration.calibrated("background", "background-pixels/1", 0.9) < 0.85
    assert calibration.calibrated("background", "another/1", 0.9) == 0.9


def test_a_draft_from_before_a_new_schema_is_no_sample(some):
    first, second = some.audited[:2]
    some.draft([first, second], "plain", 0.9)
    keys = some.judge([first, second], "plain")
    with some.catalog.write() as session:
        for label in session.scalars(select(LabelEvent)):
            label.schema_version = "1.0"
    # said again under the new schema, as a migration does; the machine drafts only one of them
    some.judge([first, second], "plain")
    with some.catalog.write() as session:
        for key in keys:
            session.add(LabelWithdrawal(annotation_key=key, withdrawn_at=NOW, reason="moved"))
    some.draft([second], "photo", 0.9, by="background-pixels/2")
    (sample,) = samples_of(some.catalog)
    assert (sample.image_id, sample.by, sample.right) == (second, "background-pixels/2", False)
