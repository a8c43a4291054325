import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lowdiff.errors import ContractError, InputError
from lowdiff.models.presets import AugmentConfig, tiny
from lowdiff.models.vae import Vae
from lowdiff.sampling.device import pick_accelerator
from lowdiff.training.augment import PARAMETERS, augmented
from lowdiff.training.buckets import Shape, bucket_shapes, fit_shape, nearest_shape
from lowdiff.training.captions import clauses, short_form, shuffled_form
from lowdiff.training.data import check_version
from lowdiff.training.examples import Encoder, load_buckets, refuse_mirrored_text
from tests.training.drawn import draw, shapes, write_dataset
from tests.training.trained import Lab

SIDES = [(64, 4), (256, 8), (800, 16), (32, 4)]


@pytest.mark.parametrize(("side_px", "factor"), SIDES)
def test_every_bucket_has_about_the_area_of_the_square_and_fits_the_autoencoder(side_px, factor):
    found = bucket_shapes(side_px, factor)
    assert Shape(side_px, side_px) in found
    for shape in found:
        assert shape.height_px % factor == shape.width_px % factor == 0
        assert shape.height_px * shape.width_px == pytest.approx(side_px**2, rel=0.07)
        assert Shape(shape.width_px, shape.height_px) in found


@settings(max_examples=30)
@given(st.integers(20, 400), st.integers(20, 400), st.sampled_from(SIDES))
def test_a_picture_in_its_bucket_keeps_its_ratio_and_most_of_itself(width, height, side):
    shape = nearest_shape(width, height, bucket_shapes(*side))
    ratio = (width / height) / (shape.width_px / shape.height_px)
    if max(width, height) / min(width, height) < 2.2:
        assert 1 / 1.2 < ratio < 1.2
    black = fit_shape(Image.new("RGB", (width, height), (0, 0, 0)), shape)
    assert black.size == (shape.width_px, shape.height_px)
    share = float((np.asarray(black) == 0).mean())
    assert share == pytest.approx(min(ratio, 1 / ratio), abs=0.05) or share == 1.0


def test_wide_and_tall_images_are_encoded_each_in_its_shape(lab, workspace):
    encoder = lab.encoder(replace(tiny(), buckets=True))
    examples = encoder.examples("train")
    sizes = [tuple(bucket.posterior.mean.shape[-2:]) for bucket in examples.buckets]
    assert sizes == [(12, 5), (8, 8), (5, 12)]
    rows = torch.cat([bucket.rows for bucket in examples.buckets]).tolist()
    assert sorted(rows) == list(range(lab.version.rows("train")))
    table = lab.version.read("train", ["caption"]).caption
    for bucket, word in zip(examples.buckets, ("tall", "square", "wide"), strict=True):
        assert all(word in table[row] for row in bucket.rows.tolist())


def test_a_denoiser_trains_on_pictures_of_every_shape(lab):
    preset = replace(tiny(), buckets=True)
    run = lab.unet(lab.vae(preset), preset)
    assert run.summary["val_loss"] > 0
    assert json.loads((run.folder / "config.json").read_text())["buckets"] is True


@pytest.fixture
def lab(workspace, catalog, now) -> "ManyShapes":
    made = []
    for shape, size in (("tall", (16, 40)), ("square", (32, 32)), ("wide", (40, 16))):
        for picture, caption in shapes(14)[:5]:
            sheet = Image.new("RGB", size, (255, 255, 255))
            sheet.paste(picture.resize((14, 14)), (1, 1))
            made.append((sheet, f"A {shape} picture, {caption}"))
    splits = {"train": made, "validation": made[:4], "test": []}
    return ManyShapes(write_dataset(workspace, catalog, now, splits), workspace, catalog)


class ManyShapes(Lab):
    def encoder(self, preset) -> Encoder:
        torch.manual_seed(0)
        vae = Vae(preset.vae.model).eval()
        device = pick_accelerator("cpu")
        return Encoder(self.version, vae, "0" * 64, preset, self.workspace.cache, device)


def test_augmented_copies_come_with_what_was_done_and_the_plain_images_with_nothing(lab):
    augment = AugmentConfig(share=0.5, copies=2)
    preset = tiny()
    preset = replace(preset, unet=replace(preset.unet, augment=augment))
    (bucket,) = lab.encoder(preset).examples("train").buckets
    count = lab.version.rows("train")
    assert len(bucket.rows) == count
    assert len(bucket.posterior.mean) == len(bucket.parameters) == 3 * count
    assert not bucket.parameters[:count].any()
    assert bucket.parameters[count:].any(dim=1).float().mean() > 0.8
    (plain,) = lab.encoder(preset).examples("validation").buckets
    assert not plain.parameters.any()


def test_a_run_with_augmentation_draws_without_being_told_of_any(lab):
    preset = tiny()
    preset = replace(preset, unet=replace(preset.unet, augment=AugmentConfig(share=0.5, copies=1)))
    run = lab.unet(lab.vae(), preset)
    assert json.loads((run.folder / "config.json").read_text())["model"]["extra_channels"] == len(
        PARAMETERS
    )
    assert run.summary["val_loss"] > 0
    assert (run.folder / "samples" / "step_000012.png").is_file()


def dot(x: int, y: int) -> torch.Tensor:
    pixels = torch.full((1, 33, 33, 3), 255, dtype=torch.uint8)
    pixels[0, y - 1 : y + 2, x - 1 : x + 2] = 0
    return pixels


def centre(pixels: torch.Tensor) -> tuple[float, float]:
    ink = 255 - pixels[0].float().mean(dim=-1)
    places = torch.arange(33.0)
    return float((ink.sum(0) * places).sum() / ink.sum()), float(
        (ink.sum(1) * places).sum() / ink.sum()
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_parameters_say_where_a_dot_has_moved(seed: int):
    none = {"scale": 0.0, "shift": 0.0, "turn_deg": 0.0}
    moved = augmented(dot(16, 16), AugmentConfig(**{**none, "shift": 0.2}), seed=seed)
    told = dict(zip(PARAMETERS, moved.parameters[0].tolist(), strict=True))
    x, y = centre(moved.images)
    assert (x - 16, y - 16) == pytest.approx((told["right"] * 33, told["down"] * 33), abs=0.3)
    turned = augmented(dot(24, 16), AugmentConfig(**{**none, "turn_deg": 60}), seed=seed)
    told = dict(zip(PARAMETERS, turned.parameters[0].tolist(), strict=True))
    x, y = centre(turned.images)
    cos, sin = told["turn_cos"] + 1, told["turn_sin"]
    assert (x - 16, y - 16) == pytest.approx((8 * cos, 8 * sin), abs=0.3)
    grown = augmented(dot(24, 16), AugmentConfig(**{**none, "scale": 0.3}), seed=seed)
    told = dict(zip(PARAMETERS, grown.parameters[0].tolist(), strict=True))
    assert centre(grown.images)[0] - 16 == pytest.approx(8 * 2 ** told["scale"], abs=0.3)
    flipped = augmented(dot(24, 16), AugmentConfig(**none, flip=True), seed=seed)
    told = dict(zip(PARAMETERS, flipped.parameters[0].tolist(), strict=True))
    assert centre(flipped.images)[0] - 16 == pytest.approx(8 * (1 - 2 * told["flip"]), abs=0.3)


def test_no_augmentation_changes_no_pixel_and_hue_leaves_grey_alone():
    pixels = torch.randint(0, 256, (4, 9, 9, 3), dtype=torch.uint8)
    still = augmented(pixels, AugmentConfig(scale=0.0, shift=0.0, turn_deg=0.0), seed=1)
    assert (still.images.int() - pixels.int()).abs().max() <= 1
    assert not still.parameters.any()
    grey = pixels[..., :1].expand(-1, -1, -1, 3).contiguous()
    only_hue = AugmentConfig(scale=0.0, shift=0.0, turn_deg=0.0, hue_deg=90)
    assert (augmented(grey, only_hue, seed=0).images.int() - grey.int()).abs().max() <= 1
    assert (augmented(pixels, only_hue, seed=0).images.int() - pixels.int()).abs().max() > 20


def test_images_with_words_are_never_mirrored(lab, workspace, catalog, now):
    refuse_mirrored_text(lab.version)  # it has no words
    signs = [(picture, caption, "SALE") for picture, caption in shapes(10)[:3]]
    splits = {"train": [*signs, *shapes(14)], "validation": [], "test": []}
    lab.version = write_dataset(workspace, catalog, now, splits, name="signs")
    preset = tiny()
    flips = AugmentConfig(share=0.1, flip=True)
    preset = replace(preset, unet=replace(preset.unet, augment=flips))
    with pytest.raises(InputError, match="3 of 15 training images with text"):
        lab.encoder(preset).examples("train")


def test_a_version_of_another_schema_is_refused_before_anything_is_computed(lab):
    lab.version.manifest["columns"].remove("caption")
    with pytest.raises(ContractError, match=r"another schema.*no column caption.*Export it again"):
        check_version(lab.version)


def test_latents_that_are_no_numbers_are_one_clear_error(lab):
    encoder = lab.encoder(tiny())
    with torch.no_grad():
        next(encoder.vae.parameters()).fill_(float("nan"))
    with pytest.raises(ContractError, match=r"not numbers.*Train the autoencoder again"):
        encoder.examples("train")


def test_the_clauses_of_a_caption_change_places_and_nothing_else():
    caption = 'A poster that says "Hello, world", blue, on a white ground.'
    assert clauses(caption) == ['A poster that says "Hello, world"', "blue", "on a white ground"]
    forms = {shuffled_form(caption, seed) for seed in range(20)}
    assert len(forms) > 3
    for form in forms:
        assert sorted(part.lower() for part in clauses(form)) == sorted(
            part.lower() for part in clauses(caption)
        )
        assert form[0].isupper()
        assert form.endswith(".")
    assert shuffled_form(caption, 3) == shuffled_form(caption, 3)
    assert shuffled_form("A raccoon", 0) == "A raccoon"
    assert shuffled_form("", 0) == ""
    assert short_form(caption) == 'A poster that says "Hello, world"'


def test_load_buckets_reads_pixels_as_they_are(workspace, catalog, now):
    red = draw("square", (255, 0, 0), 30, size_px=32)
    splits = {"train": [(red, "A red square")], "validation": [], "test": []}
    version = write_dataset(workspace, catalog, now, splits, name="one")
    ((pixels, rows),) = load_buckets(version, "train", side_px=32, factor=4)
    assert rows.tolist() == [0]
    assert np.array_equal(pixels[0].numpy(), np.asarray(red))
    assert load_buckets(version, "validation", side_px=32, factor=4) == []
