"""Audits in which the person may have slipped, and not the draft.

A slip counts as an error of the draft, and a person who slips once in a hundred fields would keep
every drafter from being accepted at a limit of two. So where an audit contradicts a sure draft the
field is asked once more, empty. The last word is the audit. What people and drafts agree on is not
asked again: that both are wrong, and in the same way, is rare.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from lowdiff.labels.accept.evidence import Sample
from lowdiff.labels.quality.second_look import BLIND, ask_again, asked_blind

SURE = 0.9
"""Drafts that are as sure as that are mostly right."""


def ask_contradicted(session: Session, samples: Iterable[Sample], *, now: datetime) -> int:
    """Ask again, blind, for the audits that contradict a sure draft; returns how many."""
    before = asked_blind(session)
    asked = [
        (one.image_id, one.field, BLIND)
        for one in samples
        if one.is_audit and not one.right and one.confidence >= SURE
        if (one.image_id, one.field) not in before
    ]
    return ask_again(session, asked, now=now)
