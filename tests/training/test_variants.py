import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from lowdiff.errors import ContractError
from lowdiff.models.encoders import find_encoder
from lowdiff.models.presets import tiny
from lowdiff.models.variants import with_autoencoder, with_denoiser, with_text
from lowdiff.sampling.load import load_denoiser, load_encoder, load_vae
from lowdiff.training.texts import encode_texts
from tests.training.trained import Lab, weights


@pytest.fixture
def lab(version, workspace, catalog) -> Lab:
    return Lab(version, workspace, catalog)


def test_only_captions_that_are_new_are_encoded_again(tmp_path):
    encoder, cpu = find_encoder("bytes"), torch.device("cpu")
    first = encode_texts(["a fox", "an owl"], encoder, cache=tmp_path, device=cpu)
    (kept,) = tmp_path.rglob("*.safetensors")
    second = encode_texts(["an owl", "a bat"], encoder, cache=tmp_path, device=cpu)
    (added,) = set(tmp_path.rglob("*.safetensors")) - {kept}
    assert len(load_file(added)["keys"]) == 1
    for table, texts in ((first, ["", "a fox", "an owl"]), (second, ["a bat", "an owl", ""])):
        rows, (wanted, _) = table.rows(table.index(texts)), encoder.encode(texts)
        assert torch.equal(rows.mask, wanted.mask)
        torch.testing.assert_close(rows.tokens, wanted.tokens)
        torch.testing.assert_close(rows.pooled, wanted.pooled, atol=1e-3, rtol=1e-3)


def test_texts_that_were_cut_are_counted_whether_they_come_from_the_cache_or_not(tmp_path):
    for _ in range(2):
        table = encode_texts(["x" * 300, "y"], "bytes", cache=tmp_path, device=torch.device("cpu"))
        assert table.cut == 1


def test_a_run_keeps_what_its_text_encoder_learned(lab):
    run = lab.unet(lab.vae(), preset=with_text(tiny(), "tfidf:6+bytes"))
    config = json.loads((run.folder / "config.json").read_text())
    encoder = load_encoder(run.folder)
    assert config["text_encoder"] == {"name": "tfidf:6+bytes", "version": encoder.version()}
    assert config["model"]["text_width"] == encoder.width == 38
    assert load_denoiser(run.folder).reader is not None
    state = run.folder / "text_encoder.safetensors"
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(ContractError, match="cut short"):
        load_encoder(run.folder)


def test_the_storys_models_train_and_come_back(lab):
    preset = with_autoencoder(tiny(), arch="linear", latent_channels=3)
    preset = with_text(with_denoiser(preset, "context"), "class")
    vae_run = lab.vae(preset)
    run = lab.unet(vae_run, preset)
    vae, denoiser = load_vae(vae_run.folder), load_denoiser(run.folder)
    text, _ = load_encoder(run.folder).encode(["A red circle, huge", "a whale"])
    assert text.mask[:, 0].tolist() == [True, False]
    with torch.no_grad():
        out = denoiser(torch.randn(2, 3, *vae.latent_size(32, 32)), torch.rand(2), text)
        assert vae.decode(out, size_px=(32, 32)).shape == (2, 3, 32, 32)


def test_crops_a_critic_and_own_weights_of_losses_train_an_autoencoder(lab):
    recipe = replace(
        tiny().vae,
        losses={"l1": 1.0, "random": 0.1, "adversarial": 0.1, "kl": 1e-3},
        critic_from=0.0,
        crop_px=16,
        crop_shares=(0.5, 1.0),
    )
    run = lab.vae(replace(tiny(), vae=recipe))
    assert not any(name.startswith("critic") for name in weights(run))
    assert load_vae(run.folder).encode(torch.zeros(1, 3, 32, 32)).isfinite().all()


def test_runs_from_before_there_were_names_still_load(lab):
    vae = lab.vae()
    run = lab.unet(vae)
    for folder in (vae.folder, run.folder):
        path = folder / "config.json"
        config = json.loads(path.read_text())
        del config["arch"]
        for later in ("text_layers", "extra_channels"):
            config["model"].pop(later, None)
        path.write_text(json.dumps(config))
    assert load_vae(vae.folder).config == tiny().vae.model
    assert load_denoiser(run.folder).config == tiny().unet.model


def test_a_parent_with_other_words_is_refused(lab):
    vae = lab.vae()
    parent = lab.unet(vae, preset=with_text(tiny(), "bytes"))
    with pytest.raises(ContractError, match="another architecture"):
        lab.unet(vae, preset=with_text(tiny(), "class"), parent=parent.folder)
