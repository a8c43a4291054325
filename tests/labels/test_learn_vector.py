"""An image becomes a vector: always of one length, never broken, and it tells what it should."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from lowdiff.errors import InputError
from lowdiff.labels.learn.features import (
    Builtin,
    features_batch,
    load_features,
    look_at,
    open_extractor,
    pending_features,
)
from lowdiff.labels.learn.sharp import sharpness
from lowdiff.labels.learn.vector import vector_of
from tests.labels.gallery import Gallery, disc

LENGTH = len(vector_of(np.zeros((40, 40, 4), np.uint8)))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**31), st.booleans())
def test_a_vector_has_one_length_and_is_finite_whatever_the_picture(height, width, seed, clear):
    dice = np.random.default_rng(seed)
    rgba = dice.integers(0, 256, (height, width, 4), dtype=np.uint8)
    if clear:
        rgba[..., 3] = 0
    found = vector_of(rgba, figure=(0.2, 0.2, 0.2, 0.9), quantization=3.0, bytes_per_pixel=0.1)
    assert found.shape == (LENGTH,)
    assert np.isfinite(found).all()


def test_equal_pictures_have_equal_vectors_and_other_pictures_others():
    one, other = (np.asarray(disc(3, outline=outline)) for outline in (True, False))
    np.testing.assert_array_equal(vector_of(one), vector_of(one.copy()))
    assert np.abs(vector_of(one) - vector_of(other)).max() > 0.1


def test_a_blurred_picture_is_measured_as_less_sharp():
    dice = np.random.default_rng(1)
    rough = dice.integers(0, 256, (30, 40, 4), dtype=np.uint8)
    sharp = np.kron(rough, np.ones((8, 8, 1), np.uint8))
    sharp[..., 3] = 255
    soft = np.dstack([cv2.GaussianBlur(sharp[..., :3], (0, 0), 4), sharp[..., 3]])
    # the first number is Crete's blur: near 0 for a sharp picture, near 1 for a blurred one
    assert sharpness(soft)[0] > sharpness(sharp)[0]
    assert sharpness(soft)[-1] < sharpness(sharp)[-1]  # energy of the highest frequencies


def test_a_look_tells_how_coarsely_a_jpeg_was_saved():
    looks = []
    for quality in (95, 10):
        file = io.BytesIO()
        disc(1, outline=False).convert("RGB").save(file, "JPEG", quality=quality)
        looks.append(look_at(file.getvalue(), "jpeg", item="a disc"))
    assert 1 <= looks[0].quantization < looks[1].quantization
    assert looks[0].bytes_per_pixel > looks[1].bytes_per_pixel


def test_features_are_made_once_and_kept_in_half_precision(catalog, store):
    gallery = Gallery(catalog, store)
    ids = sorted(gallery.put(disc(n, outline=bool(n % 2))) for n in range(5))
    assert pending_features(catalog, "builtin") == ids
    tools = {"catalog": catalog, "store": store, "extractor": Builtin()}
    assert features_batch(ids, workers=2, **tools) == (5, 0)
    assert pending_features(catalog, "builtin") == []
    assert pending_features(catalog, "hub:other") == ids
    assert features_batch(ids, **tools) == (0, 0)
    with catalog.read() as session:
        found, rows = load_features(session, "builtin")
    assert found == ids
    for image_id, row in zip(found, rows, strict=True):
        body = store.read(f"images/{image_id[:2]}/{image_id[2:4]}/{image_id}.png")
        look = look_at(body, "png", item=image_id, figure=(8 / 96, 8 / 96, 88 / 96, 88 / 96))
        np.testing.assert_allclose(row, Builtin()([look])[0], rtol=2e-3, atol=2e-3)


def test_a_picture_that_cannot_be_decoded_is_refused_once(catalog, store):
    gallery = Gallery(catalog, store)
    one = gallery.put(disc(0, outline=True))
    store.put(f"images/{one[:2]}/{one[2:4]}/{one}.png", b"not a picture any more")
    tools = {"catalog": catalog, "store": store, "extractor": Builtin()}
    assert features_batch([one], **tools) == (0, 1)
    assert pending_features(catalog, "builtin") == []
    with catalog.read() as session:
        assert load_features(session, "builtin")[0] == []


def test_unknown_features_are_refused_with_what_is_allowed():
    with pytest.raises(InputError, match="allowed builtin, hub:"):
        open_extractor("resnet")


@pytest.fixture(scope="module")
def tiny_vit(tmp_path_factory):
    """A real vision transformer with random weights, saved as people save theirs."""
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    folder = tmp_path_factory.mktemp("vit")
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=32, patch_size=16,
    )  # fmt: skip
    ViTModel(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def test_features_of_a_model_from_a_folder(tiny_vit, catalog, store):
    extractor = open_extractor(f"hub:{tiny_vit}")
    gallery = Gallery(catalog, store)
    ids = [gallery.put(disc(n, outline=bool(n % 2))) for n in range(3)]
    assert features_batch(ids, catalog=catalog, store=store, extractor=extractor) == (3, 0)
    with catalog.read() as session:
        found, rows = load_features(session, extractor.name)
    assert found == sorted(ids)
    assert rows.shape == (3, 16)
    assert len(np.unique(rows, axis=0)) == 3


def test_a_folder_without_a_model_is_told(tmp_path):
    Picture.new("RGB", (4, 4)).save(tmp_path / "picture.png")
    with pytest.raises(InputError, match="cannot be loaded by transformers"):
        open_extractor(f"hub:{tmp_path}")
