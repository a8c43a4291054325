"""Everything that learned drafters say of the images of a catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from lowdiff.labels.learn.brand_words import brands_say
from lowdiff.labels.learn.captions import captioner_says
from lowdiff.labels.learn.examples import Table, read_table
from lowdiff.labels.learn.logos import logos_say, read_templates
from lowdiff.labels.learn.neighbours import neighbours_say
from lowdiff.labels.learn.propagate import relatives_say
from lowdiff.labels.learn.referee import referee_says
from lowdiff.labels.learn.statements import Statement, Statements, add, is_learned, statements_of
from lowdiff.labels.learn.subjects import subjects_say
from lowdiff.labels.learn.train import heads_say
from lowdiff.labels.schema import Schema
from lowdiff.store import Store


@dataclass(frozen=True)
class Said:
    """What learned drafters say."""

    statements: Statements
    boxes: dict[str, list[dict[str, Any]]]
    """Image id → rectangles of logos."""
    heads: list[str]
    """The heads that spoke, with their versions."""


def drafters(
    session: Session,
    store: Store,
    schema: Schema,
    *,
    features: str,
    audit_share: float,
    captioners: Sequence[str] = (),
) -> Said:
    """Ask the heads, the logos, the words, the families, the neighbours and the captioners.

    Nothing is trained, decoded or sent here: what they need was made before.

    Args:
        features: the setting of this name.
        captioners: names, with versions, of the captioners that are on.
    """
    relatives = relatives_say(session, schema, audit_share=audit_share)
    table = read_table(session, schema, features=features, relatives=relatives)
    said, heads = heads_say(session, store, table, features=features)
    templates = read_templates(session, schema, audit_share=audit_share)
    logos, boxes = logos_say(session, templates, table.ids)
    add(said, logos)
    add(said, brands_say(session, table, audit_share=audit_share))
    add(said, relatives)
    add(said, neighbours_say(session, table, audit_share=audit_share))
    add(said, subjects_say(session, table, said, audit_share=audit_share))
    others = list(
        zip(table.ids, (_by_others(table, at) for at in range(len(table.ids))), strict=True)
    )
    for by in captioners:
        add(said, captioner_says(session, by, others))
    add(said, referee_says(session, schema, table, said, audit_share=audit_share))
    return Said(said, boxes, heads)


def _by_others(table: Table, at: int) -> dict[str, list[Statement]]:
    return {
        name: [one for one in ones if not is_learned(one.by)]
        for name, ones in statements_of(table.drafts[at]).items()
    }
