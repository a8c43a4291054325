"""Tasks made ready: the picture that people see, the form filled in, checked by our own rules."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError
from lowdiff.labels.desk.candidates import DRAFT
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.projects import TaskProject
from lowdiff.labels.desk.screen import Screen, checked_result, filled_in
from lowdiff.labels.desk.tasks import Box, Form
from lowdiff.labels.desk.wanted import Wanted
from lowdiff.labels.desk.working_copies import working_copy
from lowdiff.labels.drafts.boxes import draft_boxes
from lowdiff.labels.quality.second_look import blind_fields
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import TEXT, boxes_field, label_config
from lowdiff.store import Store
from lowdiff.workspace import Workspace


@dataclass(frozen=True)
class Office:
    """What push and re-prediction need from outside."""

    client: LabelStudio
    project: TaskProject
    schema: Schema
    catalog: Catalog
    store: Store
    workspace: Workspace
    document_root: Path
    """The server's LOCAL_FILES_DOCUMENT_ROOT; the working copies lie below it."""
    workers: int = 1
    """Working copies that are drawn side by side."""
    lease_s: float = 900.0
    now: Callable[[], datetime] = utc_now


@dataclass(frozen=True)
class Prepared:
    """One task as the server should have it."""

    wanted: Wanted
    result: list[dict[str, Any]]
    """The items of its prediction."""

    @property
    def prediction_hash(self) -> str:
        """SHA-256 of what is shown filled in."""
        said = json.dumps(self.result, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()


def prepare(
    office: Office, wanted: Sequence[Wanted], *, checked: bool
) -> tuple[list[Prepared], dict[str, str]]:
    """Draw the working copies that are missing and fill in the forms.

    Args:
        checked: let Label Studio's own rules look at every prediction; it takes most of the time.

    Returns:
        The tasks, and image id → why it can never be one.

    Raises:
        ContractError: a draft does not fit the schema.
    """
    ids = [one.image_id for one in wanted]
    with office.catalog.read() as session:
        images = images_by_id(session, ids)
        labels = current_labels(session, ids)
        drafted = newest_payloads(session, DRAFT, ids)
        read = newest_payloads(session, "ocr", ids) if office.project.screen == TEXT else {}
        blind = blind_fields(session)
    with ThreadPoolExecutor(max_workers=office.workers) as threads:
        copies = list(threads.map(lambda one: _copy(office, images[one]), ids))
    screen = Screen(label_config(office.schema, office.project.screen)) if checked else None
    ready, refused = [], {}
    for one, copy in zip(wanted, copies, strict=True):
        if isinstance(copy, InputError):
            refused[one.image_id] = str(copy)
            continue
        ocr = _read_ocr(office.store, read.get(one.image_id))
        form = _form(
            office, one, images[one.image_id], labels.get(one.image_id, {}),
            drafted.get(one.image_id, {}), ocr, blind.get(one.image_id, frozenset()),
        )  # fmt: skip
        fill = (one.image_id, office.schema, form, copy, office.project.screen)
        result = checked_result(*fill, screen) if screen else filled_in(*fill)
        ready.append(Prepared(one, result))
    return ready, refused


def _copy(office: Office, image: Image) -> tuple[int, int] | InputError:
    try:
        return working_copy(image, store=office.store, folder=office.workspace.working_copies)
    except InputError as refusal:
        return refusal


def _form(
    office: Office,
    one: Wanted,
    image: Image,
    labels: Mapping[str, Label],
    draft: Mapping[str, Any],
    ocr: Mapping[str, Any] | None,
    blind: frozenset[str],
) -> Form:
    """What people have said of it, else what its draft says; nothing of what is asked blind."""
    drawn = labels.get(boxes_field(office.schema, office.project.screen))
    if drawn is not None and drawn.is_human:
        boxes = tuple(Box(**box) for box in drawn.value)
    else:
        boxes = draft_boxes(image, draft=draft, ocr=ocr)
    said = {name: label.value for name, label in labels.items() if name not in blind}
    return Form(said, boxes, one.ask)


def _read_ocr(store: Store, payload: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not payload or not payload.get("words"):
        return None
    document: Mapping[str, Any] = json.loads(store.read(payload["key"]))
    return document
