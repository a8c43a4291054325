import json
import shutil

from lowdiff.sampling.load_generator import load_generator
from lowdiff.sampling.settings import Sampling

FIRST_UNET = (
    "latent_channels", "channels", "blocks", "attention_levels", "head_width", "condition_width",
    "text_width", "dropout",
)  # fmt: skip
FIRST_VAE = ("channels", "encoder_blocks", "decoder_blocks", "latent_channels", "patch")


def test_a_run_of_the_first_version_still_draws_the_same(lab, tmp_path):
    """Its config names its objective, tells no kind of network and no field that came later."""
    vae_dir, run_dir = tmp_path / lab.vae_run.run_id, tmp_path / lab.unet_run.run_id
    shutil.copytree(lab.vae_run.folder, vae_dir)
    shutil.copytree(lab.unet_run.folder, run_dir, ignore=shutil.ignore_patterns("snapshots"))
    for folder, fields in ((vae_dir, FIRST_VAE), (run_dir, FIRST_UNET)):
        config = json.loads((folder / "config.json").read_text())
        model = {name: config["model"][name] for name in fields}
        old = {**config, "model": model, "objective": "flow", "time_mean": 0.0, "time_std": 1.0}
        for later in ("arch", "buckets", "augment", "losses", "inpaint", "crop_px"):
            old.pop(later, None)
        (folder / "config.json").write_text(json.dumps(old))
    drawn = [
        load_generator(run, vae, device="cpu").generate(
            ["a red circle"], seeds=[1], how=Sampling(steps=2)
        )[0]
        for run, vae in ((lab.unet_run.folder, lab.vae_run.folder), (run_dir, vae_dir))
    ]
    assert drawn[0].tobytes() == drawn[1].tobytes()
