"""Whose logo it is, from the words in the picture: brands that people have named, read there.

A word mark is a text, too. How often a name that is read is a logo, and of that brand, is counted
on the labels so far.
"""

import re

from sqlalchemy.orm import Session

from lowdiff.labels.learn.examples import Table, read_labels
from lowdiff.labels.learn.logos import BRAND, LOGO, PRESENT
from lowdiff.labels.learn.statements import Statement, Statements, statements_of

BY = "brand-words/1"
LEAST_NAMED = 2
"""A brand counts once people have named it so often."""
START, WEIGHT = 0.5, 4
"""How often a name that is read is right, before anything is known, and the labels it is worth."""


def brands_say(session: Session, table: Table, *, audit_share: float) -> Statements:
    """Drafts of `logo` and `brand` where a known brand is read; audited labels are not used."""
    logos = read_labels(session, LOGO, table.ids, audit_share=audit_share)
    named = read_labels(session, BRAND, table.ids, audit_share=audit_share)
    counts: dict[str, int] = {}
    for value in named.values():
        if value:
            counts[str(value)] = counts.get(str(value), 0) + 1
    known = {_bare(name): name for name, number in counts.items() if number >= LEAST_NAMED}
    read = {
        one: found
        for at, one in enumerate(table.ids)
        if (found := _first_named(_text(table, at), known)) is not None
    }
    judged = [one for one in read if one in logos]
    shown = sum(logos[one] == PRESENT for one in judged)
    right = sum(named.get(one) == read[one] for one in judged)
    sure = (shown + START * WEIGHT) / (len(judged) + WEIGHT)
    surely = (right + START * WEIGHT) / (len(judged) + WEIGHT)
    return {
        one: {
            LOGO: [Statement(PRESENT, round(sure, 4), BY)],
            BRAND: [Statement(name, round(surely, 4), BY)],
        }
        for one, name in read.items()
    }


def _text(table: Table, at: int) -> str:
    read = statements_of(table.drafts[at]).get("transcription", [])
    return str(read[0].value) if read else ""


def _first_named(text: str, known: dict[str, str]) -> str | None:
    """The first brand that stands in a text as whole words."""
    words = f" {_bare(text)} "
    places = {words.find(f" {bare} "): name for bare, name in known.items() if bare}
    found = [place for place in places if place >= 0]
    return places[min(found)] if found else None


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
