import subprocess
import sys

import pytest
import torch

from lowdiff.errors import ContractError
from lowdiff.models.encoders import MiniLm, find_encoder

TEXTS = ["a raccoon", "A red square with the words “SALE 50%”, one large centred figure.", "狸"]


@pytest.fixture(scope="module")
def minilm() -> MiniLm:
    return MiniLm()


def test_encoding_twice_gives_the_same_features(minilm: MiniLm):
    (first, _), (second, _) = minilm.encode(TEXTS), minilm.encode(TEXTS)
    assert all(torch.equal(one, two) for one, two in zip(first, second, strict=True))


def test_a_text_does_not_depend_on_its_neighbours(minilm: MiniLm):
    together, _ = minilm.encode(TEXTS)
    alone, _ = minilm.encode(TEXTS[:1])
    length = alone.tokens.shape[1]
    torch.testing.assert_close(together.tokens[:1, :length], alone.tokens, atol=1e-4, rtol=0)
    torch.testing.assert_close(together.pooled[:1], alone.pooled, atol=1e-4, rtol=0)
    assert not together.mask[0, length:].any()
    assert not together.tokens[0, length:].any()


def test_like_sentences_lie_nearer_than_unlike_ones(minilm: MiniLm):
    features, _ = minilm.encode(["a raccoon", "a small grey animal", "an invoice for March"])
    near, far = features.pooled[0] @ features.pooled[1:].T
    assert near > far + 50


def test_long_texts_are_cut_and_counted(minilm: MiniLm):
    features, cut = minilm.encode(["word " * 500, "word"])
    assert cut == 1
    assert features.mask.sum(1).tolist() == [minilm.max_tokens, 3]


def test_no_text_at_all_is_fine(minilm: MiniLm):
    features, cut = minilm.encode([])
    assert features.pooled.shape == (0, 384)
    assert cut == 0


def test_an_empty_text_is_no_caption(minilm: MiniLm):
    features, _ = minilm.encode(["", "a raccoon", " "])
    assert features.mask.any(1).tolist() == [False, True, False]


def test_an_unknown_encoder_is_refused_with_the_known_ones():
    with pytest.raises(ContractError, match="minilm"):
        find_encoder("clip")


def test_asking_for_an_encoder_loads_no_heavy_package():
    code = (
        "import sys; from lowdiff.models.encoders import find_encoder; "
        "find_encoder('minilm').version(); "
        "sys.exit(any(name in sys.modules for name in ('transformers', 'sentence_transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
