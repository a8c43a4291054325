import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch

from lowdiff.errors import ContractError, InputError, ServiceError
from lowdiff.models.encoders import FittedEncoder, TextEncoder, find_encoder
from tests.models.tiny_encoders import saved_encoder

TEXTS = ["a raccoon", "A red square with the words “SALE 50%”, one large centred figure.", "狸"]
CAPTIONS = [
    "A red square, on a white ground.", "a blue square", "A raccoon, small.", "a raccoon, huge",
]  # fmt: skip


@pytest.fixture(scope="module")
def minilm() -> TextEncoder:
    return find_encoder("minilm")


@pytest.fixture(scope="module", params=["clip", "bert", "roberta"])
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    folder = saved_encoder(request.param, tmp_path_factory.mktemp(request.param))
    return find_encoder(f"{request.param}:{folder}")


def fitted(name: str) -> TextEncoder:
    encoder = find_encoder(name)
    assert isinstance(encoder, FittedEncoder)
    encoder.fit(CAPTIONS)
    return encoder


def test_encoding_twice_gives_the_same_features(minilm: TextEncoder):
    (first, _), (second, _) = minilm.encode(TEXTS), minilm.encode(TEXTS)
    assert all(torch.equal(one, two) for one, two in zip(first, second, strict=True))


def test_a_text_does_not_depend_on_its_neighbours(minilm: TextEncoder):
    together, _ = minilm.encode(TEXTS)
    alone, _ = minilm.encode(TEXTS[:1])
    length = alone.tokens.shape[1]
    torch.testing.assert_close(together.tokens[:1, :length], alone.tokens, atol=1e-4, rtol=0)
    torch.testing.assert_close(together.pooled[:1], alone.pooled, atol=1e-4, rtol=0)
    assert not together.mask[0, length:].any()
    assert not together.tokens[0, length:].any()


def test_like_sentences_lie_nearer_than_unlike_ones(minilm: TextEncoder):
    features, _ = minilm.encode(["a raccoon", "a small grey animal", "an invoice for March"])
    near, far = features.pooled[0] @ features.pooled[1:].T
    assert near > far + 50


def test_long_texts_are_cut_and_counted(minilm: TextEncoder):
    features, cut = minilm.encode(["word " * 500, "word"])
    assert cut == [True, False]
    assert features.mask.sum(1).tolist() == [minilm.max_tokens, 3]


def test_no_text_at_all_is_fine(minilm: TextEncoder):
    features, cut = minilm.encode([])
    assert features.pooled.shape == (0, 384)
    assert cut == []


def test_an_empty_text_is_no_caption(minilm: TextEncoder):
    features, _ = minilm.encode(["", "a raccoon", " "])
    assert features.mask.any(1).tolist() == [False, True, False]


def test_an_encoder_of_a_folder_tells_its_width_and_its_limit_before_it_loads(tiny: TextEncoder):
    limit = {"clip": 77, "bert": 512, "roberta": 512}[tiny.name.split(":")[0]]
    assert (tiny.width, tiny.max_tokens) == (16, limit)


def test_an_encoder_of_a_folder_cuts_counts_and_pools(tiny: TextEncoder):
    features, cut = tiny.encode(["raccoon " * 600, "a red raccoon", ""])
    assert cut == [True, False, False]
    assert features.mask.sum(1).tolist() == [tiny.max_tokens, 5, 0]
    assert features.tokens.shape == (3, tiny.max_tokens, 16)
    torch.testing.assert_close(features.pooled[1].square().mean(), torch.tensor(1.0))
    assert not features.pooled[2].any()
    states = features.tokens[1, :5]
    # CLIP's own pooled vector stands at the end of the text, the others' is the mean
    wanted = states[-1] if tiny.name.startswith("clip") else states.mean(0)
    unit = torch.nn.functional.normalize(wanted, dim=0) * 4
    torch.testing.assert_close(features.pooled[1], unit, atol=1e-5, rtol=0)


def test_the_version_follows_the_weights_not_the_folder(tmp_path: Path):
    first = saved_encoder("bert", tmp_path / "first")
    second = saved_encoder("bert", tmp_path / "second")
    version = find_encoder(f"bert:{first}").version()
    assert find_encoder(f"bert:{second}").version() == version
    config = second / "config.json"
    config.write_text(config.read_text().replace("gelu", "relu"))
    assert find_encoder(f"bert:{second}").version() != version


def test_a_folder_without_a_text_model_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"holds no text model.*save_pretrained"):
        _ = find_encoder(f"bert:{tmp_path}").width
    with pytest.raises(InputError, match="neither a folder here nor a model of the hub"):
        _ = find_encoder(f"roberta:{tmp_path / 'nowhere'}").width


def test_a_hub_out_of_reach_is_a_service_that_failed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ServiceError, match=r"cannot be fetched.*clip:PATH"):
        find_encoder("clip").version()


def test_tfidf_is_that_of_scikit_learn_after_a_way_over_the_disk():
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    encoder, again = fitted("tfidf:3"), find_encoder("tfidf:3")
    assert isinstance(encoder, FittedEncoder)
    assert isinstance(again, FittedEncoder)
    again.load(encoder.state())
    assert again.version() == encoder.version()
    texts = [*CAPTIONS, "a raccoon, red"]
    features, cut = again.encode(texts)
    vectorizer = TfidfVectorizer().fit(sorted(CAPTIONS))
    weights = vectorizer.transform(sorted(CAPTIONS))
    svd = TruncatedSVD(3, algorithm="arpack", random_state=0).fit(weights)
    theirs = torch.tensor(svd.transform(vectorizer.transform(texts)))
    ours = features.pooled.double() * theirs.norm(dim=1, keepdim=True) / 3**0.5
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert torch.equal(features.tokens[:, 0], features.pooled)
    assert not any(cut)


def test_words_that_were_never_seen_are_no_caption():
    for name in ("tfidf", "class"):
        features, _ = fitted(name).encode(["zebra crossing", "a raccoon, huge", ""])
        assert features.mask.any(1).tolist() == [False, True, False]


def test_a_class_is_what_stands_before_the_first_comma():
    encoder = fitted("class")
    features, _ = encoder.encode(["A RACCOON, tiny", "a raccoon", "a red square."])
    assert encoder.width == 3
    assert torch.equal(features.pooled[0], features.pooled[1])
    assert (features.pooled != 0).sum(1).tolist() == [1, 1, 1]
    assert features.pooled[2] @ features.pooled[0] == 0


def test_what_was_not_learned_or_belongs_to_another_is_refused():
    for name in ("tfidf", "class"):
        with pytest.raises(ContractError, match="has learned no"):
            find_encoder(name).encode(["a raccoon"])
    tfidf, classes = fitted("tfidf"), find_encoder("class")
    assert isinstance(tfidf, FittedEncoder)
    assert isinstance(classes, FittedEncoder)
    with pytest.raises(ContractError, match="belongs to another encoder"):
        classes.load(tfidf.state())
    with pytest.raises(InputError, match="finds no words"):
        tfidf.fit(["", "…"])


def test_bytes_spell_every_text_and_none_is_the_other():
    encoder = find_encoder("bytes")
    texts = ["a", "b", "ab", "ba", "é", "狸"]
    features, cut = encoder.encode(texts)
    assert features.mask.sum(1).tolist() == [1, 1, 2, 2, 2, 3]
    read = []
    for tokens, mask in zip(features.tokens, features.mask, strict=True):
        high, low = tokens[mask][:, :16].argmax(1), tokens[mask][:, 16:].argmax(1)
        read.append(bytes((high * 16 + low).tolist()).decode())
    assert read == texts
    assert cut == [False] * 6


def test_bytes_are_not_cut_inside_a_character():
    features, cut = find_encoder("bytes").encode(["狸" * 100])
    assert cut == [True]
    assert int(features.mask.sum()) == 255


def test_joined_encoders_stand_side_by_side_without_gaps():
    joined, minilm = find_encoder("minilm+bytes"), find_encoder("minilm")
    texts = ["a raccoon", "a", ""]
    features, _ = joined.encode(texts)
    own, _ = minilm.encode(texts)
    spelled, _ = find_encoder("bytes").encode(texts)
    assert joined.width == 416
    assert features.mask.sum(1).tolist() == (own.mask.sum(1) + spelled.mask.sum(1)).tolist()
    for row in range(2):
        words, letters = int(own.mask[row].sum()), int(spelled.mask[row].sum())
        tokens = features.tokens[row]
        assert features.mask[row, : words + letters].all()
        assert torch.equal(tokens[:words, :384], own.tokens[row, :words])
        assert torch.equal(tokens[words : words + letters, 384:], spelled.tokens[row, :letters])
        assert not tokens[:words, 384:].any()
        assert not tokens[words:, :384].any()
    assert torch.equal(features.pooled, torch.cat([own.pooled, spelled.pooled], dim=1))


def test_joined_encoders_learn_and_remember_each_for_itself():
    first, second = fitted("class+bytes+tfidf:2"), find_encoder("class+bytes+tfidf:2")
    assert isinstance(first, FittedEncoder)
    assert isinstance(second, FittedEncoder)
    second.load(first.state())
    (ours, cut), (theirs, _) = first.encode(TEXTS), second.encode(TEXTS)
    assert torch.equal(ours.tokens, theirs.tokens)
    assert first.version() == second.version()
    assert cut == [False] * 3


def test_without_a_context_nothing_is_a_caption():
    features, _ = find_encoder("none").encode(TEXTS)
    assert not features.mask.any()


def test_an_unknown_encoder_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"word2vec: is not known.*minilm"):
        find_encoder("minilm+word2vec")
    for name in ("minilm:big", "bytes:9", "class:5", "tfidf:many", "tfidf:0"):
        with pytest.raises(InputError, match=r"after its name"):
            find_encoder(name)


def test_asking_for_an_encoder_loads_no_heavy_package():
    code = (
        "import sys; from lowdiff.models.encoders import find_encoder; "
        "find_encoder('minilm').version(); "
        "sys.exit(any(name in sys.modules for name in ('transformers', 'sentence_transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
