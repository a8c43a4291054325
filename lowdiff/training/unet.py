"""Train the denoiser of a dataset version in the latent space of an autoencoder."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import torch

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.datasets.read import Version
from lowdiff.errors import ContractError, InputError
from lowdiff.models.denoiser import DenoiserConfig
from lowdiff.models.denoisers import build_config, build_denoiser, fitted
from lowdiff.models.encoders import FittedEncoder, TextEncoder
from lowdiff.models.presets import Preset
from lowdiff.sampling.device import pick_accelerator, place
from lowdiff.sampling.load import load_encoder, load_vae, load_weights
from lowdiff.sampling.run_folder import (
    CONFIG_FILE,
    TEXT_ENCODER_FILE,
    WEIGHTS_FILE,
    read_json,
    weights_sha256,
)
from lowdiff.training.augment import PARAMETERS
from lowdiff.training.captions import load_captions
from lowdiff.training.checkpoint import save_tensors
from lowdiff.training.data import check_version, dataset_record
from lowdiff.training.denoise import UnetTask
from lowdiff.training.examples import Encoder
from lowdiff.training.launch import Launch
from lowdiff.training.loop import Loop
from lowdiff.training.origins import origins_of
from lowdiff.training.progress import OnProgress
from lowdiff.training.runs import TrainedRun, train_run
from lowdiff.training.schedule import step_seed
from lowdiff.training.texts import encode_texts, ready_encoder
from lowdiff.workspace import Workspace


def train_unet(
    version: Version,
    *,
    vae_dir: Path,
    preset: Preset,
    workspace: Workspace,
    catalog: Catalog,
    parent: Path | None = None,
    seed: int = 0,
    device: str | None = None,
    on_progress: OnProgress | None = None,
    launch: Launch | None = None,
    now: Callable[[], datetime] = utc_now,
) -> TrainedRun:
    """Train a denoiser, or find the run that did, or go on with the one that was interrupted.

    Args:
        vae_dir: a finished autoencoder run.
        parent: a denoiser run to start from; it must live in the same latent space.
        device: default: a GPU where there is one.
        launch: how the hardware is used.

    Raises:
        InputError: the dataset has no training images, or there is no such device.
        ContractError: the parent belongs to another autoencoder or is of another architecture, the
            loss is not a number any more, or the checkpoint is damaged.
        ServiceError: another process trains the same run, or the disk is full.
    """
    accelerator = pick_accelerator(device)
    launch = launch or Launch()
    check_version(version)
    words = _text_encoder(version, preset.unet.text_encoder, parent)
    preset = _fitted(preset, vae_dir, words)
    config = unet_config(
        version, vae_dir=vae_dir, preset=preset, words=words, parent=parent, seed=seed
    )

    def train(folder: Path) -> dict[str, Any]:
        if launch.workers.first and isinstance(words, FittedEncoder):
            save_tensors(words.state(), folder / TEXT_ENCODER_FILE)
        encoder = Encoder(
            version, load_vae(vae_dir, device=accelerator.device), str(config["vae_sha256"]),
            preset, workspace.cache, accelerator,
        )  # fmt: skip
        with launch.workers.first_goes_ahead():
            task = _task(encoder, words, seed=seed)
        if parent is not None:
            load_weights(task.module, parent / WEIGHTS_FILE, widen=preset.unet.inpaint)
        loop = Loop(
            task, preset.unet.train, steps=config["steps"], seed=seed, folder=folder,
            accelerator=accelerator, on_progress=on_progress, launch=launch,
        )  # fmt: skip
        loop.run()
        if not launch.workers.first:
            return {}
        unet = loop.averaged()
        save_tensors(unet.state_dict(), folder / WEIGHTS_FILE)
        return {**loop.told(), "captions_cut": task.texts.cut, **task.validate(unet)}

    return train_run(
        config, workspace=workspace, catalog=catalog, accelerator=accelerator, now=now,
        train=train, origins=lambda: origins_of(version, parent=parent), launch=launch,
    )  # fmt: skip


def unet_config(
    version: Version,
    *,
    vae_dir: Path,
    preset: Preset,
    words: TextEncoder,
    parent: Path | None,
    seed: int,
) -> dict[str, Any]:
    """Everything that the weights depend on; its digest is the run's id.

    Raises:
        ContractError: the parent belongs to another autoencoder or is of another architecture.
    """
    vae_sha256 = weights_sha256(vae_dir)
    recipe = asdict(preset.unet)
    model, plan = recipe.pop("model"), recipe.pop("train")
    recipe["text_encoder"] = {"name": words.name, "version": words.version()}
    if parent is not None:
        shape = {"arch": recipe["arch"], "text_encoder": words.version(), **model}
        _check_parent(
            parent, shape=shape, vae_dir=vae_dir, vae_sha256=vae_sha256, widen=recipe["inpaint"]
        )
    return {
        "kind": "unet",
        "preset": preset.name,
        "image_px": preset.image_px,
        "buckets": preset.buckets,
        "model": model,
        "train": plan,
        "steps": plan["steps"] if parent is None else plan["continue_steps"],
        **recipe,
        "seed": seed,
        "dataset": dataset_record(version),
        "vae_run_id": vae_dir.name,
        "vae_sha256": vae_sha256,
        "parent_run_id": None if parent is None else parent.name,
        "parent_sha256": None if parent is None else weights_sha256(parent),
    }


def _task(encoder: Encoder, words: TextEncoder, *, seed: int) -> UnetTask:
    """Encode images and captions (or read them back) and make a new denoiser."""
    preset, accelerator = encoder.preset, encoder.accelerator
    train, validation = encoder.examples("train"), encoder.examples("validation")
    prompts = [*preset.samples.prompts, *(one for one in validation.captions.full if one)]
    shown = prompts[: preset.samples.count]
    forms = [text for form in train.captions.forms() for text in form]
    texts = encode_texts(
        [*forms, *validation.captions.full, *shown],
        words,
        cache=encoder.cache,
        device=accelerator.device,
    )
    torch.manual_seed(step_seed(seed, -1))
    denoiser = place(build_denoiser(preset.unet.arch, preset.unet.model), accelerator.device)
    return UnetTask(
        denoiser, preset, train=train, validation=validation, texts=texts, prompts=shown,
        vae=encoder.vae, accelerator=accelerator,
    )  # fmt: skip


def _text_encoder(version: Version, name: str, parent: Path | None) -> TextEncoder:
    """The text encoder of a run: it learns from the captions, or it is the parent's."""
    if parent is not None and read_json(parent / CONFIG_FILE)["text_encoder"]["name"] == name:
        return load_encoder(parent)
    captions = load_captions(version, "train")
    return ready_encoder(name, [*captions.full, *captions.short])


def _fitted(preset: Preset, vae_dir: Path, words: TextEncoder) -> Preset:
    """The preset with a denoiser for the channels of this autoencoder and of the text encoder."""
    model = fitted(
        preset.unet.model,
        latent_channels=read_json(vae_dir / CONFIG_FILE)["model"]["latent_channels"],
        text_width=words.width,
    )
    told = 1 + model.latent_channels if preset.unet.inpaint else 0
    told += len(PARAMETERS) if preset.unet.augment.share else 0
    if told:
        model = _told(model, told, arch=preset.unet.arch)
    return replace(preset, unet=replace(preset.unet, model=model))


def _told(model: DenoiserConfig, channels: int, *, arch: str) -> DenoiserConfig:
    """The configuration with channels that tell of holes and of augmentation."""
    if not hasattr(model, "extra_channels"):
        raise InputError(
            f"denoiser {arch}",
            "cannot be told of holes or augmentation",
            reason="no_extra_channels",
            allowed="a denoiser with extra_channels, such as unet",
            do="Train without --inpaint, and with augment.share 0 in the preset.",
        )
    return cast(DenoiserConfig, replace(cast(Any, model), extra_channels=channels))


def _check_parent(
    parent: Path, *, shape: dict[str, Any], vae_dir: Path, vae_sha256: str, widen: bool
) -> None:
    """Refuse a parent whose weights do not fit; one that knows no holes may learn of them."""
    config = read_json(parent / CONFIG_FILE)
    if config.get("vae_sha256") != vae_sha256:
        raise ContractError(
            parent.name,
            "lives in the latent space of another autoencoder, so its weights mean nothing here",
            reason="other_vae",
            found=config.get("vae_run_id"),
            allowed=vae_dir.name,
            do="Train a new denoiser without --parent, or pass the parent's own --vae.",
        )
    arch = config.get("arch", "unet")
    own = asdict(cast(Any, build_config(arch, config["model"], item=parent)))
    theirs = {"arch": arch, "text_encoder": config["text_encoder"]["version"], **own}
    if widen and not own.get("extra_channels"):
        theirs["extra_channels"] = shape["extra_channels"]
    if theirs != shape:
        different = sorted(
            name for name in theirs.keys() | shape.keys() if theirs.get(name) != shape.get(name)
        )
        raise ContractError(
            parent.name,
            "has another architecture",
            reason="other_architecture",
            found=", ".join(f"{name} = {theirs.get(name)}" for name in different),
            allowed=", ".join(f"{name} = {shape.get(name)}" for name in different),
            do=f"Use the parent's preset, {config.get('preset')}.",
        )
