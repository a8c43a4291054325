import json

from typer.testing import CliRunner

from lowdiff.cli.app import app
from lowdiff.cli.evaluate import in_words


def test_without_a_run_it_says_what_to_train(workspace, monkeypatch):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    result = CliRunner().invoke(app, ["evaluate", "--json"])
    assert "lowdiff train unet" in str(result.exception)
    assert result.stdout == ""


def test_the_table_has_the_figures_their_bounds_and_the_verdict():
    record = json.loads(
        """{"run_id": "unet-1", "seconds": 12.0, "dataset": {"name": "brand", "version": 2},
        "retrieval": {"top1": 0.1, "top10": 0.5, "mrr": 0.2, "n": 64,
                      "floor": {"top10": 0.15}, "ceiling": {"top10": 0.8}},
        "denoising": {"train": 0.5, "validation": null, "n_train": 64, "n_validation": 0},
        "verdict": {"decision": "hold", "incumbent": "unet-0", "reasons": ["it got worse"]}}"""
    )
    text = in_words(record)
    assert "own prompt among 10" in text
    assert "0.500     0.150     0.800" in text
    assert "– of 0 validation images" in text
    assert "verdict: hold against unet-0" in text
    assert "it got worse" in text
