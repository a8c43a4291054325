from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lowdiff.evaluation.verdict import Rule, compare, figure


def evaluation(loss: float, top10: float, psnr: float = 24.0) -> dict[str, Any]:
    return {
        "run_id": "unet-1",
        "denoising": {"validation": loss},
        "retrieval": {"top10": top10, "n": 64},
        "reconstruction": {"psnr_db": psnr},
    }


def test_the_first_run_is_promoted():
    verdict = compare(evaluation(1.0, 0.0), None)
    assert (verdict.decision, verdict.incumbent) == ("promote", None)


@given(st.floats(0.1, 2.0), st.floats(0, 1))
def test_an_equal_run_is_promoted(loss, top10):
    assert compare(evaluation(loss, top10), evaluation(loss, top10)).decision == "promote"


def test_a_clearly_worse_loss_is_held_and_the_reason_says_so():
    verdict = compare(evaluation(0.6, 0.5), evaluation(0.5, 0.5))
    assert verdict.decision == "hold"
    assert verdict.incumbent == "unet-1"
    assert any("denoising.validation went from 0.5 to 0.6" in text for text in verdict.reasons)


def test_a_better_loss_does_not_buy_forgotten_prompts():
    assert compare(evaluation(0.4, 0.2), evaluation(0.5, 0.6)).decision == "hold"


def test_noise_of_few_prompts_is_no_reason_to_hold():
    assert compare(evaluation(0.5, 0.45), evaluation(0.5, 0.5)).decision == "promote"


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_runs_cannot_hold_each_other(first, second):
    rules = [Rule("retrieval.top10", higher_is_better=True)]
    decisions = {
        compare(evaluation(1, a), evaluation(1, b), rules=rules).decision
        for a, b in ((first, second), (second, first))
    }
    assert "promote" in decisions


def test_a_figure_that_one_lacks_does_not_count():
    lacking = {"run_id": "vae-1", "reconstruction": {"psnr_db": 20.0}}
    verdict = compare(lacking, lacking | {"denoising": {"validation": 1.0}})
    assert verdict.decision == "promote"
    assert any("does not count" in text for text in verdict.reasons)


def test_a_figure_is_found_by_its_path():
    assert figure({"a": {"b": 2}}, "a.b") == 2.0
    assert figure({"a": {"b": None}}, "a.b") is None
    assert figure({"a": 1}, "a.b") is None
