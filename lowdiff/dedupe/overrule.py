"""A person says what two images are to each other; that counts above every method."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.duplicates import (
    BY_COMPARISON,
    Edge,
    Verdict,
    add_verdict,
    edges_of,
    find_image,
    nodes,
    verdicts,
)
from lowdiff.catalog.engine import utc_now
from lowdiff.dedupe.density import binding_ties
from lowdiff.dedupe.families import path_between
from lowdiff.dedupe.link import link_all, read_links
from lowdiff.errors import InputError

LONGEST_ACTOR = 128


@dataclass(frozen=True)
class Overruled:
    """What a verdict changed."""

    verdict: Verdict
    before: str | None
    """What the pair was until now; None where nobody had compared it."""
    still_connected: tuple[str, ...]
    """After `distinct`: a chain of images that keeps both in one family all the same."""
    changed: int
    """Images whose family changed."""


@dataclass(frozen=True)
class Relatives:
    """An image, its family and all that is known of its pairs."""

    image_id: str
    family_id: str
    members: tuple[str, ...]
    edges: tuple[Edge, ...]
    verdicts: tuple[Verdict, ...]


def overrule(
    catalog: Catalog,
    a: str,
    b: str,
    relation: str,
    *,
    by: str,
    note: str | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Overruled:
    """Keep a person's verdict and link the families anew. The newest verdict of a pair counts.

    Args:
        a: an image id, or the unique start of one; so is `b`.
        relation: `near`, `variant` or `distinct`.
        by: who says it, for instance an e-mail address.

    Raises:
        InputError: an id is not one image, both are the same image, or the relation or the
            person is not allowed.
    """
    _check(relation, by)
    with catalog.write() as session:
        one, other = sorted((find_image(session, a), find_image(session, b)))
        if one == other:
            raise InputError(
                f"images {a} and {b}", "are the same image", reason="same_image", found=one
            )
        tie = read_links(session).ties.get((one, other))
        known = verdicts(session).get((one, other))
        before = known.relation if known else tie.kind if tie else _compared(session, one, other)
        verdict = Verdict(one, other, relation, by.strip(), note, now())
        add_verdict(session, verdict)
    changed = link_all(catalog).changed
    chain: list[str] = []
    if relation == "distinct":
        with catalog.read() as session:
            chain = path_between(one, other, binding_ties(read_links(session).ties))
    return Overruled(verdict, before, tuple(chain), changed)


def relatives(catalog: Catalog, image: str) -> Relatives:
    """The family of an image, and every pair that it is in.

    Raises:
        InputError: the id is not one image.
    """
    with catalog.read() as session:
        image_id = find_image(session, image)
        everyone = nodes(session)
        family = next(n.family_id or n.pixel_hash for n in everyone if n.id == image_id)
        said = [v for pair, v in sorted(verdicts(session).items()) if image_id in pair]
        return Relatives(
            image_id=image_id,
            family_id=family,
            members=tuple(n.id for n in everyone if (n.family_id or n.pixel_hash) == family),
            edges=tuple(edges_of(session, [image_id])),
            verdicts=tuple(said),
        )


def _compared(session: Session, one: str, other: str) -> str | None:
    found = [e.kind for e in edges_of(session, [one]) if (e.a_id, e.b_id) == (one, other)]
    return found[0] if found else None


def _check(relation: str, by: str) -> None:
    if relation not in BY_COMPARISON:
        raise InputError(
            "the verdict",
            "is none that we know",
            reason="unknown_relation",
            found=repr(relation),
            allowed=", ".join(BY_COMPARISON),
        )
    if not 0 < len(by.strip()) <= LONGEST_ACTOR:
        raise InputError(
            "the person of the verdict",
            "must be named",
            reason="nobody",
            found=repr(by),
            allowed=f"1 to {LONGEST_ACTOR} characters, such as you@example.com",
        )
