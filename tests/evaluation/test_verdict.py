from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.errors import InputError
from lowdiff.evaluation.verdict import compare

FLOW = {"path": "flow", "prediction": "velocity"}


def evaluation(
    loss: float, top10: float, psnr: float = 24.0, *, space: str = "a", mind: float = 10.0
) -> dict[str, Any]:
    return {
        "run_id": "unet-1",
        "image_px": 64,
        "denoising": {"validation": loss, "latent_space": space, "objective": FLOW},
        "retrieval": {"top10": top10, "n": 64},
        "reconstruction": {"psnr_db": psnr},
        "distribution": {"n": 64, "self": {"mind": mind, "features": "eye 1"}},
    }


def test_the_first_run_is_promoted():
    verdict = compare(evaluation(1.0, 0.0), None)
    assert (verdict.decision, verdict.incumbent) == ("promote", None)
    assert compare(evaluation(1, 0), None, promote_on=["retrieval.top10"]).decision == "promote"


@given(st.floats(0.1, 2.0), st.floats(0, 1))
def test_an_equal_run_is_promoted(loss, top10):
    assert compare(evaluation(loss, top10), evaluation(loss, top10)).decision == "promote"


def test_a_clearly_worse_loss_is_held_and_the_reason_says_so():
    verdict = compare(evaluation(0.6, 0.5), evaluation(0.5, 0.5))
    assert verdict.decision == "hold"
    assert verdict.incumbent == "unet-1"
    assert any("denoising.validation went from 0.5 to 0.6" in text for text in verdict.reasons)


def test_losses_in_two_latent_spaces_are_not_compared():
    verdict = compare(evaluation(9.0, 0.5, space="b"), evaluation(0.5, 0.5, space="a"))
    assert verdict.decision == "promote"
    assert any(
        "denoising.validation does not count: they differ in denoising.latent_space" in text
        for text in verdict.reasons
    )


def test_a_better_loss_does_not_buy_forgotten_prompts():
    assert compare(evaluation(0.4, 0.2), evaluation(0.5, 0.6)).decision == "hold"


def test_noise_of_few_prompts_is_no_reason_to_hold():
    assert compare(evaluation(0.5, 0.45), evaluation(0.5, 0.5)).decision == "promote"


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_runs_cannot_hold_each_other(first, second):
    pairs = ((first, second), (second, first))
    decisions = {compare(evaluation(1, a), evaluation(1, b)).decision for a, b in pairs}
    assert "promote" in decisions


@given(st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_two_runs_cannot_both_beat_each_other(first, second):
    pairs = ((first, second), (second, first))
    on = ["retrieval.top10"]
    decisions = [
        compare(evaluation(1, a), evaluation(1, b), promote_on=on).decision for a, b in pairs
    ]
    assert decisions.count("promote") <= 1


def test_named_metrics_must_all_be_beaten_by_more_than_chance():
    on = ["retrieval.top10", "distribution.self.mind"]
    known = evaluation(0.5, 0.3, mind=10.0)
    assert compare(evaluation(9.0, 0.6, mind=8.0), known, promote_on=on).decision == "promote"
    tie = compare(evaluation(0.5, 0.6, mind=9.0), known, promote_on=on)  # 10 % is a tie
    assert tie.decision == "hold"
    assert any("distribution.self.mind went from 10 to 9, a tie" in text for text in tie.reasons)
    assert tie.as_dict()["promote_on"] == on
    assert compare(evaluation(0.5, 0.35, mind=8.0), known, promote_on=on).decision == "hold"


def test_a_named_metric_that_cannot_be_compared_holds_the_run():
    other_eye = evaluation(0.5, 0.6, mind=1.0)
    other_eye["distribution"]["self"]["features"] = "eye 2"
    verdict = compare(other_eye, evaluation(0.5, 0.3), promote_on=["distribution.self.mind"])
    assert verdict.decision == "hold"
    assert "they differ in distribution.self.features" in verdict.reasons[0]


def test_a_metric_that_is_not_there_is_refused_by_name():
    with pytest.raises(InputError, match=r"retrieval\.top11.*retrieval\.top10"):
        compare(evaluation(1, 1), None, promote_on=["retrieval.top11"])


def test_a_figure_that_one_lacks_does_not_count():
    lacking = {"run_id": "vae-1", "image_px": 64, "reconstruction": {"psnr_db": 20.0}}
    verdict = compare(lacking, lacking | {"denoising": {"validation": 1.0}})
    assert verdict.decision == "promote"
    assert any("does not count" in text for text in verdict.reasons)
