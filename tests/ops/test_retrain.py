from typing import Any

from lowdiff.ops.retrain import figures_of


def evaluation(space: str, loss: float, top10: float) -> dict[str, Any]:
    return {
        "image_px": 64,
        "denoising": {"latent_space": space, "objective": {}, "validation": loss},
        "retrieval": {"n": 64, "top10": top10},
    }


def test_a_loss_in_another_latent_space_is_not_told_as_a_change():
    lines = figures_of(evaluation("old", 0.5, 0.3), evaluation("new", 0.9, 0.8))
    loss = next(line for line in lines if "denoising" in line)
    assert "0.900 (not comparable: they differ in denoising.latent_space)" in loss
    assert "→" not in loss
    assert any("0.300 → 0.800 (better)" in line for line in lines)


def test_the_first_model_has_nothing_before_it():
    lines = figures_of(None, evaluation("new", 0.9, 0.8))
    assert [line.split() for line in lines] == [
        ["denoising.validation", "0.900"],
        ["retrieval.top10", "0.800"],
    ]
