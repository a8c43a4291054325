"""Search what was read, and get a document back."""

from dataclasses import dataclass

from sqlalchemy import func, select

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.tables import Artifact, Image
from lowdiff.errors import InputError
from lowdiff.ocr.document import OcrDocument, from_json
from lowdiff.ocr.stage import STAGE_NAME
from lowdiff.store import Store, image_key


@dataclass(frozen=True)
class Hit:
    """An image with the text that was looked for."""

    image_id: str
    text: str
    mean_confidence: float | None


def find_text(catalog: Catalog, query: str, *, limit: int = 100) -> list[Hit]:
    """Images whose newest text contains `query`; case does not matter, a line end is a space.

    Raises:
        InputError: the query is empty.
    """
    wanted = " ".join(query.split())
    if not wanted:
        raise InputError("the text to find", "is empty", reason="empty_query")
    age = func.row_number().over(
        partition_by=Artifact.image_id, order_by=Artifact.updated_at.desc()
    )
    newest = (
        select(Artifact.image_id, Artifact.payload, age.label("age"))
        .where(Artifact.stage == STAGE_NAME, Artifact.state == "ok")
        .subquery()
    )
    text = newest.c.payload["text"].as_string()
    rows = select(newest.c.image_id, newest.c.payload).where(newest.c.age == 1, text != "")
    if wanted.isascii():  # SQLite lowers ASCII letters only; others are compared below
        one_line = func.lower(func.replace(text, "\n", " "))
        rows = rows.where(one_line.contains(wanted.lower(), autoescape=True))
    found: list[Hit] = []
    with catalog.read() as session:
        for image_id, payload in session.execute(rows.order_by(newest.c.image_id)):
            if wanted.casefold() in payload["text"].replace("\n", " ").casefold():
                found.append(Hit(image_id, payload["text"], payload["mean_confidence"]))
            if len(found) == limit:
                break
    return found


def document_of(start: str, *, catalog: Catalog, store: Store) -> OcrDocument:
    """The newest document of an image, by its id or the unique start of it.

    Raises:
        InputError: no image or several begin so, or it was not read yet.
        ContractError: the document is missing or broken.
    """
    with catalog.read() as session:
        query = select(Image.id).where(Image.id.startswith(start, autoescape=True)).limit(2)
        ids = list(session.scalars(query))
        if len(ids) != 1:
            found = "several images" if ids else "no image"
            raise InputError(
                f"image {start}", "is not one image", reason="no_such_image", found=found
            )
        payload = newest_payloads(session, STAGE_NAME, ids).get(ids[0])
    if payload is None:
        raise InputError(
            f"image {ids[0]}", "has no OCR document", reason="not_read", do="Run `lowdiff ocr`."
        )
    return from_json(store.read(payload["key"]), item=ids[0])


def original_of(image_id: str, *, catalog: Catalog, store: Store) -> bytes:
    """The original bytes of an image of the catalog.

    Raises:
        ContractError: they are missing from the store.
    """
    with catalog.read() as session:
        image = session.get_one(Image, image_id)
        return store.read(image_key(image.id, image.format))
