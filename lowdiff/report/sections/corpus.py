"""What was found: images per source and licence, what was refused, what is there twice."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.duplicates import Edge
from lowdiff.catalog.images import UNKNOWN_LICENCE, counts_by_source, rejections_by_reason
from lowdiff.catalog.tables import Find, Image, Rejection, Sighting
from lowdiff.dedupe.link import read_links
from lowdiff.report.gallery import Shown, show
from lowdiff.report.inputs import Inputs

WALL_IMAGES = 84
WALL_PX = 96
FAMILIES_SHOWN = 6
FAMILY_MEMBERS_SHOWN = 4
NEAR_SHOWN = 6
EXAMPLES_OF_A_REASON = 3
SIDES_PX = (64, 128, 256, 512, 1024, 2048)
_SPDX = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")


@dataclass(frozen=True)
class Source:
    """One source and what it gave."""

    name: str
    images: int
    rejected: int


@dataclass(frozen=True)
class Licence:
    """Images under one licence with one attribution."""

    spdx: str
    attribution: str
    images: int

    @property
    def address(self) -> str | None:
        """Where the text of a licence of the SPDX list can be read."""
        has_text = self.spdx != UNKNOWN_LICENCE and not self.spdx.startswith("LicenseRef-")
        if not has_text or not _SPDX.match(self.spdx):
            return None
        return f"https://spdx.org/licenses/{self.spdx}.html"


@dataclass(frozen=True)
class Refused:
    """Items that were refused for one reason."""

    reason: str
    number: int
    examples: tuple[tuple[str, str], ...]
    """(address, message)."""


@dataclass(frozen=True)
class Corpus:
    """Everything that ingest and dedupe know."""

    images: int
    sightings: int
    size_bytes: int
    sources: tuple[Source, ...]
    licences: tuple[Licence, ...]
    formats: tuple[tuple[str, int], ...]
    sides: tuple[tuple[str, int], ...]
    """Longest side in pixels, raster images only."""
    refused: tuple[Refused, ...]
    waiting: int
    """Addresses that are still to be fetched."""
    families: int
    """Families with more than one image."""
    in_families: int
    """Images that are in such a family."""
    edges: tuple[tuple[str, int], ...]
    """Kind of likeness that makes families → pairs, after persons' verdicts."""
    wall: tuple[Shown, ...] = ()
    largest_family: int = 0
    twins: tuple[tuple[Shown, ...], ...] = ()
    """Some families, side by side."""
    near: tuple[tuple[Shown, Shown, float], ...] = ()
    """Some pairs that show nearly the same picture, and how sure that is."""


def gather_corpus(inputs: Inputs) -> Corpus:
    """Count with the database, then draw a sample."""
    with inputs.catalog.read() as session:
        images = session.scalar(select(func.count()).select_from(Image)) or 0
        family = _families(session)
        ties = read_links(session).ties.values()
        counted = Corpus(
            images=images,
            sightings=session.scalar(select(func.count()).select_from(Sighting)) or 0,
            size_bytes=session.scalar(select(func.sum(Image.size_bytes))) or 0,
            sources=tuple(
                Source(name, **numbers) for name, numbers in counts_by_source(session).items()
            ),
            licences=_licences(session),
            formats=_formats(session),
            sides=_sides(session),
            refused=_refused(session),
            waiting=_waiting(session),
            families=family.number,
            in_families=family.images,
            edges=_edges(ties),
            largest_family=family.largest,
        )
        # ids are hashes: the first ones are a fair sample, and the same one every time
        wall = list(session.scalars(select(Image.id).order_by(Image.id).limit(WALL_IMAGES)))
    members = [image_id for ids in family.shown for image_id in ids]
    near = sorted(
        (edge for edge in ties if edge.kind == "near"), key=lambda edge: (edge.a_id, edge.b_id)
    )[:NEAR_SHOWN]
    beside = [image_id for edge in near for image_id in (edge.a_id, edge.b_id)]
    shown = show(inputs, [*wall, *members, *beside], longest_px=WALL_PX)
    twins = [tuple(shown[i] for i in ids if i in shown) for ids in family.shown]
    return replace(
        counted,
        wall=tuple(shown[image_id] for image_id in wall if image_id in shown),
        twins=tuple(group for group in twins if len(group) > 1),
        near=tuple(
            (shown[edge.a_id], shown[edge.b_id], edge.score)
            for edge in near
            if edge.a_id in shown and edge.b_id in shown
        ),
    )


@dataclass(frozen=True)
class _Families:
    number: int
    images: int
    largest: int
    shown: list[list[str]]


def _families(session: Session) -> _Families:
    family = func.coalesce(Image.family_id, Image.pixel_hash)
    sizes = (
        select(family.label("family"), func.count().label("size"))
        .group_by(family)
        .having(func.count() > 1)
        .subquery()
    )
    number, images, largest = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(sizes.c.size), 0),
            func.coalesce(func.max(sizes.c.size), 1),
        )
    ).one()
    some = session.scalars(
        select(sizes.c.family).order_by(sizes.c.size.desc(), sizes.c.family).limit(FAMILIES_SHOWN)
    )
    shown = [
        list(
            session.scalars(
                select(Image.id)
                .where(family == name)
                .order_by(Image.id)
                .limit(FAMILY_MEMBERS_SHOWN)
            )
        )
        for name in list(some)
    ]
    return _Families(number=number, images=images, largest=largest, shown=shown)


def _licences(session: Session) -> tuple[Licence, ...]:
    number = func.count(func.distinct(Sighting.image_id))
    query = (
        select(Sighting.licence, Sighting.attribution, number)
        .group_by(Sighting.licence, Sighting.attribution)
        .order_by(number.desc(), Sighting.licence, Sighting.attribution)
    )
    return tuple(Licence(*row) for row in session.execute(query))


def _formats(session: Session) -> tuple[tuple[str, int], ...]:
    query = select(Image.format, func.count()).group_by(Image.format)
    rows = [(str(name), int(number)) for name, number in session.execute(query)]
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))


def _sides(session: Session) -> tuple[tuple[str, int], ...]:
    side = case((Image.width_px > Image.height_px, Image.width_px), else_=Image.height_px)
    bins = case(
        *((side <= limit, index) for index, limit in enumerate(SIDES_PX)), else_=len(SIDES_PX)
    )
    query = select(bins, func.count()).where(Image.format != "svg").group_by(bins)
    found = {int(index): int(number) for index, number in session.execute(query)}
    names = [f"up to {limit:,} px" for limit in SIDES_PX] + [f"over {SIDES_PX[-1]:,} px"]
    return tuple((name, found[index]) for index, name in enumerate(names) if index in found)


def _refused(session: Session) -> tuple[Refused, ...]:
    groups = []
    for reason, number in rejections_by_reason(session).items():
        query = (
            select(Rejection.url, Rejection.message)
            .where(Rejection.reason == reason)
            .order_by(Rejection.source, Rejection.url)
            .limit(EXAMPLES_OF_A_REASON)
        )
        examples = tuple((row.url, row.message) for row in session.execute(query))
        groups.append(Refused(reason, number, examples))
    return tuple(groups)


def _waiting(session: Session) -> int:
    query = select(func.count()).where(Find.state.in_(("open", "leased", "failed")))
    return session.scalar(query) or 0


def _edges(ties: Iterable[Edge]) -> tuple[tuple[str, int], ...]:
    found = Counter(edge.kind for edge in ties)
    return tuple((kind, found[kind]) for kind in ("exact", "near", "variant") if found[kind])
