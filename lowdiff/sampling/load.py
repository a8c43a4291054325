"""Read trained models back from their run folders."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lowdiff.errors import ContractError
from lowdiff.models.autoencoders import build_autoencoder
from lowdiff.models.denoiser import Denoiser
from lowdiff.models.denoisers import build_denoiser
from lowdiff.models.encoders import FittedEncoder, TextEncoder, find_encoder
from lowdiff.models.vae import Vae
from lowdiff.sampling.device import place
from lowdiff.sampling.run_folder import CONFIG_FILE, TEXT_ENCODER_FILE, WEIGHTS_FILE, read_json


def load_vae(vae_dir: Path, *, device: torch.device | str = "cpu") -> Vae:
    """The autoencoder of a run, ready to encode and decode.

    Raises:
        ContractError: the folder is no autoencoder run, or its weights do not fit.
    """
    arch, model = _model_config(vae_dir, "vae")
    vae = build_autoencoder(arch or "conv", model, item=vae_dir)
    load_weights(vae, vae_dir / WEIGHTS_FILE)
    return place(vae, device).eval().requires_grad_(False)


def load_denoiser(run_dir: Path, *, device: torch.device | str = "cpu") -> Denoiser:
    """The denoiser of a run, with its averaged weights.

    Raises:
        ContractError: the folder is no denoiser run, or its weights do not fit.
    """
    arch, model = _model_config(run_dir, "unet")
    denoiser = build_denoiser(arch or "unet", model, item=run_dir)
    load_weights(denoiser, run_dir / WEIGHTS_FILE)
    return place(denoiser, device).eval().requires_grad_(False)


def load_encoder(run_dir: Path) -> TextEncoder:
    """The text encoder that a denoiser was trained with, and what it learned of the captions.

    Raises:
        InputError: its weights are not where the run says.
        ContractError: the run folder is damaged, or the encoder is another one today.
    """
    told = read_json(run_dir / CONFIG_FILE)["text_encoder"]
    encoder = find_encoder(str(told["name"]))
    path = run_dir / TEXT_ENCODER_FILE
    if isinstance(encoder, FittedEncoder) and path.is_file():
        encoder.load(read_tensors(path))
    if encoder.version() != told["version"]:
        raise ContractError(
            run_dir.name,
            f"was trained with another version of the text encoder {encoder.name}",
            reason="other_encoder",
            found=encoder.version(),
            allowed=told["version"],
            do="Put the version back that the run was trained with, or train a new run.",
        )
    return encoder


def load_weights(module: nn.Module, path: Path, *, widen: bool = False) -> None:
    """Fill a module from a safetensors file that must have exactly its tensors.

    Args:
        widen: the file may know fewer input channels of `conv_in`; those that it does not know
            have no say at first.

    Raises:
        ContractError: the file is missing, cut short, or of another architecture.
    """
    state = read_tensors(path)
    if widen and "conv_in.weight" in state:
        own, known = module.state_dict()["conv_in.weight"], state["conv_in.weight"]
        more = own.shape[1] - known.shape[1]
        if more > 0:
            state["conv_in.weight"] = nn.functional.pad(known, (0, 0, 0, 0, 0, more))
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if wanted != found:
        different = sorted(
            name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
        )
        raise ContractError(
            path,
            f"holds the weights of another architecture ({len(different)} tensors differ)",
            reason="other_architecture",
            found=f"{different[0]} {found.get(different[0], 'missing')}",
            allowed=wanted.get(different[0], "no such tensor"),
            do="Use the preset that the run was trained with.",
        )
    module.load_state_dict(state)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file.

    Raises:
        ContractError: the file is missing or cut short.
    """
    if not path.is_file():
        raise ContractError(
            path.parent,
            f"has no {path.name}",
            reason="run_incomplete",
            do="Run the `lowdiff train` command that made it again; it goes on where it stopped.",
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ContractError(
            path,
            f"is cut short or damaged ({error})",
            reason="weights_damaged",
            do="Delete this file and run the command that wrote it again.",
        ) from error


def _model_config(folder: Path, kind: str) -> tuple[str | None, dict[str, object]]:
    """The name and the shape of a run's model; runs of earlier versions have no name."""
    config = read_json(folder / CONFIG_FILE)
    if config.get("kind") != kind:
        raise ContractError(
            folder, "is a run of another kind", reason="other_kind", found=config.get("kind"),
            allowed=kind,
        )  # fmt: skip
    model = config.get("model")
    return config.get("arch"), model if isinstance(model, dict) else {}
