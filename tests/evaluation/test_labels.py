import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from lowdiff.evaluation.labels import (
    head_scores,
    label_on_white,
    measured_labels,
    measured_scores,
    sentence_of,
    summary,
    zero_shot_scores,
)
from lowdiff.evaluation.pixels import Pixels

COLOURS = {"red": (214, 40, 40), "blue": (40, 80, 200), "green": (40, 150, 60)}


def disc(colour: str, across: int = 32) -> Pixels:
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).ellipse((across - 18, 14, across + 18, 50), fill=COLOURS[colour])
    return np.asarray(image)


def test_the_readers_say_what_was_drawn():
    found = measured_labels(np.stack([disc("red"), disc("blue", across=20)]))
    assert found[0]["palette"] == ("red",)
    assert found[1]["palette"] == ("blue",)
    assert found[0]["layout"] == "centred"
    assert found[1]["layout"] == "left"
    assert found[0]["background_colour"] == "white"


def test_drawings_with_other_colours_lose_the_palette_only():
    names = ["red", "blue", "green"] * 4
    real = np.stack([disc(name) for name in names])
    wanted = measured_labels(real)
    others = np.stack([disc(name) for name in ["blue", "green", "red"] * 4])
    scores = measured_scores(wanted, others, real)
    assert scores["palette"]["accuracy"] == 0.0
    assert scores["palette"]["ceiling"]["accuracy"] == 1.0
    assert scores["palette"]["floor"]["accuracy"] == pytest.approx(1 / 3, abs=1e-3)
    assert scores["layout"]["accuracy"] == 1.0
    told = summary(scores)
    assert told["accuracy"] < told["ceiling"]["accuracy"] == 1.0
    assert told["n"] == 12


def test_a_transparent_ground_looks_plain_and_white():
    assert label_on_white("background", "transparent") == "plain"
    assert label_on_white("background_colour", "none") == "white"
    assert label_on_white("palette", np.array(["red", "blue"])) == ("blue", "red")


def clouds_of(labels: list[str], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centres = {"flat": -1.0, "line": 1.0}
    noise = 0.3 * torch.randn(len(labels), 5, generator=generator)
    return torch.tensor([[centres[label]] * 5 for label in labels]) + noise


def test_a_head_learns_a_field_that_nobody_measures():
    known = ["flat", "line"] * 30
    asked = ["flat", "line"] * 10
    wanted = [{"style": label} for label in asked]
    swapped = ["line" if label == "flat" else "flat" for label in asked]
    scores = head_scores(
        wanted,
        clouds_of(swapped, 1),
        clouds_of(asked, 2),
        examples=clouds_of(known, 3),
        labels=[{"style": label} for label in known],
    )
    assert scores["style"]["ceiling"]["accuracy"] > 0.9
    assert scores["style"]["accuracy"] < 0.1


def test_few_or_equal_labels_make_no_head():
    wanted = [{"style": "flat"}] * 10
    few = clouds_of(["flat"] * 10, 1)
    for labels in (["flat"] * 40, ["flat", "line"] * 5):
        told = [{"style": label} for label in labels]
        known = clouds_of(labels, 2)
        assert head_scores(wanted, few, few, examples=known, labels=told) == {}
    assert "skipped" in summary({})


def test_the_judge_chooses_among_the_sentences_of_a_field():
    wanted = [{"background": kind} for kind in ("plain", "pattern")] * 5
    vectors = {sentence_of("background", "plain"): 0, sentence_of("background", "pattern"): 1}
    pictures = torch.eye(2).repeat(5, 1)
    scores = zero_shot_scores(
        wanted, pictures.flip(1), pictures, lambda told: torch.eye(2)[[vectors[t] for t in told]]
    )
    assert scores["background"]["ceiling"]["accuracy"] == 1.0
    assert scores["background"]["accuracy"] == 0.0


def test_a_sentence_tells_one_value():
    assert sentence_of("background", "plain") == "A graphic, on a plain background."
    assert sentence_of("layout", "left") != sentence_of("layout", "right")
    assert "large" in sentence_of("figure_size", "large")
