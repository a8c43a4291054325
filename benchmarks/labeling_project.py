"""A workspace with the pictures of a set, brought as far as `lowdiff draft` brings them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks.label_truth import INDEX, Known, write_index
from lowdiff.catalog.artifacts import Outcome, record
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.labels.drafts.draft import draft_batch, pending_draft
from lowdiff.labels.learn.features import features_batch, open_extractor, pending_features
from lowdiff.labels.schema import Schema
from lowdiff.ocr.document import OcrDocument, Word, mean_confidence, sure_share, text_of, to_json
from lowdiff.ocr.groups import groups_of
from lowdiff.ocr.read import payload_of, pending_ocr
from lowdiff.ops.project import Project, open_project
from lowdiff.store import ocr_key

SOURCE = """\
name = "known"
kind = "folder"
licence = "CC0-1.0"
attribution = "made for a benchmark"
path = "{path}"
glob = ["*.png", "*.jpg", "*.svg"]

[metadata]
index = "{index}"
file = "file"
title = "title"
alt_text = "alt_text"
tags = ["tags"]
"""
KNOWN = "known.json"


def bring(folder: Path, pictures: Path, known: Sequence[Known], *, words: str) -> Path:
    """Ingest, find families, read; returns the workspace. What is there already is kept.

    Args:
        words: `truth` instead of OCR, or `ocr`, which takes a second of CPU for an image.
    """
    space = folder / "workspace"
    if (folder / KNOWN).exists():
        return space
    (space / "sources").mkdir(parents=True, exist_ok=True)
    write_index(pictures, known)
    source = SOURCE.format(path=pictures.absolute(), index=INDEX)
    (space / "sources" / "known.toml").write_text(source, encoding="utf-8")
    _lowdiff(space, "ingest", "known")
    _lowdiff(space, "dedupe", "run")
    if words == "ocr":
        _lowdiff(space, "ocr")
    else:
        with open_project(space) as project:
            _tell_words(project, known)
    rows = [asdict(one) for one in known]
    (folder / KNOWN).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return space


def draft_all(project: Project, schema: Schema) -> None:
    """What `lowdiff draft` does, for a schema of some of the fields; and what images look like."""
    for group in groups_of(project.catalog, project.settings, project.workspace.sources):
        todo = group.of(pending_draft(project.catalog, ocr=group.stage, schema=schema))
        for batch in chunks(todo, project.settings.batch_size):
            draft_batch(
                batch,
                catalog=project.catalog,
                store=project.store,
                ocr=group.stage,
                schema=schema,
                details=project.settings.acceptance == "confidence",
                workers=project.settings.workers,
            )
    for batch in chunks(pending_features(project.catalog, "builtin"), 128):
        features_batch(
            batch,
            catalog=project.catalog,
            store=project.store,
            extractor=open_extractor("builtin"),
            workers=project.settings.workers,
        )


def truths(project: Project, known: Sequence[Known]) -> dict[str, Known]:
    """Image id → what is true of it; of files that are equal the first."""
    by_file = {one.file: one for one in known}
    found: dict[str, Known] = {}
    with project.catalog.read() as session:
        for image_id, url in session.execute(
            select(Sighting.image_id, Sighting.url).order_by(Sighting.id)
        ):
            found.setdefault(image_id, by_file[Path(url).name])
    return found


def copied(space: Path, to: Path) -> Path:
    """The workspace once more, for a run of its own."""
    if to.exists():
        shutil.rmtree(to)
    shutil.copytree(space, to, symlinks=True)
    return to


def _tell_words(project: Project, known: Sequence[Known]) -> None:
    """Documents of a reader that never errs, in place of OCR's."""
    facts = truths(project, known)
    with project.catalog.read() as session:
        ids = list(session.scalars(select(Image.id).order_by(Image.id)))
    for group in groups_of(project.catalog, project.settings, project.workspace.sources):
        for some in chunks(group.of(pending_ocr(project.catalog, group.stage)), 200):
            with project.catalog.read() as session:
                rows = images_by_id(session, [one for one in some if one in set(ids)])
            outcomes = []
            for row in rows.values():
                document = _document(row, facts[row.id])
                project.store.put(ocr_key(row.id), to_json(document))
                payload = payload_of(document, ocr_key(row.id))
                outcomes.append(Outcome(row.id, "ok", payload))
            with project.catalog.write() as session:
                record(session, group.stage, outcomes, now=utc_now())


def _document(row: Image, truth: Known) -> OcrDocument:
    words = [word for at, line in enumerate(truth.texts) for word in _words(line, at, row)]
    return OcrDocument(
        image_id=row.id,
        width_px=row.width_px,
        height_px=row.height_px,
        engine="truth",
        engine_version="1",
        parameters={},
        languages=["eng"],
        words=words,
        text=text_of(words),
        mean_confidence=mean_confidence(words),
        sure_share=sure_share(words),
        needs_review=False,
        seconds=0.0,
    )


def _words(line: dict[str, Any], number: int, row: Image) -> list[Word]:
    texts = line["text"].split()
    left, top = max(0, line["x_px"]), max(0, line["y_px"])
    width = min(line["w_px"], row.width_px - left) // max(1, len(texts))
    height = min(line["h_px"], row.height_px - top)
    return [
        Word(
            text=text, confidence=0.99, sure=True, engine="truth", x_px=left + at * width,
            y_px=top, w_px=width, h_px=height, rotation_deg=0.0, line=number, block=0,
        )
        for at, text in enumerate(texts)
    ]  # fmt: skip


def _lowdiff(space: Path, *words: str) -> None:
    """A command as a person types it."""
    beside = Path(sys.executable).with_name("lowdiff")
    subprocess.run(
        [str(beside), "--workspace", str(space), *words], check=True, stdout=subprocess.DEVNULL
    )
