"""The benchmark of labeling: what a person's work costs, and a whole run on a few pictures."""

import pytest
import torch

from benchmarks.annotator import Annotator, chunks_of, corrected_caption
from benchmarks.keystrokes import B, Effort, H, K, M, P, change_text, press, stretches, type_text
from benchmarks.label_truth import Known, brand_set, is_right, wrong_claims
from benchmarks.labeling_after import steady
from benchmarks.labeling_project import bring, copied, draft_all, truths
from benchmarks.labeling_run import work_through
from lowdiff.catalog.labels import current_labels
from lowdiff.ops.project import open_project
from tests.labels.forms import SCHEMA

torch.set_num_threads(1)
FIELDS = {
    "caption": "A red ball on a plain white background.", "background": "plain",
    "background_colour": "white", "layout": "centred", "figure_count": "one",
    "figure_size": "large", "saturation": "vivid", "palette": ["red"], "style": "flat",
    "logo": "none", "brand": "", "transcription": "", "quality": "good", "flags": [],
}  # fmt: skip
BALL = Known("ball.png", FIELDS, "A red ball")
DRAFT = FIELDS | {"caption": "A red ball."}


def answer(ask, **draft):
    return Annotator(SCHEMA).answer(ask, DRAFT | draft, BALL)


def test_the_model_adds_up_operators():
    assert Effort(keys=2, clicks=1, hands=2, thoughts=1).seconds == pytest.approx(
        2 * K + P + 2 * B + 2 * H + M
    )
    assert press("shift+k") == Effort(keys=2)
    assert type_text("ball").keys == 6


def test_a_text_is_changed_where_it_differs_or_typed_anew_when_that_is_faster():
    assert stretches("A read ball.", "A red ball.") == [(1, 0)]
    assert stretches("one two", "one two") == []
    long = "A bird that sits on a branch of an old tree and sings"
    assert change_text(long, long.replace("sings", "sleeps")).keys < 15
    assert change_text("Foto 12", "A bird").keys <= type_text("A bird").keys + 3


def test_what_is_right_costs_a_glance_and_what_is_wrong_a_key_more():
    right, wrong = answer(["layout"]), answer(["layout"], layout="left")
    assert right.values == wrong.values == {"layout": "centred"}
    assert right.effort == Effort(keys=2, thoughts=2)
    assert wrong.effort == right.effort + Effort(keys=1, thoughts=1)
    palette = answer(["palette"], palette=["red", "blue", "green"])
    assert palette.values == {"palette": ["red"]}
    assert palette.effort.keys == 2 + 2 * 2
    assert Annotator(SCHEMA).from_nothing(BALL).seconds > answer(SCHEMA.names).effort.seconds


def test_a_brand_is_asked_only_where_there_is_a_logo():
    assert set(answer(["logo"]).values) == {"logo"}
    assert set(answer(["logo", "brand"], logo="present").values) == {"logo"}
    assert chunks_of(["logo", "brand", "style"]) == 2


def test_of_a_caption_only_what_is_wrong_is_corrected():
    assert wrong_claims("A red ball, on the left on a plain white background.", BALL) == ["layout"]
    assert not is_right(SCHEMA, "caption", "A graphic.", BALL)
    assert is_right(SCHEMA, "caption", "a red ball, in vivid red.", BALL)
    assert corrected_caption("A bird, on the left in vivid red.", BALL) == (
        "A red ball, centred in vivid red."
    )
    assert corrected_caption("My ball, red.", BALL) == FIELDS["caption"]


def test_a_person_who_slips_always_gets_every_field_wrong():
    said = Annotator(SCHEMA, slip=1.0).answer(SCHEMA.names, DRAFT, BALL).values
    assert not any(is_right(SCHEMA, name, value, BALL) for name, value in said.items() if value)


@pytest.mark.integration
def test_a_run_ends_when_everything_is_finished_and_right(tmp_path):
    known = brand_set(tmp_path / "pictures", 24, 7)
    space = bring(tmp_path, tmp_path / "pictures", known, words="truth")
    with open_project(space) as project:
        draft_all(project, SCHEMA)
    lines: list[str] = []
    with open_project(copied(space, tmp_path / "run")) as project:
        facts = truths(project, known)
        annotator = Annotator(SCHEMA)
        run = work_through(
            project, SCHEMA, facts, annotator, batch=16, logos=False, say=lines.append
        )
        after = steady(project, SCHEMA, run.counted, facts, annotator)
        with project.catalog.read() as session:
            labels = current_labels(session)
    assert run.visits == len(facts) + run.again
    assert len(lines) == len(run.points) == 2
    assert run.points[-1].finished == len(facts)
    # nothing can be accepted after so few audits: but for captions all is a person's word
    assert all(found["layout"].is_human for found in labels.values())
    assert sum(wrong for name, (_, wrong, _, _) in run.errors.items() if name != "caption") == 0
    assert 15 < after.effort.seconds / after.images < 60
