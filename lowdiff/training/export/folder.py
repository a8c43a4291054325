"""Write a finished run as a folder for `DiffusionPipeline.from_pretrained`."""

import json
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from lowdiff.errors import InputError
from lowdiff.models.encoders import FittedEncoder
from lowdiff.models.encoders.hub import HubEncoder
from lowdiff.sampling.generator import Generator
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.run_folder import CONFIG_FILE, read_json
from lowdiff.training.card import CARD_FILE
from lowdiff.training.disk import writing
from lowdiff.training.export.bundle import Bundle, bundle, digest_of
from lowdiff.training.export.text import STATE_FILE, TEXT_FILE, parts_of
from lowdiff.training.origins import LICENCES_FILE

ENTRIES = {
    "pipeline": "lowdiff.training.export.pipeline",
    "denoiser": "lowdiff.training.export.denoiser",
    "vae": "lowdiff.training.export.autoencoder",
    "text_encoder": "lowdiff.training.export.text",
}
"""What is loaded, and the module of ours that does it."""
CLASSES = {
    "pipeline": "LowdiffPipeline",
    "denoiser": "LowdiffDenoiser",
    "vae": "LowdiffAutoencoder",
    "text_encoder": "LowdiffText",
}
FORMATS = ("diffusers",)
WEIGHTS = "diffusion_pytorch_model.safetensors"
OF_A_TRANSFORMER = (".json", ".txt", ".model", ".safetensors", ".bin")


def export_run(run_dir: Path, vae_dir: Path, out: Path) -> dict[str, Any]:
    """Write a denoiser run with its autoencoder and text encoder as a pipeline of diffusers.

    Args:
        out: must not exist, or be empty.

    Returns:
        `folder`, `run`, `needs` (packages that it needs) and `bytes`.

    Raises:
        InputError: there is something in the folder already.
        ContractError: the run is not whole.
        ServiceError: the folder cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            out,
            "is not empty, and nothing in it is overwritten",
            reason="export_exists",
            do="Give a new folder, or remove this one.",
        )
    generator = load_generator(run_dir, vae_dir, device="cpu")
    config = read_json(run_dir / CONFIG_FILE)
    digest = digest_of(list(ENTRIES.values()))
    bundles = {name: bundle(module, digest=digest) for name, module in ENTRIES.items()}
    needs = sorted({"transformers", *(need for one in bundles.values() for need in one.needs)})
    aside = out.with_name(f".{out.name}.partial")
    with writing(out):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write_index(aside, bundles)
        _write_network(aside / "denoiser", bundles["denoiser"], generator.unet, _denoiser(config))
        _write_network(aside / "vae", bundles["vae"], generator.vae, _autoencoder(vae_dir))
        _write_text(aside / "text_encoder", bundles["text_encoder"], generator)
        (aside / "requirements.txt").write_text("".join(f"{need}\n" for need in needs))
        for name in (CARD_FILE, LICENCES_FILE):
            if (run_dir / name).is_file():
                shutil.copyfile(run_dir / name, aside / name)
        _add_use(aside / CARD_FILE, generator.run_id, needs)
        if out.exists():
            out.rmdir()
        aside.rename(out)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return {"folder": str(out), "run": generator.run_id, "needs": needs, "bytes": size}


def _denoiser(config: Mapping[str, Any]) -> dict[str, Any]:
    told = ("run_id", "objective", "time_mean", "time_std", "image_px", "dataset")
    return {
        "_class_name": CLASSES["denoiser"],
        "arch": config.get("arch", "unet"),
        "model": config["model"],
        "run": {name: config[name] for name in told if name in config},
    }


def _autoencoder(vae_dir: Path) -> dict[str, Any]:
    config = read_json(vae_dir / CONFIG_FILE)
    return {
        "_class_name": CLASSES["vae"],
        "arch": config.get("arch", "conv"),
        "model": config["model"],
    }


def _write_index(folder: Path, bundles: Mapping[str, Bundle]) -> None:
    index: dict[str, Any] = {
        "_class_name": [bundles["pipeline"].entry, CLASSES["pipeline"]],
        "_diffusers_version": _diffusers_version(),
    }
    for name in ("denoiser", "vae", "text_encoder"):
        index[name] = [bundles[name].entry, CLASSES[name]]
    _write_json(folder / "model_index.json", index)
    _write_files(folder, bundles["pipeline"])


def _write_network(
    folder: Path, code: Bundle, network: nn.Module, config: Mapping[str, Any]
) -> None:
    folder.mkdir()
    _write_files(folder, code)
    _write_json(folder / "config.json", {"_diffusers_version": _diffusers_version(), **config})
    state = {f"network.{name}": one.contiguous() for name, one in network.state_dict().items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})


def _write_text(folder: Path, code: Bundle, generator: Generator) -> None:
    folder.mkdir()
    _write_files(folder, code)
    encoder = generator.encoder
    parts = []
    for number, part in enumerate(parts_of(encoder)):
        if not isinstance(part, HubEncoder):
            parts.append({"name": part.name, "folder": None})
            continue
        kept = folder / str(number)
        kept.mkdir()
        for path in part.folder.iterdir():
            if path.suffix in OF_A_TRANSFORMER and path.is_file():
                shutil.copyfile(path, kept / path.name)
        parts.append({"name": part.name.partition(":")[0], "folder": str(number)})
    _write_json(folder / TEXT_FILE, {"parts": parts})
    if isinstance(encoder, FittedEncoder):
        save_file(encoder.state(), folder / STATE_FILE)


def _write_files(folder: Path, code: Bundle) -> None:
    for name, source in code.files.items():
        (folder / name).write_text(source, encoding="utf-8")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _diffusers_version() -> str:
    try:
        return metadata.version("diffusers")
    except metadata.PackageNotFoundError:
        return "0.35.0"


def _add_use(card: Path, run_id: str, needs: list[str]) -> None:
    before = card.read_text(encoding="utf-8") if card.is_file() else f"# {run_id}\n"
    use = f"""
## With diffusers

Needs {", ".join(needs)} (`pip install -r requirements.txt`), not lowdiff. The network is not one of
diffusers' own: its code lies in this folder, copied from lowdiff (Apache-2.0), so `from_pretrained`
must be allowed to run it.

```python
from diffusers import DiffusionPipeline

pipe = DiffusionPipeline.from_pretrained("this/folder", trust_remote_code=True)
picture = pipe("a raccoon", seed=0, num_inference_steps=20, guidance_scale=2.0).images[0]
```

The same prompt, seed and settings give the picture that `lowdiff generate` draws. Pictures of other
sizes: `height=`, `width=`; latents: `output_type="latent"`. Schedulers of diffusers, LoRA loaders
and offloading hooks do not apply to it.
"""
    card.write_text(before + use, encoding="utf-8")
