import numpy as np
import pytest
import torch

from lowdiff.evaluation.pixels import to_bytes, to_unit
from lowdiff.evaluation.similarity import ssim, thumbnail
from lowdiff.models.vae import psnr_db
from tests.evaluation.pictures import blurred, drawn, noise


def grey(value: int, n: int = 1) -> np.ndarray:
    return np.full((n, 32, 32, 3), value, np.uint8)


def test_psnr_of_a_known_error_is_its_closed_form():
    found = psnr_db(to_unit(grey(100)), to_unit(grey(110)))
    assert float(found) == pytest.approx(20 * np.log10(255 / 10), abs=1e-3)


def test_equal_images_have_an_ssim_of_one():
    assert ssim(noise(3), noise(3)).tolist() == pytest.approx([1.0] * 3)


def test_ssim_of_two_plain_images_is_its_closed_form():
    a, b, c1 = 100 / 255, 180 / 255, 0.01**2
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert float(ssim(grey(100), grey(180))) == pytest.approx(expected, rel=1e-6)


def test_ssim_is_symmetric_and_falls_with_damage():
    images = drawn(range(8))
    light, heavy = blurred(images), noise(8)
    torch.testing.assert_close(ssim(images, light), ssim(light, images))
    assert (ssim(images, light) > ssim(images, heavy)).all()


def test_ssim_agrees_with_torchmetrics_where_the_window_fits():
    from torchmetrics.functional.image import structural_similarity_index_measure

    first, second = drawn(range(6)), blurred(drawn(range(6)))
    _, places = structural_similarity_index_measure(
        (to_unit(first) + 1) / 2,
        (to_unit(second) + 1) / 2,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    inner = places[..., 5:-5, 5:-5].flatten(1).mean(1)  # it mirrors the borders, the paper does not
    torch.testing.assert_close(ssim(first, second).float(), inner, rtol=0, atol=1e-3)


def test_a_larger_thumbnail_loses_less():
    images = drawn(range(6))
    near = psnr_db(to_unit(images), to_unit(thumbnail(images, 24)))
    far = psnr_db(to_unit(images), to_unit(thumbnail(images, 6)))
    assert (near > far).all()


def test_bytes_survive_the_way_to_floats_and_back():
    images = noise(2)
    np.testing.assert_array_equal(to_bytes(to_unit(images)), images)
    assert to_bytes(torch.tensor([[[[3.0]], [[-3.0]], [[0.0]]]])).tolist() == [[[[255, 0, 128]]]]
