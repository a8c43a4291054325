"""A page of pairs to look at: what the method says beside each, and how to overrule it."""

import base64
import hashlib
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from lowdiff.catalog import Catalog
from lowdiff.catalog.duplicates import BY_COMPARISON, Verdict, nodes, verdicts
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.images import best_sighting, images_by_id, sightings_of
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.dedupe.doubtful import KINDS, Judged, choose, judged_pairs
from lowdiff.dedupe.prints import Decode
from lowdiff.dedupe.thumbs import thumbnail
from lowdiff.pages.environment import page_environment
from lowdiff.pages.sheet import Picture
from lowdiff.pages.write import write_page
from lowdiff.store import Store

REVIEW_FILE = "duplicates.html"
TEMPLATES = Path(__file__).parent / "templates"
LIMIT = 200
THUMBNAIL_PX = 240
SHORT_ID = 12
YOU = "you@example.com"


@dataclass(frozen=True)
class Side:
    """One image of a pair."""

    image_id: str
    short_id: str
    picture: Picture | None
    """None where the original cannot be shown any more."""
    title: str | None
    sources: tuple[str, ...]
    address: str
    licences: tuple[str, ...]
    width_px: int
    height_px: int
    size_bytes: int
    format: str


@dataclass(frozen=True)
class Pair:
    """Two images and what is said of them."""

    a: Side
    b: Side
    relation: str
    """What counts now: a person's word, else the method's."""
    found: str | None
    """What the method found; None where only a person has spoken."""
    score: float | None
    """How sure the method is of what it found, in [0, 1]."""
    method: str | None
    verdict: Verdict | None
    family: int
    """Images in the family of `a`."""
    together: bool
    """Whether both are in one family."""
    commands: tuple[tuple[str, str], ...]
    """(another relation, command that says so)."""


@dataclass(frozen=True)
class Group:
    """Pairs of one relation, the most doubtful first."""

    relation: str
    number: int
    """Pairs of this relation in the catalog."""
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Review:
    """The page before it is a page."""

    images: int
    made_at: datetime
    groups: tuple[Group, ...]
    by_people: int
    """Pairs on which a person has spoken."""

    @property
    def shown(self) -> int:
        """Pairs on the page."""
        return sum(len(group.pairs) for group in self.groups)


def write_review(
    catalog: Catalog,
    store: Store,
    out: Path,
    *,
    decode: Decode,
    limit: int = LIMIT,
    by: str = YOU,
    command: Sequence[str] = ("lowdiff",),
    now: Callable[[], datetime] = utc_now,
) -> Review:
    """Write the page: one file that opens offline and asks nobody for anything.

    Args:
        out: the file; a reader sees the whole page or the earlier one.
        limit: pairs at most, fairly shared between the relations.
        by: who looks; only written into the commands.
        command: how lowdiff is called for this workspace.

    Raises:
        ServiceError: catalog or store cannot be read, or the file cannot be written.
    """
    review = gather_review(
        catalog, store, decode=decode, limit=limit, by=by, command=command, made_at=now()
    )
    write_page(out, render_review(review))
    return review


def gather_review(
    catalog: Catalog,
    store: Store,
    *,
    decode: Decode,
    limit: int,
    by: str,
    command: Sequence[str],
    made_at: datetime,
) -> Review:
    """Choose the pairs and gather what is known of their images."""
    with catalog.read() as session:
        said = verdicts(session)
        everyone = nodes(session)
        judged = judged_pairs(session, said)
        chosen = choose(judged, limit)
        ids = sorted({i for pairs in chosen.values() for one in pairs for i in one.pair})
        images, sightings = images_by_id(session, ids), sightings_of(session, ids)
    beginnings = Counter(node.id[:SHORT_ID] for node in everyone)
    sides = {
        one: _side(
            images[one],
            sightings[one],
            store,
            decode,
            # long enough to be its own
            one[:SHORT_ID] if beginnings[one[:SHORT_ID]] == 1 else one,
        )
        for one in ids
    }
    families = {node.id: node.family_id or node.pixel_hash for node in everyone}
    sizes = Counter(families.values())

    def pair(one: Judged) -> Pair:
        a, b = (sides[image_id] for image_id in one.pair)
        return Pair(
            a=a,
            b=b,
            relation=one.relation,
            found=one.edge.kind if one.edge else None,
            score=one.edge.score if one.edge else None,
            method=one.edge.method_version if one.edge else None,
            verdict=one.verdict,
            family=sizes[families[a.image_id]],
            together=families[a.image_id] == families[b.image_id],
            commands=tuple(
                (relation, _command(command, a, b, relation, by))
                for relation in BY_COMPARISON
                if relation != one.relation
            ),
        )

    numbers = Counter(one.relation for one in judged)
    groups = [
        Group(kind, numbers[kind], tuple(pair(one) for one in chosen[kind])) for kind in KINDS
    ]
    return Review(
        len(everyone), made_at, tuple(groups), sum(one.verdict is not None for one in judged)
    )


def render_review(review: Review) -> str:
    """The page as text. Its only script copies commands; its policy allows no other."""
    script = (TEMPLATES / "copy.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = page_environment(TEMPLATES).get_template("duplicates.html")
    return template.render(review=review, script=Markup(script), script_hash=digest)


def _side(
    image: Image, sightings: Sequence[Sighting], store: Store, decode: Decode, short_id: str
) -> Side:
    best = best_sighting(sightings)
    title = (best.title or best.alt_text) if best else None
    return Side(
        image_id=image.id,
        short_id=short_id,
        picture=thumbnail(
            image, store=store, decode=decode, longest_px=THUMBNAIL_PX, alt=title or "Untitled"
        ),
        title=title,
        sources=tuple(dict.fromkeys(sighting.source for sighting in sightings)),
        address=best.url if best else "",
        licences=tuple(dict.fromkeys(sighting.licence for sighting in sightings)),
        width_px=image.width_px,
        height_px=image.height_px,
        size_bytes=image.size_bytes,
        format=image.format,
    )


def _command(command: Sequence[str], a: Side, b: Side, relation: str, by: str) -> str:
    return shlex.join([*command, "dedupe", "verdict", a.short_id, b.short_id, relation, "--by", by])
