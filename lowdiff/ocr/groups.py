"""Which images are read in which languages: those that their source names, or the settings'."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Stage
from lowdiff.catalog.tables import Sighting
from lowdiff.errors import InputError
from lowdiff.ingest.sources import load_sources
from lowdiff.ocr.stage import ocr_stage
from lowdiff.settings import Settings

Languages = tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Images that are read alike."""

    languages: Languages
    stage: Stage
    named: frozenset[str]
    """Ids of its images; or, of the rest, of the images of all other groups."""
    is_rest: bool

    def of(self, image_ids: Iterable[str]) -> list[str]:
        """Those of the images that belong to this group, in their order."""
        return [image_id for image_id in image_ids if (image_id in self.named) != self.is_rest]


def groups_of(
    catalog: Catalog,
    settings: Settings,
    sources: Path,
    *,
    wrong: Callable[[InputError], None] | None = None,
) -> list[Group]:
    """All images in groups: one for each list of languages that a source names, then the rest.

    An image that several sources brought follows the first of them that names languages.

    Args:
        sources: the folder of the source files.
        wrong: told of every source file that cannot be used: its images are of the rest until it
            is mended; default: the first of them raises.

    Raises:
        InputError: a source file is wrong.
    """
    spoken = {
        source.name: tuple(source.languages)
        for source in load_sources(sources, wrong=wrong).values()
        if source.languages
    }
    members, rest = _members(catalog, spoken), settings.ocr_languages
    members.pop(rest, None)
    everyone = frozenset().union(*members.values())
    groups = [
        Group(languages, _stage(settings, languages), ids, is_rest=False)
        for languages, ids in sorted(members.items())
    ]
    return [*groups, Group(rest, _stage(settings, rest), everyone, is_rest=True)]


def _members(catalog: Catalog, spoken: Mapping[str, Languages]) -> dict[Languages, frozenset[str]]:
    languages_of: dict[str, Languages] = {}
    with catalog.read() as session:
        seen = (
            select(Sighting.image_id, Sighting.source)
            .where(Sighting.source.in_(spoken))
            .order_by(Sighting.id)
        )
        for image_id, source in session.execute(seen):
            languages_of.setdefault(image_id, spoken[source])
    members: dict[Languages, set[str]] = {}
    for image_id, languages in languages_of.items():
        members.setdefault(languages, set()).add(image_id)
    return {languages: frozenset(ids) for languages, ids in members.items()}


def _stage(settings: Settings, languages: Languages) -> Stage:
    return ocr_stage(languages, settings.ocr_engines, page_modes=settings.ocr_page_modes)
