"""Which words stand in a caption, and how rare each is: scikit-learn's TF-IDF.

The story tried it when CLIP cut its captions. The weights of the words are turned into a short
dense vector by a truncated singular value decomposition (latent semantic analysis, Deerwester et
al. 1990), because a denoiser wants one of fixed width. Words that no training caption had are
ignored; a caption of nothing else is no caption.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lowdiff.errors import ContractError, InputError
from lowdiff.models.encoders.base import one_token, pack_strings, unit_scale, unpack_strings
from lowdiff.models.text import Text

DIMENSIONS = 128


class TfIdf:
    """One token per caption, its coordinates in the space of the training captions.

    Args:
        argument: the number of dimensions; fewer where the captions do not span so many.
    """

    max_tokens = 1_000_000

    def __init__(self, argument: str | None = None) -> None:
        if argument is not None and not (argument.isdecimal() and int(argument) > 0):
            raise InputError(
                f"text encoder tfidf:{argument}", "wants a number of dimensions after its name",
                reason="bad_encoder", allowed="tfidf:64",
            )  # fmt: skip
        self.name = f"tfidf:{argument}" if argument else "tfidf"
        self.dimensions = int(argument or DIMENSIONS)
        self._words: list[str] = []
        self._rarity: npt.NDArray[np.float64] = np.zeros(0)
        self._axes: npt.NDArray[np.float64] = np.zeros((0, 0))

    @property
    def width(self) -> int:
        """Known after `fit`."""
        return len(self._fitted()._axes)

    def version(self) -> str:
        """A digest of what was learned."""
        from blake3 import blake3

        parts = self.state()
        body = b"".join(np.ascontiguousarray(part.numpy()).tobytes() for part in parts.values())
        return f"{blake3(body).hexdigest()[:16]}/1"

    def fit(self, texts: Sequence[str]) -> None:
        """See `FittedEncoder.fit`."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        told = sorted({text for text in texts if text.strip()})
        vectorizer: Any = TfidfVectorizer()
        try:
            weights = vectorizer.fit_transform(told)
        except ValueError as error:
            raise InputError(
                "text encoder tfidf", f"finds no words in the captions ({error})",
                reason="no_captions", do="Label the images, or train with --text none.",
            ) from error  # fmt: skip
        self._words = list(vectorizer.get_feature_names_out())
        self._rarity = np.asarray(vectorizer.idf_)
        if min(weights.shape) == 1:  # nothing to decompose
            self._axes = np.eye(weights.shape[1])[: self.dimensions]
            return
        # the decomposition of a sparse matrix finds at most one less than its smaller side
        count = min(self.dimensions, min(weights.shape) - 1)
        svd = TruncatedSVD(count, algorithm="arpack", random_state=0).fit(weights)
        self._axes = np.ascontiguousarray(svd.components_)

    def state(self) -> dict[str, Tensor]:
        """See `FittedEncoder.state`."""
        fitted = self._fitted()
        return {
            "tfidf_words": pack_strings(fitted._words),
            "tfidf_rarity": torch.from_numpy(fitted._rarity),
            "tfidf_axes": torch.from_numpy(fitted._axes),
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """See `FittedEncoder.load`."""
        try:
            self._words = unpack_strings(state["tfidf_words"])
            self._rarity = state["tfidf_rarity"].numpy()
            self._axes = state["tfidf_axes"].numpy()
        except KeyError as error:
            raise ContractError(
                "text encoder tfidf", "what the run kept belongs to another encoder",
                reason="other_encoder", found=", ".join(sorted(state)),
            ) from error  # fmt: skip

    def encode(self, texts: Sequence[str]) -> tuple[Text, list[bool]]:
        """See `TextEncoder.encode`."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        fitted = self._fitted()
        if not texts:
            return one_token(torch.zeros(0, self.width)), []
        vectorizer: Any = TfidfVectorizer(vocabulary=fitted._words)
        vectorizer.idf_ = fitted._rarity
        weights = vectorizer.transform(list(texts)) @ fitted._axes.T
        features = torch.from_numpy(np.asarray(weights)).float()
        return one_token(unit_scale(features)), [False] * len(texts)

    def _fitted(self) -> "TfIdf":
        if not len(self._axes):
            raise ContractError(
                f"text encoder {self.name}", "has learned no captions yet",
                reason="encoder_not_fitted",
                do="Use the state that its run kept, or train a run with it.",
            )  # fmt: skip
        return self
