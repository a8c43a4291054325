import numpy as np
import pytest
import torch

from lowdiff.evaluation.copies import copy_figures, nearness
from lowdiff.evaluation.neighbours import threshold_of, thumbnails
from lowdiff.evaluation.sheet import nearest_sheet
from tests.evaluation.clouds import cloud
from tests.evaluation.pictures import drawn, noise


def test_a_memoriser_is_found_and_an_honest_set_is_not():
    train, held_out = cloud(300, seed=1, width=12), cloud(200, seed=2, width=12)
    honest = cloud(64, seed=3, width=12)
    copied = train[:64] + 0.01 * cloud(64, seed=4, width=12)
    for set_of_drawings, is_bad in ((honest, False), (copied, True)):
        near = nearness(set_of_drawings, held_out, train)
        figures = copy_figures({"pixels": near, "self": near})
        assert (figures["rate"] > 0.9) == is_bad
        assert (figures["calibrated"] > 0.9) == is_bad
        assert (figures["authentic"] < 0.1) == is_bad
        assert figures["self"]["rate"] == figures["rate"]
        assert figures["ceiling"]["rate"] < 0.02
        assert figures["ceiling"]["calibrated"] <= 0.05
        low, high = figures["rate_interval"]
        assert low <= figures["rate"] <= high


def test_a_subtle_copyist_is_seen_by_the_calibrated_rule_only():
    train, held_out = cloud(300, seed=1, width=12), cloud(200, seed=2, width=12)
    mixed = 0.7 * train[:64] + 0.3 * train[64:128]  # not so near that the 1/3 rule sees it
    near = nearness(mixed, held_out, train)
    figures = copy_figures({"pixels": near})
    assert figures["rate"] < 0.1
    assert figures["calibrated"] > figures["ceiling"]["calibrated"] + 0.1


def test_the_threshold_lets_so_many_held_out_images_below_it():
    distances = torch.arange(1000).float()
    assert threshold_of(distances, false_alarms=0.01) == 10.0
    assert (distances < threshold_of(distances, false_alarms=0.01)).float().mean() == 0.01
    assert threshold_of(torch.tensor([3.0, 1.0, 2.0])) == 1.0
    with pytest.raises(ValueError, match="held-out"):
        threshold_of(torch.empty(0))


def test_without_held_out_images_nothing_is_calibrated():
    figures = copy_figures({"pixels": nearness(cloud(5), torch.empty(0, 6), cloud(20, seed=1))})
    assert "calibrated" not in figures
    assert "ceiling" not in figures


def test_the_sheet_begins_with_the_most_suspicious_pair():
    training = drawn(range(20))
    pictures = np.concatenate([noise(3), training[7:8]])
    near = nearness(thumbnails(pictures), torch.empty(0, 768), thumbnails(training)).drawn
    sheet = np.asarray(nearest_sheet(pictures, training, near))
    first = sheet[4:68, 4:68], sheet[4:68, 72:136]
    assert (first[0] == first[1]).all()  # the copy beside its original
    assert (sheet[1, 40] == (200, 50, 30)).all()  # framed
    assert (sheet[1, 176] != (200, 50, 30)).any()  # the next pair is not
