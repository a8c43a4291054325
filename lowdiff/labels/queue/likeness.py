"""How alike images are: by the features that drafts are learned from, or by fingerprints.

Both are there already; nothing is decoded.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from lowdiff.dedupe.fingerprint import Fingerprint
from lowdiff.dedupe.views import DIMENSIONS
from lowdiff.errors import ContractError
from lowdiff.labels.learn.features import load_features
from lowdiff.store import Store
from lowdiff.store.keys import fingerprint_key

CONTENT = 1
"""The view of the content inside plain borders."""
MOST = 0.9
"""Features are used where so many of the images have them."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """One unit vector for every image; the product of two is their cosine."""

    places: dict[str, int]
    vectors: NDArray[np.float32]

    def of(self, image_ids: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, d) of some images; zeros where an image has no fingerprint."""
        found = np.zeros((len(image_ids), self.vectors.shape[1]), dtype=np.float32)
        rows = [row for row, one in enumerate(image_ids) if one in self.places]
        found[rows] = self.vectors[[self.places[image_ids[row]] for row in rows]]
        return found


def read_likeness(
    session: Session, store: Store, image_ids: Sequence[str], *, features: str, workers: int = 1
) -> Likeness:
    """Vectors of some images; one that has none is left out.

    Args:
        features: the setting of this name.
    """
    ids, rows = load_features(session, features)
    if ids and len(set(ids) & set(image_ids)) >= MOST * len(image_ids):
        # standardised, or the features with the largest numbers would decide alone
        rows = (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-6)
        return of_vectors(ids, rows)
    with ThreadPoolExecutor(max_workers=workers) as threads:
        views = list(threads.map(lambda one: _view(store, one), image_ids))
    known = [one for one, view in zip(image_ids, views, strict=True) if view is not None]
    seen = [view for view in views if view is not None]
    return of_vectors(known, np.array(seen, np.float32).reshape(len(known), DIMENSIONS))


def of_vectors(image_ids: Sequence[str], rows: NDArray[np.float32]) -> Likeness:
    """Likeness by the angle between vectors (n, d)."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return Likeness({one: place for place, one in enumerate(image_ids)}, unit)


def _view(store: Store, image_id: str) -> NDArray[np.int8] | None:
    try:
        packed = store.read(fingerprint_key(image_id))
        return np.asarray(Fingerprint.from_bytes(packed).views[CONTENT], np.int8)
    except (ContractError, ValueError):
        return None
