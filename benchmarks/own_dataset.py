"""A workspace with pictures whose captions are known, exported as a dataset version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.catalog.images import add_image
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import Image as ImageRow
from lowdiff.catalog.tables import LabelEvent, Sighting
from lowdiff.catalog.versions import newest_version
from lowdiff.datasets.export import export_version
from lowdiff.datasets.read import Version, open_version
from lowdiff.ingest.decode import decode, pixel_hash, sniff_format
from lowdiff.labels.accept.policy import by_confidence
from lowdiff.labels.schema import load_schema
from lowdiff.store import image_key, open_store, sha256_hex
from lowdiff.workspace import Workspace

NAME = "known"
NOW = datetime(2026, 1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Captioned:
    """One picture file and what it shows."""

    body: bytes
    caption: str
    title: str


def open_known(
    folder: Path, pictures: Sequence[Captioned], *, image_px: int
) -> tuple[Workspace, Catalog, Version]:
    """The workspace in `folder` with these pictures as one dataset version; made once.

    Every caption counts as a person's. The same pictures in the same folder are the same version.
    """
    workspace = Workspace(folder).create()
    catalog = open_catalog(workspace)
    store = open_store(workspace.root)
    with catalog.read() as session:
        known = newest_version(session, NAME)
        path = None if known is None else workspace.root / known.path
    if path is not None:
        return workspace, catalog, open_version(path)
    for one in {sha256_hex(picture.body): picture for picture in pictures}.values():
        _keep(catalog, store, one)
    exported = export_version(
        catalog=catalog,
        store=store,
        workspace=workspace,
        name=NAME,
        image_px=image_px,
        policy=by_confidence(0.0),
        schema=load_schema(),
        now=lambda: NOW,
    )
    return workspace, catalog, exported.version


def _keep(catalog: Catalog, store: object, one: Captioned) -> None:
    image_id, image_format = sha256_hex(one.body), sniff_format(one.body, item=one.title)
    pixels = decode(one.body, image_format, item=one.title)
    store.put(image_key(image_id, image_format), one.body)  # type: ignore[attr-defined]
    row = ImageRow(
        id=image_id,
        pixel_hash=pixel_hash(pixels),
        format=image_format,
        width_px=pixels.width,
        height_px=pixels.height,
        size_bytes=len(one.body),
        has_alpha=False,
        family_id=None,
        created_at=NOW,
    )
    sighting = Sighting(
        image_id=image_id,
        source=NAME,
        url=f"{one.title}-{image_id[:12]}.{image_format}",
        licence="CC0-1.0",
        attribution="made for a benchmark",
        title=one.title,
        tags=[],
        evidence={},
        seen_at=NOW,
    )
    said = LabelEvent(
        image_id=image_id,
        field="caption",
        value=one.caption,
        origin="human",
        actor="benchmark@example.org",
        confidence=None,
        schema_version="2.0",
        annotation_key=f"known:{image_id[:40]}",
        created_at=NOW,
    )
    with catalog.write() as session:
        add_image(session, row, sighting)
        append_events(session, [said])
