"""Rows about pairs: what a method found two images to be to each other, what a person says."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from lowdiff.catalog.bulk import upsert
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.tables import DuplicateEdge, DuplicateVerdict, Image
from lowdiff.errors import InputError

EXACT = "exact"
BY_COMPARISON = ("near", "variant", "distinct")
"""Kinds that a comparison of contents gives, and the ones that a person may say."""
CHUNK = 400
_KEY = ("a_id", "b_id", "kind")


@dataclass(frozen=True)
class Edge:
    """What a method found; `a_id` < `b_id`."""

    a_id: str
    b_id: str
    kind: str
    score: float
    method_version: str


@dataclass(frozen=True)
class Verdict:
    """What a person said last of two images; `a_id` < `b_id`."""

    a_id: str
    b_id: str
    relation: str
    actor: str
    note: str | None
    created_at: datetime


@dataclass(frozen=True)
class Node:
    """What families need of an image."""

    id: str
    pixel_hash: str
    family_id: str | None
    split: str | None


def keep_edges(session: Session, edges: Sequence[Edge], *, now: datetime) -> None:
    """Keep what was found; the same pair again replaces its score and version."""
    rows = [{**vars(edge), "created_at": now} for edge in edges]
    columns = ("score", "method_version", "created_at")
    upsert(session, DuplicateEdge, rows, key=_KEY, update=columns)


def drop_other_versions(session: Session, method_version: str) -> None:
    """Forget what other versions of the method found; exact twins have a method of their own."""
    session.execute(
        delete(DuplicateEdge).where(
            DuplicateEdge.kind.in_(BY_COMPARISON), DuplicateEdge.method_version != method_version
        )
    )


def edges(session: Session, kinds: Sequence[str]) -> Iterator[Edge]:
    """All edges of some kinds, in a stable order."""
    query = _edges().where(DuplicateEdge.kind.in_(kinds))
    for row in session.execute(query.order_by(DuplicateEdge.a_id, DuplicateEdge.b_id)):
        yield Edge(*row)


def edges_of(session: Session, image_ids: Sequence[str]) -> list[Edge]:
    """All edges that touch some images, each once."""
    found: dict[tuple[str, str, str], Edge] = {}
    for some in chunks(image_ids, CHUNK):
        touched = or_(DuplicateEdge.a_id.in_(some), DuplicateEdge.b_id.in_(some))
        for row in session.execute(_edges().where(touched)):
            found[row[0], row[1], row[2]] = Edge(*row)
    return [found[key] for key in sorted(found)]


def add_verdict(session: Session, verdict: Verdict) -> None:
    """Append what a person says; earlier verdicts of the pair stay, but count no more."""
    session.add(DuplicateVerdict(**vars(verdict)))
    session.flush()


def verdicts(session: Session) -> dict[tuple[str, str], Verdict]:
    """(smaller id, larger id) → the newest verdict."""
    newest = select(func.max(DuplicateVerdict.id)).group_by(
        DuplicateVerdict.a_id, DuplicateVerdict.b_id
    )
    rows = session.scalars(select(DuplicateVerdict).where(DuplicateVerdict.id.in_(newest)))
    return {
        (row.a_id, row.b_id): Verdict(
            row.a_id, row.b_id, row.relation, row.actor, row.note, row.created_at
        )
        for row in rows
    }


def counts_by_kind(session: Session) -> dict[str, int]:
    """Kind → pairs; a person's word counts above the method's, and every kind is there."""
    query = select(DuplicateEdge.kind, func.count()).group_by(DuplicateEdge.kind)
    found = Counter({str(kind): int(number) for kind, number in session.execute(query)})
    said = verdicts(session)
    judged = {one for pair in said for one in pair}
    for edge in edges_of(session, sorted(judged)):
        if (edge.a_id, edge.b_id) in said:
            found[edge.kind] -= 1
    found.update(verdict.relation for verdict in said.values())
    return {kind: found[kind] for kind in (EXACT, *BY_COMPARISON)}


def nodes(session: Session) -> list[Node]:
    """All images, by id."""
    query = select(Image.id, Image.pixel_hash, Image.family_id, Image.split)
    return [Node(*row) for row in session.execute(query.order_by(Image.id))]


def pixel_hashes(session: Session) -> dict[str, str]:
    """Image id → hash of what it shows."""
    return {row[0]: row[1] for row in session.execute(select(Image.id, Image.pixel_hash))}


def set_families(session: Session, families: Mapping[str, str]) -> None:
    """Image id → family, for the images whose family changes."""
    if not families:
        return
    # a plain statement for many rows: the session holds no such objects
    table = Image.__table__
    statement = (
        update(Image)
        .where(table.c.id == bindparam("image"))
        .values(family_id=bindparam("family"))
        .execution_options(synchronize_session=None)
    )
    session.connection().execute(
        statement, [{"image": image, "family": family} for image, family in families.items()]
    )


def find_image(session: Session, start: str) -> str:
    """The id of the one image whose id begins so.

    Raises:
        InputError: no image does, or several.
    """
    query = select(Image.id).where(Image.id.startswith(start, autoescape=True)).limit(2)
    ids = list(session.scalars(query)) if start else []
    if len(ids) != 1:
        raise InputError(
            f"image {start!r}",
            "is not one image",
            reason="no_such_image",
            found="several images" if ids else "no image",
            allowed="an id, or the unique start of one",
        )
    return ids[0]


def _edges() -> Select[str, str, str, float, str]:
    return select(
        DuplicateEdge.a_id,
        DuplicateEdge.b_id,
        DuplicateEdge.kind,
        DuplicateEdge.score,
        DuplicateEdge.method_version,
    )
