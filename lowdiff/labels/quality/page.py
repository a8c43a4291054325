"""A page of suspected label errors: picture, what was said, why it may be wrong."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import best_sighting, images_by_id, sightings_of
from lowdiff.dedupe.prints import Decode
from lowdiff.dedupe.thumbs import thumbnail
from lowdiff.labels.quality.suspects import Suspect
from lowdiff.labels.schema import Schema
from lowdiff.pages.environment import page_environment
from lowdiff.pages.sheet import Picture
from lowdiff.pages.write import write_page
from lowdiff.store import Store

SUSPECTS_FILE = "suspects.html"
TEMPLATES = Path(__file__).parent / "templates"
PICTURE_PX = 240


@dataclass(frozen=True)
class Card:
    """One suspected label as the page shows it."""

    suspect: Suspect
    field: str
    """Its title."""
    value: str
    instead: str | None
    picture: Picture | None
    title: str
    command: str
    """Says the other value; empty where nobody knows one."""


def write_suspects(
    suspects: Sequence[Suspect],
    out: Path,
    *,
    schema: Schema,
    catalog: Catalog,
    store: Store,
    decode: Decode,
    number: int,
    command: Sequence[str] = ("lowdiff",),
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Write the page: one file that opens offline and asks nobody for anything.

    Args:
        suspects: those to show, the most suspicious first.
        number: all there are.
        command: how lowdiff is called for this workspace.

    Raises:
        ServiceError: catalog or store cannot be read, or the file cannot be written.
    """
    ids = sorted({one.image_id for one in suspects})
    with catalog.read() as session:
        images, sightings = images_by_id(session, ids), sightings_of(session, ids)
    cards = []
    for one in suspects:
        seen = best_sighting(sightings[one.image_id])
        title = (seen and (seen.title or seen.alt_text)) or "Untitled"
        cards.append(
            Card(
                one,
                schema.field(one.field).title,
                told(one.value),
                None if one.instead is None else told(one.instead),
                thumbnail(
                    images[one.image_id], store=store, decode=decode, longest_px=PICTURE_PX,
                    alt=title,
                ),
                title,
                _correction(command, one),
            )
        )  # fmt: skip
    template = page_environment(TEMPLATES).get_template("suspects.html")
    fields = sorted(Counter(card.field for card in cards).items(), key=lambda pair: -pair[1])
    push = shlex.join([*command, "label", "suspects", "--push"])
    write_page(
        out, template.render(cards=cards, number=number, fields=fields, push=push, made_at=now())
    )


def told(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "empty"


def _correction(command: Sequence[str], one: Suspect) -> str:
    if one.instead is None:
        return ""
    value = ",".join(one.instead) if isinstance(one.instead, list) else one.instead
    where = ["--where", f"image={one.image_id}", "--set", f"{one.field}={value}"]
    return shlex.join([*command, "label", "correct", *where, "--reason", "looked again", "--apply"])
