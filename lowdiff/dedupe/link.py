"""Give every image its family, by all that methods found and persons said."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.duplicates import (
    EXACT,
    Edge,
    Node,
    edges,
    nodes,
    set_families,
    verdicts,
)
from lowdiff.dedupe.density import binding_ties
from lowdiff.dedupe.exact import METHOD_VERSION, link_families
from lowdiff.dedupe.families import Links, assign_families, exact_pairs, is_giant, links

COMPARED = ("near", "variant")


@dataclass(frozen=True)
class Families:
    """All families of the catalog, after linking."""

    images: int = 0
    families: int = 0
    largest_family: int = 0
    changed: int = 0
    """Images whose family is another one than before."""

    @property
    def warning(self) -> str | None:
        """What to say when one family holds suspiciously much of the corpus."""
        if not is_giant(self.largest_family, self.images):
            return None
        share = self.largest_family / self.images
        return (
            f"the largest family holds {self.largest_family} of {self.images} images "
            f"({share:.0%}): chains of look-alikes may tie together what does not belong together. "
            "Look at them with `lowdiff dedupe review` and cut wrong pairs with "
            "`lowdiff dedupe verdict A B distinct`."
        )


def link_all(catalog: Catalog) -> Families:
    """Work out all families anew; safe to run at any time, and it writes only what changes."""
    link_families(catalog)
    with catalog.write() as session:
        everyone = nodes(session)
        families = assign_families(everyone, binding_ties(read_links(session, everyone).ties))
        changed = {
            node.id: families[node.id] for node in everyone if families[node.id] != node.family_id
        }
        set_families(session, changed)
    sizes = Counter(families.values())
    return Families(
        images=len(families),
        families=len(sizes),
        largest_family=max(sizes.values(), default=0),
        changed=len(changed),
    )


def read_links(session: Session, everyone: list[Node] | None = None) -> Links:
    """Who is tied to whom now: equal pixels, what was compared, and persons above both."""
    everyone = nodes(session) if everyone is None else everyone
    said = {pair: verdict.relation for pair, verdict in verdicts(session).items()}
    cut = frozenset(pair for pair, relation in said.items() if relation == "distinct")
    exact = [Edge(a, b, EXACT, 1.0, METHOD_VERSION) for a, b in exact_pairs(everyone, cut)]
    return links([*exact, *edges(session, COMPARED)], said)
