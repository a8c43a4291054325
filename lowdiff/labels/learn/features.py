"""The stage `features`: one vector for every image, kept with its artifact, made once."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import JpegImagePlugin
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import (
    Outcome,
    Stage,
    claim,
    newest_payloads,
    payloads,
    pending_ids,
    record,
)
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError
from lowdiff.ingest.decode import decode
from lowdiff.labels.learn.vector import Box, vector_of
from lowdiff.store import Store, image_key

STAGE_NAME, STAGE_VERSION = "features", "2"
BUILTIN, HUB = "builtin", "hub:"
LONGEST_PX = 2048
"""Larger images are made smaller before anything is measured, for the sake of memory."""
COMMIT_EVERY = 32

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """An image as an extractor sees it."""

    rgba: NDArray[np.uint8]
    figure: Box | None
    """Where the draft has found its largest figure."""
    quantization: float
    bytes_per_pixel: float


class Extractor(Protocol):
    """Turns images into vectors of one length."""

    @property
    def name(self) -> str:
        """What makes its vectors, as the setting `features` names it."""

    def __call__(self, looks: Sequence[Look]) -> Floats:
        """(n, features)."""


class Builtin:
    """The vector of `lowdiff.labels.learn.vector`."""

    name = BUILTIN

    def __call__(self, looks: Sequence[Look]) -> Floats:
        """(n, features)."""
        return np.stack(
            [
                vector_of(
                    look.rgba,
                    figure=look.figure,
                    quantization=look.quantization,
                    bytes_per_pixel=look.bytes_per_pixel,
                )
                for look in looks
            ]
        )


def open_extractor(setting: str) -> Extractor:
    """The extractor that the setting `features` names: `builtin` or `hub:<model id or folder>`.

    Raises:
        InputError: it names none, or the model cannot be loaded.
    """
    if setting == BUILTIN:
        return Builtin()
    if setting.startswith(HUB) and setting != HUB:
        from lowdiff.labels.learn.hub import HubFeatures  # transformers takes a while to import

        return HubFeatures(setting.removeprefix(HUB))
    raise InputError(
        "setting features",
        "names no features",
        reason="bad_setting",
        found=repr(setting),
        allowed="builtin, hub:<model id or folder>",
    )


def features_stage(setting: str) -> Stage:
    """The stage that makes these features."""
    return Stage(STAGE_NAME, STAGE_VERSION, {"features": setting})


def pending_features(catalog: Catalog, setting: str) -> list[str]:
    """Ids of the images without these features."""
    with catalog.read() as session:
        return pending_ids(session, features_stage(setting))


def features_batch(
    image_ids: Sequence[str],
    *,
    catalog: Catalog,
    store: Store,
    extractor: Extractor,
    workers: int = 1,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> tuple[int, int]:
    """Make the vectors of images; what is there is left alone.

    Returns:
        How many were made, and how many images were refused because they cannot be decoded.

    Raises:
        ServiceError: store or catalog failed; what was kept stays, run it again.
        ContractError: an image of the catalog is missing from the store.
    """
    stage = features_stage(extractor.name)
    with catalog.write() as session:
        mine = claim(session, stage, image_ids, now=now(), lease_s=lease_s)
    made = refused = 0

    def extract(job: tuple[Image, Box | None]) -> Outcome:
        return _extract(*job, store, extractor)

    with ThreadPoolExecutor(max_workers=workers) as threads:
        for some in chunks(mine, COMMIT_EVERY):
            with catalog.read() as session:
                rows = images_by_id(session, some)
                drafts = newest_payloads(session, "draft", some)
            jobs = [(row, main_figure(drafts.get(one, {}), row)) for one, row in rows.items()]
            done = list(threads.map(extract, jobs))
            with catalog.write() as session:
                record(session, stage, done, now=now())
            good = sum(outcome.state == "ok" for outcome in done)
            made, refused = made + good, refused + len(done) - good
            advance(len(some))
    return made, refused


def load_features(
    session: Session, setting: str, image_ids: Sequence[str] | None = None
) -> tuple[list[str], Floats]:
    """Ids in order, and their vectors (n, features); images without features are left out."""
    found = payloads(session, features_stage(setting), image_ids)
    ids = sorted(found)
    rows = [np.frombuffer(base64.b64decode(found[one]["vector"]), np.float16) for one in ids]
    return ids, np.stack(rows).astype(np.float32) if rows else np.zeros((0, 0), np.float32)


def main_figure(draft: Mapping[str, Any], row: Image) -> Box | None:
    """The largest figure that a draft has found, in shares of the sides; None without one."""
    figures = [box for box in draft.get("boxes", ()) if box["label"] == "Figure"]
    if not figures:
        return None
    box = max(figures, key=lambda one: one["w_px"] * one["h_px"])
    left, top = box["x_px"] / row.width_px, box["y_px"] / row.height_px
    return left, top, left + box["w_px"] / row.width_px, top + box["h_px"] / row.height_px


def _extract(row: Image, figure: Box | None, store: Store, extractor: Extractor) -> Outcome:
    started = perf_counter()
    try:
        look = look_at(
            store.read(image_key(row.id, row.format)), row.format, item=row.id, figure=figure
        )
    except InputError as refusal:
        return Outcome(row.id, "refused", error_class=refusal.reason, error=str(refusal))
    vector = np.clip(extractor([look])[0], -6e4, 6e4).astype("<f2")
    payload = {"vector": base64.b64encode(vector.tobytes()).decode("ascii")}
    return Outcome(row.id, "ok", payload, seconds=perf_counter() - started)


def look_at(body: bytes, image_format: str, *, item: str, figure: Box | None = None) -> Look:
    """Decode an image for an extractor.

    Args:
        figure: where its main figure is, in shares of the sides.

    Raises:
        InputError: it cannot be decoded.
    """
    picture = decode(body, image_format, item=item, longest_px=None)
    area = picture.width * picture.height
    if max(picture.size) > LONGEST_PX:
        picture.thumbnail((LONGEST_PX, LONGEST_PX), Picture.Resampling.BOX)
    return Look(np.asarray(picture), figure, _quantization(body, image_format), len(body) / area)


def _quantization(body: bytes, image_format: str) -> float:
    """How coarsely a JPEG rounds lightness: the mean of its table, 1 (fine) to 255."""
    if image_format != "jpeg":
        return 0.0
    with Picture.open(io.BytesIO(body), formats=("JPEG",)) as opened:
        tables = opened.quantization if isinstance(opened, JpegImagePlugin.JpegImageFile) else {}
    return float(np.mean(tables[0])) if 0 in tables else 0.0
