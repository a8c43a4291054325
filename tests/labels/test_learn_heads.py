"""Heads learn what can be learned, say honestly how sure they are, and are the same every time."""

import numpy as np
import pytest
import torch

from lowdiff.errors import ContractError
from lowdiff.labels.learn.forest import grow
from lowdiff.labels.learn.headfile import Saved, from_bytes, to_bytes
from lowdiff.labels.learn.heads import coverage, fit_head, folds_of, look_through, too_few

torch.set_num_threads(1)
CLASSES = ("flat", "outline", "photo")


def cloud(number, *, apart, seed=0, features=12):
    """Points around one centre for each class, `apart` standard deviations from each other."""
    dice = np.random.default_rng(seed)
    which = dice.integers(0, len(CLASSES), number)
    centres = np.random.default_rng(99).normal(size=(len(CLASSES), features)) * apart
    x = (centres[which] + dice.normal(size=(number, features))).astype(np.float32)
    return x, [CLASSES[one] for one in which], [f"family {n}" for n in range(number)]


def test_what_is_far_apart_is_learned():
    x, values, groups = cloud(120, apart=2.0)
    fitted = fit_head(x, values, groups, look_through(x))
    assert fitted.metrics["accuracy"] >= 0.97
    new, truth, _ = cloud(200, apart=2.0, seed=1)
    shares = fitted.head.probabilities(new)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    said = [fitted.head.classes[best] for best in shares.argmax(axis=1)]
    assert np.mean([a == b for a, b in zip(said, truth, strict=True)]) >= 0.97


def test_where_nothing_can_be_learned_the_head_is_hardly_sure():
    x, _, groups = cloud(150, apart=0.0)
    values = [CLASSES[n] for n in np.random.default_rng(5).integers(0, 3, 150)]
    fitted = fit_head(x, values, groups, look_through(x))
    assert fitted.metrics["confidence"] < 0.55
    assert fitted.metrics["coverage_at_98"] < 0.1


@pytest.mark.parametrize("apart", [0.3, 0.6])
def test_confidence_is_about_how_often_the_head_is_right_on_new_points(apart):
    x, values, groups = cloud(240, apart=apart)
    head = fit_head(x, values, groups, look_through(x)).head
    new, truth, _ = cloud(800, apart=apart, seed=2)
    shares = head.probabilities(new)
    right = [head.classes[best] == t for best, t in zip(shares.argmax(axis=1), truth, strict=True)]
    assert abs(float(shares.max(axis=1).mean()) - float(np.mean(right))) < 0.1


def test_equal_labels_give_the_same_file_to_the_byte_and_it_reads_back():
    x, values, groups = cloud(60, apart=1.0)
    files = []
    for _ in range(2):
        fitted = fit_head(x, values, groups, look_through(x), seed=3)
        saved = Saved(fitted.head, "style", "builtin+1", tuple(groups), fitted.held_out)
        files.append(to_bytes(saved))
    assert files[0] == files[1]
    back = from_bytes(files[0], item="a head")
    assert (back.field, back.features, back.ids) == ("style", "builtin+1", tuple(groups))
    np.testing.assert_array_equal(back.head.probabilities(x), fitted.head.probabilities(x))
    np.testing.assert_array_equal(back.held_out, fitted.held_out)


def test_a_file_that_is_no_head_is_told():
    with pytest.raises(ContractError, match=r"lowdiff\.head/1"):
        from_bytes(b"nonsense", item="heads/style/x")


def test_too_few_labels_are_told_with_what_is_missing():
    families = [str(n) for n in range(40)]
    assert "30 are needed" in too_few(["flat", "photo"] * 10, families[:20])
    assert "only flat" in too_few(["flat"] * 36 + ["photo"] * 4, families)
    assert "families" in too_few(["flat", "photo"] * 20, ["one", "two"] * 20)
    assert too_few(["flat", "photo"] * 20, families) is None
    x = np.zeros((20, 3), np.float32)
    with pytest.raises(ValueError, match="needed"):
        fit_head(x, ["flat"] * 20, families[:20], look_through(x))


def test_a_value_with_too_few_labels_is_never_said_and_counts_as_an_error():
    x, values, groups = cloud(80, apart=3.0)
    values[:3] = ["collage"] * 3
    fitted = fit_head(x, values, groups, look_through(x))
    assert fitted.head.classes == CLASSES
    assert fitted.metrics["accuracy"] <= 77 / 80


def test_a_family_is_never_split_over_folds_and_classes_are_spread():
    groups = [f"family {n % 23}" for n in range(100)]
    values = ["rare" if n % 23 in (1, 2, 3, 4, 5) else "usual" for n in range(100)]
    fold = folds_of(groups, values, seed=0)
    for group in set(groups):
        assert len({fold[n] for n in range(100) if groups[n] == group}) == 1
    rare = {fold[n] for n in range(100) if values[n] == "rare"}
    assert len(rare) == 5


def test_a_forest_kept_as_arrays_says_what_scikit_learn_says():
    from sklearn.ensemble import ExtraTreesClassifier

    x, values, _ = cloud(90, apart=0.7)
    target = np.array([CLASSES.index(value) for value in values])
    ours = grow(x, target, 3, seed=4).probabilities(x[:20] + 0.1)
    theirs = ExtraTreesClassifier(160, max_features=0.2, random_state=4).fit(x, target)
    np.testing.assert_allclose(ours, theirs.predict_proba(x[:20] + 0.1), atol=1e-6)


def test_coverage_is_the_largest_share_that_is_right_often_enough():
    sure = np.linspace(1, 0.5, 100, dtype=np.float32)
    right = np.ones(100, dtype=bool)
    right[50:] = False
    assert coverage(sure, right) == pytest.approx(51 / 100)
    assert coverage(sure, ~right) == 0
