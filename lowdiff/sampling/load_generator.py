"""Everything of a finished run that drawing needs."""

from pathlib import Path

import torch

from lowdiff.errors import ContractError
from lowdiff.models.objectives.objective import objective_of_run
from lowdiff.sampling.device import pick_accelerator
from lowdiff.sampling.generator import Generator
from lowdiff.sampling.load import load_denoiser, load_encoder, load_vae
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json, weights_sha256
from lowdiff.sampling.snapshots import load_snapshot


def load_generator(
    run_dir: Path,
    vae_dir: Path,
    *,
    device: torch.device | str | None = None,
    weak: int | None = None,
) -> Generator:
    """The generator of a finished denoiser run and its autoencoder run.

    Args:
        device: default: a GPU where there is one.
        weak: lead away from the run's own snapshot after at most so many images (autoguidance).

    Raises:
        ContractError: a folder is no such run, or the denoiser was trained in the latent space of
            another autoencoder.
        InputError: there is no snapshot up to there.
    """
    accelerator = pick_accelerator(None if device is None else str(device))
    config = read_json(run_dir / CONFIG_FILE)
    unet = load_denoiser(run_dir, device=accelerator.device)
    wanted, found = config["vae_sha256"], weights_sha256(vae_dir)
    if wanted != found:
        raise ContractError(
            run_dir,
            "was trained in the latent space of another autoencoder",
            reason="other_vae",
            found=f"{vae_dir.name} ({found[:12]})",
            allowed=f"{config['vae_run_id']} ({str(wanted)[:12]})",
        )
    return Generator(
        run_id=run_dir.name,
        dataset_digest=str(config["dataset"]["digest"]),
        image_px=int(config["image_px"]),
        unet=unet,
        vae=load_vae(vae_dir, device=accelerator.device),
        encoder=load_encoder(run_dir),
        accelerator=accelerator,
        objective=objective_of_run(config, item=run_dir),
        weak=None if weak is None else load_snapshot(run_dir, weak, device=accelerator.device),
        told_of_holes=bool(config.get("inpaint", False)),
    )
