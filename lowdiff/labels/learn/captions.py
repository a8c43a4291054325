"""The stage `captions`: what an optional captioner says of each image, asked once.

A captioner is a model of transformers or an OpenAI-compatible endpoint. What it says is a free
text; its draft is the template's caption with that text as the subject, and the free text beside.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Protocol

import numpy as np
from PIL import Image as Picture
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, claim, payloads, pending_ids, record
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import images_by_id
from lowdiff.catalog.tables import Image
from lowdiff.errors import InputError
from lowdiff.ingest.decode import decode
from lowdiff.labels.drafts.caption import NO_SUBJECT, short_form
from lowdiff.labels.drafts.subject import subject_of
from lowdiff.labels.learn.hub import flat_picture
from lowdiff.labels.learn.statements import Statement, Statements
from lowdiff.store import Store, image_key

STAGE_NAME, STAGE_VERSION = "captions", "1"
SHOWN_PX = 512
"""Longest side of what a captioner sees."""
CONFIDENCE, FREE_CONFIDENCE = 0.4, 0.35
"""Nobody has measured it; a caption of a machine never counts without a person."""
LONGEST_SUBJECT = 16
"""Words; a longer description is only kept as a free text."""
COMMIT_EVERY = 8


class Captioner(Protocol):
    """Says what a picture shows."""

    @property
    def by(self) -> str:
        """Its name and version, as in a label's history."""

    def __call__(self, picture: Picture.Image) -> str:
        """One caption; RGB, without transparency.

        Raises:
            InputError: this picture can get none.
            ServiceError: try again later.
        """


def captions_stage(by: str) -> Stage:
    """The stage of one captioner."""
    return Stage(STAGE_NAME, STAGE_VERSION, {"by": by})


def pending_captions(catalog: Catalog, by: str) -> list[str]:
    """Ids of the images that this captioner has not seen."""
    with catalog.read() as session:
        return pending_ids(session, captions_stage(by))


def caption_batch(
    image_ids: Sequence[str],
    *,
    catalog: Catalog,
    store: Store,
    captioner: Captioner,
    lease_s: float = 900.0,
    now: Callable[[], datetime] = utc_now,
    advance: Callable[[int], None] = lambda number: None,
) -> int:
    """Ask for the captions of images; what was asked before is left alone.

    Returns:
        How many captions there are now that were not there before.

    Raises:
        ServiceError: the captioner, store or catalog failed; what was kept stays, run it again.
    """
    stage = captions_stage(captioner.by)
    with catalog.write() as session:
        mine = claim(session, stage, image_ids, now=now(), lease_s=lease_s)
    made = 0
    for some in chunks(mine, COMMIT_EVERY):
        with catalog.read() as session:
            rows = images_by_id(session, some)
        done = [_ask(row, store, captioner) for row in rows.values()]
        with catalog.write() as session:
            record(session, stage, done, now=now())
        made += sum(outcome.state == "ok" for outcome in done)
        advance(len(some))
    return made


def captioner_says(
    session: Session, by: str, drafts: Sequence[tuple[str, dict[str, list[Statement]]]]
) -> Statements:
    """Captions by one captioner, in the template and free.

    Args:
        drafts: image id and what other drafters say of it; the template's caption is among that.
    """
    texts = payloads(session, captions_stage(by))
    said: Statements = {}
    for image_id, before in drafts:
        text = str(texts.get(image_id, {}).get("text", ""))
        if not text:
            continue
        ones = [Statement(text, FREE_CONFIDENCE, by)]
        bare = [
            str(one.value)
            for one in before.get("caption", ())
            if short_form(str(one.value)) == NO_SUBJECT
        ]
        if bare and len(text.split()) <= LONGEST_SUBJECT:
            caption = subject_of(text) + bare[0].removeprefix(NO_SUBJECT)
            ones.insert(0, Statement(caption, CONFIDENCE, by))
        said[image_id] = {"caption": ones}
    return said


def plain_sentence(text: str) -> str:
    """What a model said, as one line without quotes around it."""
    return " ".join(text.split()).strip("\"'` ").strip()


def _ask(row: Image, store: Store, captioner: Captioner) -> Outcome:
    started = perf_counter()
    try:
        body = store.read(image_key(row.id, row.format))
        picture = decode(body, row.format, item=row.id, longest_px=SHOWN_PX)
        text = plain_sentence(captioner(flat_picture(np.asarray(picture))))
    except InputError as refusal:
        return Outcome(row.id, "refused", error_class=refusal.reason, error=str(refusal))
    return Outcome(row.id, "ok", {"text": text}, seconds=perf_counter() - started)
