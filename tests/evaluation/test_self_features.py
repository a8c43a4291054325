import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lowdiff.datasets.read import fit_square
from lowdiff.evaluation.distribution import kid, mind
from lowdiff.evaluation.families import MAX_REFERENCE
from lowdiff.evaluation.features import random_features, standardise
from lowdiff.evaluation.manifold import coverage, parts_inside
from lowdiff.evaluation.self_features import SelfFeatures, new_eye, self_features, train_eye
from lowdiff.evaluation.tower import Pairs
from lowdiff.models.contrastive import Eye, look, nt_xent
from lowdiff.models.encoders import find_encoder
from tests.evaluation.pictures import blurred, drawn


def pairs(n: int = 24) -> Pairs:
    generator = torch.Generator().manual_seed(0)
    return Pairs(drawn(range(n)), torch.randn(n, 16, generator=generator))


def test_the_loss_of_a_blind_eye_is_the_logarithm_of_all_other_looks():
    same = torch.nn.functional.normalize(torch.ones(8, 4), dim=-1)
    assert float(nt_xent(same, same)) == pytest.approx(math.log(15), abs=1e-5)


def test_the_loss_of_an_eye_that_tells_all_pictures_apart_is_nothing():
    assert float(nt_xent(torch.eye(8), torch.eye(8), temperature=0.05)) < 1e-5


def test_a_look_has_the_same_size_and_nearly_the_same_colours():
    red = torch.tensor([0.8, -0.9, -0.9]).view(1, 3, 1, 1).expand(16, 3, 32, 32)
    seen = look(red, torch.Generator().manual_seed(0))
    assert seen.shape == red.shape
    assert float((seen - red).abs().max()) < 0.35
    assert bool((seen[:, 0] > seen[:, 1] + 1).all())  # red stays red


def test_two_looks_at_one_picture_are_nearer_than_looks_at_two():
    shown = pairs(40)
    eye = train_eye(shown, steps=60)
    generator = torch.Generator().manual_seed(1)
    images = torch.from_numpy(shown.pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        first, second = (eye.compared(eye(look(images, generator))) for _ in range(2))
    similarity = first @ second.T
    own = similarity.argmax(1) == torch.arange(40)
    assert float(own.double().mean()) > 0.25  # chance is 1 in 40


def test_teaching_is_repeatable_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one = train_eye(pairs(), steps=3)
    assert torch.rand(1) == expected
    two = train_eye(pairs(), steps=3)
    for first, second in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)


def test_the_eye_of_a_version_is_taught_once_and_known_by_its_digest(tmp_path):
    known = {"dataset_digest": "d", "cache": tmp_path, "steps": 2}
    first = self_features(pairs(), **known)
    blank = Pairs(np.zeros_like(pairs().pixels), pairs().features)
    again = self_features(blank, **known)  # read, so the pixels do not matter
    other = self_features(pairs(), **known, seed=9)
    assert first.digest == again.digest != other.digest
    pictures = drawn(range(5))
    torch.testing.assert_close(first(pictures), again(pictures), rtol=0, atol=0)
    assert first(pictures).shape == (5, Eye().width)
    assert first(pictures[:0]).shape == (0, Eye().width)


@pytest.fixture(scope="module")
def graphics(test_data: Path) -> tuple[np.ndarray, list[str], list[str]]:
    """Real graphics at 64 px: pixels, captions, and the kind of each."""
    folder = test_data / "graphics"
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["set"] in ("noto_emoji", "logos", "hex_stickers")]
    pixels = []
    for row in rows:
        with Image.open(test_data / row["file"]) as image:
            rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        white.alpha_composite(rgba)
        pixels.append(np.asarray(fit_square(white, 64)))
    kinds = [row.get("label") or row["set"] for row in rows]
    return np.stack(pixels), [row["caption"] for row in rows], kinds


@pytest.mark.nightly
def test_a_linear_probe_finds_more_in_a_taught_eye_than_in_the_same_eye_untaught(graphics):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pixels, captions, kinds = graphics
    text, _ = find_encoder("minilm").encode(captions[0::2])
    eye = train_eye(Pairs(pixels[0::2], text.pooled))

    def probe(eye: Eye) -> float:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
        features = SelfFeatures(eye.eval(), "")(pixels[1::2]).numpy()
        return float(cross_val_score(model, features, kinds[1::2], cv=3).mean())

    taught, untaught = probe(eye), probe(new_eye())
    assert taught > untaught + 0.02


@pytest.mark.nightly
def test_both_spaces_rank_real_blurred_and_repeated_graphics(graphics):
    """The floor is below blur in random features, and one image repeated is far in both."""
    pixels, captions, _ = graphics
    text, _ = find_encoder("minilm").encode(captions[0::2])
    eye = SelfFeatures(train_eye(Pairs(pixels[0::2], text.pooled)).eval(), "")
    reference, real = pixels[1::4][:MAX_REFERENCE], pixels[3::4]
    sets = {"real": real, "blurred": blurred(real), "one": np.repeat(real[:1], len(real), 0)}
    for embed, sees_blur in ((eye, False), (random_features, True)):
        base, *found = standardise(embed(reference), *(embed(one) for one in sets.values()))
        near = dict(zip(sets, found, strict=True))
        for distance in (mind, kid):
            told = {name: distance(one, base) for name, one in near.items()}
            assert told["real"] < told["one"]
            assert told["real"] < told["blurred"] or not sees_blur
            assert told["blurred"] < told["one"]
        covered = {name: coverage(parts_inside(base, one)) for name, one in near.items()}
        assert covered["one"] < 0.2 < 0.7 < covered["real"]
