import json
from dataclasses import replace

import pytest
import torch

from lowdiff.catalog.tables import Run
from lowdiff.errors import ContractError, InputError, ServiceError
from lowdiff.models.presets import tiny
from lowdiff.models.vae import psnr_db
from lowdiff.sampling.device import pick_accelerator
from lowdiff.sampling.load import load_denoiser, load_vae
from lowdiff.training.data import load_pixels, to_images
from lowdiff.training.progress import read_metrics
from tests.training.drawn import drawn_version, write_dataset
from tests.training.trained import Lab, equal, weights


@pytest.fixture
def lab(version, workspace, catalog) -> Lab:
    return Lab(version, workspace, catalog)


def with_plan(preset, **more):
    """The preset with another training plan for both models."""
    return replace(
        preset,
        vae=replace(preset.vae, train=replace(preset.vae.train, **more)),
        unet=replace(preset.unet, train=replace(preset.unet.train, **more)),
    )


def test_latents_of_the_training_images_have_mean_zero_and_deviation_one(lab):
    vae = load_vae(lab.vae().folder)
    images = to_images(load_pixels(lab.version, "train", 32), torch.device("cpu"))
    with torch.no_grad(), pick_accelerator("cpu").autocast():
        latents = vae.encode(images)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.02
    assert (latents.std(dim=(0, 2, 3)) - 1).abs().max() < 0.02


def test_some_training_makes_reconstructions_better_than_plain_white(lab):
    run = lab.vae(with_plan(tiny(), steps=150, checkpoint_every=150, validate_every=150))
    vae = load_vae(run.folder)
    images = to_images(load_pixels(lab.version, "validation", 32), torch.device("cpu"))
    white = float(psnr_db(torch.ones_like(images), images).mean())
    assert float(psnr_db(vae.decode(vae.encode(images)), images).mean()) > white + 3
    assert run.summary["val_psnr_db"] > white + 3


def test_a_finished_run_is_found_and_another_seed_is_another_run(lab):
    first, again, other = lab.vae(), lab.vae(), lab.vae(seed=1)
    assert (first.found, again.found) == (False, True)
    assert (first.run_id, first.summary) == (again.run_id, again.summary)
    assert other.run_id != first.run_id
    assert not equal(weights(first), weights(other))


def test_the_run_folder_tells_everything(lab):
    vae = lab.vae()
    run = lab.unet(vae)
    config = json.loads((run.folder / "config.json").read_text())
    assert config["run_id"] == run.run_id
    assert config["vae_run_id"] == vae.run_id
    assert config["dataset"]["digest"] == lab.version.digest
    assert config["text_encoder"]["name"] == "minilm"
    rows = read_metrics(run.folder / "metrics.jsonl")
    assert [row["step"] for row in rows] == [2, 4, 6, 8, 10, 12]
    assert rows[-1]["images_seen"] == 48
    assert len(rows[-1]["val_loss_by_time"]) == len(rows[-1]["train_loss_by_time"]) == 5
    assert (run.folder / "samples" / "step_000012.png").is_file()
    assert json.loads((run.folder / "environment.json").read_text())["threads"] == 1
    assert json.loads((run.folder / "run.json").read_text())["state"] == "done"
    licences = json.loads((run.folder / "licences.json").read_text())
    assert licences["images"] == licences["licences"]["unknown"] == 24
    card = (run.folder / "README.md").read_text()
    assert lab.version.digest in card
    assert "Nobody said the licence of 24 training images" in card
    assert list((run.folder / "tensorboard").glob("events*"))
    assert not list(run.folder.rglob("*.pt")) + list(run.folder.rglob("*.pkl"))
    with lab.catalog.read() as session:
        row = session.get_one(Run, run.run_id)
        assert (row.kind, row.state, row.vae_run_id) == ("unet", "done", vae.run_id)
        assert row.summary == run.summary


def test_a_second_denoiser_reads_latents_and_texts_from_the_cache(lab):
    vae = lab.vae()
    lab.unet(vae)
    files = {path: path.stat().st_mtime_ns for path in lab.workspace.cache.rglob("*.safetensors")}
    lab.unet(vae, seed=1)
    assert files == {
        path: path.stat().st_mtime_ns for path in lab.workspace.cache.rglob("*.safetensors")
    }
    assert len(files) == 3  # latents of two splits, texts


def test_a_damaged_cache_is_made_again(lab):
    vae = lab.vae()
    lab.unet(vae)
    for path in lab.workspace.cache.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-8])
    again = lab.unet(vae, preset=replace(tiny(), name="again"))
    assert not again.found


def test_a_child_starts_from_its_parents_weights_on_new_data(lab, workspace, catalog, now):
    vae = lab.vae()
    parent = lab.unet(vae)
    lab.version = drawn_version(workspace, catalog, now, number=2, sides=(10, 24))
    still = with_plan(tiny(), learning_rate=0.0, weight_decay=0.0, ema_stds=())
    child = lab.unet(vae, preset=still, parent=parent.folder)
    assert child.summary["steps"] == 6
    assert equal(weights(child), weights(parent))
    with catalog.read() as session:
        assert session.get_one(Run, child.run_id).parent_run_id == parent.run_id


def test_a_parent_of_another_latent_space_is_refused(lab):
    first, second = lab.vae(), lab.vae(seed=1)
    parent = lab.unet(first)
    with pytest.raises(ContractError, match=f"another autoencoder.*{second.run_id}"):
        lab.unet(second, parent=parent.folder)


def test_a_parent_of_another_architecture_is_refused(lab):
    vae = lab.vae()
    parent = lab.unet(vae)
    wide = replace(tiny().unet.model, channels=(32, 32))
    other = replace(tiny(), unet=replace(tiny().unet, model=wide))
    with pytest.raises(ContractError, match=r"another architecture.*channels = \(16, 32\)"):
        lab.unet(vae, preset=other, parent=parent.folder)


def test_a_loss_that_is_no_number_is_one_clear_error_and_no_weights(lab):
    wild = with_plan(tiny(), learning_rate=1e30)
    with pytest.raises(ContractError, match=r"not a number.*Lower the learning rate"):
        lab.vae(wild)
    (folder,) = lab.workspace.runs.iterdir()
    assert not (folder / "weights.safetensors").exists()
    assert not (folder / "checkpoint" / "state.safetensors").exists()
    with lab.catalog.read() as session:
        assert session.query(Run).one().state == "failed"


def test_weights_of_another_architecture_or_cut_short_are_refused(lab):
    vae = lab.vae()
    unet = lab.unet(vae)
    with pytest.raises(ContractError, match="another kind"):
        load_denoiser(vae.folder)
    path = unet.folder / "weights.safetensors"
    body = path.read_bytes()
    path.write_bytes((vae.folder / "weights.safetensors").read_bytes())
    with pytest.raises(ContractError, match="another architecture"):
        load_denoiser(unet.folder)
    path.write_bytes(body[: len(body) // 2])
    with pytest.raises(ContractError, match="cut short"):
        load_denoiser(unet.folder)


def test_two_processes_never_train_into_one_folder(lab):
    def train_again(_progress):
        with pytest.raises(ServiceError, match="another process"):
            lab.vae()

    lab.vae(on_progress=train_again)


def test_a_dataset_without_training_images_is_refused(workspace, catalog, now):
    empty = write_dataset(
        workspace, catalog, now, {"train": [], "validation": [], "test": []}, name="empty"
    )
    with pytest.raises(InputError, match="no images to train on"):
        Lab(empty, workspace, catalog).vae()


def test_a_dataset_without_held_out_images_still_trains(workspace, catalog, now):
    from tests.training.drawn import shapes

    small = write_dataset(
        workspace, catalog, now, {"train": shapes(20), "validation": [], "test": []}, name="small"
    )
    lab = Lab(small, workspace, catalog)
    run = lab.unet(lab.vae())
    assert "val_loss" not in run.summary
    assert run.summary["train_loss"] > 0


def test_an_unknown_device_is_refused(lab):
    with pytest.raises(InputError, match="device abacus"):
        pick_accelerator("abacus")


def test_a_folder_that_cannot_be_written_is_a_service_that_failed(lab):
    lab.workspace.runs.write_text("a file where the runs should lie")
    with pytest.raises(ServiceError, match=r"cannot be written.*the same command"):
        lab.vae()


def test_data_that_the_catalog_does_not_know_is_refused(lab, tmp_path):
    from lowdiff.catalog import open_catalog
    from lowdiff.workspace import Workspace

    elsewhere = Workspace(tmp_path / "elsewhere").create()
    catalog = open_catalog(elsewhere)
    with pytest.raises(ContractError, match="dataset version that the catalog does not know"):
        Lab(lab.version, elsewhere, catalog).vae()
    catalog.close()
