import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lowdiff.errors import InputError
from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.noise import noise_of
from lowdiff.sampling.sample import Drawer, sample
from lowdiff.sampling.settings import Sampling
from lowdiff.training.export.bundle import bundle, digest_of
from lowdiff.training.export.folder import export_run

PROMPTS = ["A red circle", ""]
SEEDS = [3, 4]

ELSEWHERE = """
import sys
for name in ("lowdiff", "jaxtyping"):
    sys.modules[name] = None  # importing it is an error from here on
import json
import torch
from diffusers import DiffusionPipeline
from safetensors.torch import save_file

torch.set_num_threads(1)
folder, out, asked = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
pipe = DiffusionPipeline.from_pretrained(folder, trust_remote_code=True)
latents = pipe(asked["prompts"], seed=asked["seeds"], num_inference_steps=3, output_type="latent")
picture = pipe(asked["prompts"][0], seed=1, num_inference_steps=1, height=40, width=24).images[0]
assert picture.size == (24, 40), picture.size
assert not any(name.startswith("lowdiff.") for name in sys.modules)
save_file({"latents": latents.images.contiguous()}, out)
"""


def test_an_exported_run_draws_the_same_latents_where_lowdiff_is_not(lab, tmp_path):
    vae, run = lab.vae_run, lab.unet_run
    out = tmp_path / "exported"
    record = export_run(run.folder, vae.folder, out)
    assert {"torch", "diffusers", "transformers"} <= set(record["needs"])
    assert "jaxtyping" not in record["needs"]
    with pytest.raises(InputError, match="nothing in it is overwritten"):
        export_run(run.folder, vae.folder, out)

    generator = load_generator(run.folder, vae.folder, device="cpu")
    text, _ = generator.encoder.encode(PROMPTS)
    noise = noise_of(SEEDS, generator.latent_shape((32, 32)))
    drawer = Drawer(generator.objective, generator.unet, Sampling(steps=3))
    with torch.no_grad(), generator.accelerator.autocast():
        wanted = sample(drawer, text, noise, seeds=SEEDS)

    found = from_elsewhere(out, tmp_path / "latents.safetensors")
    assert wanted.std() > 0.1
    assert (found - wanted).abs().max() < 1e-4


def from_elsewhere(folder: Path, out: Path) -> torch.Tensor:
    from safetensors.torch import load_file

    asked = json.dumps({"prompts": PROMPTS, "seeds": SEEDS})
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(folder), str(out), asked],
        check=True,
        cwd=folder.parent,
        env={**os.environ, "HF_MODULES_CACHE": str(folder.parent / "modules"), "PYTHONPATH": ""},
    )
    return load_file(out)["latents"]


def test_a_bundle_names_no_module_of_ours_and_changes_its_name_with_its_code():
    entry = "lowdiff.models.denoisers"
    made = bundle(entry, digest=digest_of([entry]))
    assert f"{made.entry}.py" in made.files
    for name, source in made.files.items():
        compile(source, name, "exec")
        assert "from lowdiff." not in source
        assert "jaxtyping import" not in source
    assert digest_of([entry]) != digest_of(["lowdiff.models.vae"])
    listed = made.files[f"{made.entry}.py"]
    assert all(f".{name.removesuffix('.py')} import" in listed for name in made.files
               if name != f"{made.entry}.py")  # fmt: skip
