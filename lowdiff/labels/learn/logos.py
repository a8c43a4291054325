"""Logos found by matching against those that people have marked.

A rectangle `Logo` of a person is a template; what it is called is the image's `brand`. The stage
`logos` remembers for each image which templates it was searched for, so that a new template costs
one search, and an old one nothing.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, payloads, record
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.labels import current_labels
from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError
from lowdiff.ingest.decode import decode
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.learn.marks import MARK_PX, PICTURE_PX, Corners, corners_of, find_mark
from lowdiff.labels.learn.statements import Statement, Statements
from lowdiff.labels.schema import Schema
from lowdiff.store import Store, image_key

STAGE = Stage("logos", "1")
BY = "logo-match/1"
LOGO, BRAND, PRESENT = "logo", "brand", "present"
BOX_LABEL = "Logo"
MOST_OF_A_BRAND = 8
"""Templates; the oldest ones of a brand count."""
CHUNK, COMMIT_EVERY = 400, 16


@dataclass(frozen=True)
class Template:
    """A logo that a person has marked; the box is in percent of the image's sides."""

    id: str
    image_id: str
    brand: str
    x_pct: float
    y_pct: float
    w_pct: float
    h_pct: float


def read_templates(session: Session, schema: Schema, *, audit_share: float) -> list[Template]:
    """All templates, in a stable order; audited images give none."""
    found: list[Template] = []
    ids = [one for one in session.scalars(select(Image.id)) if not is_audit(one, audit_share)]
    for some in chunks(sorted(ids), CHUNK):
        for image_id, labels in current_labels(session, some).items():
            marked = labels.get(schema.boxes.name)
            if marked is None or not marked.is_human:
                continue
            brand = labels.get(BRAND)
            name = str(brand.value) if brand is not None and brand.is_human else ""
            found += [
                _template(image_id, name, box)
                for box in marked.value or ()
                if box.get("label") == BOX_LABEL
            ]
    counts: dict[str, int] = {}
    kept = []
    for one in sorted(found, key=lambda one: one.id):
        counts[one.brand] = counts.get(one.brand, 0) + 1
        if counts[one.brand] <= MOST_OF_A_BRAND:
            kept.append(one)
    return kept


def match_logos(
    catalog: Catalog,
    store: Store,
    templates: Sequence[Template],
    image_ids: Sequence[str],
    *,
    workers: int = 1,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> int:
    """Search images for the templates that they were not searched for yet.

    Returns:
        How many images were searched; those that cannot be decoded are refused, and counted.
    """
    marks: dict[str, Corners] = {}
    searched = 0

    def search(job: tuple[Image, Mapping[str, Any], list[str]]) -> Outcome:
        return _search(*job, store=store, marks=marks)

    with ThreadPoolExecutor(max_workers=workers) as threads:
        for some in chunks(image_ids, COMMIT_EVERY):
            with catalog.read() as session:
                before, rows = payloads(session, STAGE, some), images_by_id(session, some)
            todo = [
                (rows[one], before.get(one, {}), open_)
                for one in some
                if (open_ := _not_searched(templates, before.get(one, {})))
            ]
            if todo and not marks:
                marks |= _marks(catalog, store, templates)
            done = list(threads.map(search, todo))
            with catalog.write() as session:
                record(session, STAGE, done, now=now())
            searched += len(done)
            advance(len(some))
    return searched


def logos_say(
    session: Session, templates: Sequence[Template], image_ids: Sequence[str]
) -> tuple[Statements, dict[str, list[dict[str, Any]]]]:
    """Drafts of `logo` and `brand`, and the rectangles, by the surest match of each brand."""
    brands = {one.id: one.brand for one in templates}
    said: Statements = {}
    boxes: dict[str, list[dict[str, Any]]] = {}
    for some in chunks(image_ids, CHUNK):
        for image_id, payload in payloads(session, STAGE, some).items():
            best: dict[str, Mapping[str, Any]] = {}
            for template_id, hit in payload["hits"].items():
                name = brands.get(template_id)
                if name is None:
                    continue  # its person has taken it back
                if name not in best or hit["confidence"] > best[name]["confidence"]:
                    best[name] = hit
            if best:
                said[image_id], boxes[image_id] = _said(best)
    return said, boxes


def _said(
    best: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, list[Statement]], list[dict[str, Any]]]:
    ordered = sorted(best, key=lambda name: (-best[name]["confidence"], name))
    sure = float(best[ordered[0]]["confidence"])
    fields = {LOGO: [Statement(PRESENT, sure, BY)]}
    names = [name for name in ordered if name and best[name]["confidence"] >= sure - 0.2]
    if names:
        fields[BRAND] = [Statement(", ".join(names), sure, BY)]
    sides = ("x_px", "y_px", "w_px", "h_px")
    boxes = [
        {"label": BOX_LABEL, **{side: round(best[name][side]) for side in sides}, "by": BY,
         "confidence": best[name]["confidence"]}
        for name in (names or ordered[:1])
    ]  # fmt: skip
    return fields, boxes


def _template(image_id: str, brand: str, box: Mapping[str, Any]) -> Template:
    sides = tuple(float(box[side]) for side in ("x_pct", "y_pct", "w_pct", "h_pct"))
    said = f"{image_id} {' '.join(f'{side:.2f}' for side in sides)}"
    return Template(hashlib.sha256(said.encode()).hexdigest()[:16], image_id, brand, *sides)


def _not_searched(templates: Sequence[Template], payload: Mapping[str, Any]) -> list[str]:
    searched = set(payload.get("searched", ()))
    return [one.id for one in templates if one.id not in searched]


def _marks(catalog: Catalog, store: Store, templates: Sequence[Template]) -> dict[str, Corners]:
    """The corners of every template."""
    with catalog.read() as session:
        rows = images_by_id(session, sorted({one.image_id for one in templates}))
    found = {}
    for one in templates:
        row = rows[one.image_id]
        body = store.read(image_key(row.id, row.format))
        rgba = np.asarray(decode(body, row.format, item=row.id))
        height, width = rgba.shape[:2]
        left, top = int(one.x_pct / 100 * width), int(one.y_pct / 100 * height)
        right = max(left + 1, round((one.x_pct + one.w_pct) / 100 * width))
        bottom = max(top + 1, round((one.y_pct + one.h_pct) / 100 * height))
        found[one.id] = corners_of(rgba[top:bottom, left:right], MARK_PX)
    return found


def _search(
    row: Image,
    before: Mapping[str, Any],
    wanted: Sequence[str],
    *,
    store: Store,
    marks: Mapping[str, Corners],
) -> Outcome:
    try:
        body = store.read(image_key(row.id, row.format))
        picture = decode(body, row.format, item=row.id, longest_px=PICTURE_PX)
    except InputError as refusal:
        return Outcome(row.id, "refused", error_class=refusal.reason, error=str(refusal))
    shrunk = picture.width / row.width_px
    corners = corners_of(np.asarray(picture), PICTURE_PX)
    hits = dict(before.get("hits", {}))
    for template_id in wanted:
        found = find_mark(marks[template_id], corners)
        if found is not None:
            sides = {name: value for name, value in asdict(found).items() if name.endswith("_px")}
            hits[template_id] = {
                **{name: round(value / shrunk, 1) for name, value in sides.items()},
                "agreeing": found.agreeing,
                "likeness": found.likeness,
                "confidence": found.confidence,
            }
    return Outcome(row.id, "ok", {"searched": [*before.get("searched", ()), *wanted], "hits": hits})
