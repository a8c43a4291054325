"""Write outcomes down; what the database does not take costs its own item only."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.exc import StatementError

from lowdiff.catalog.engine import Catalog
from lowdiff.errors import InputError
from lowdiff.ingest.record import Outcome, Refused, record

NOT_TAKEN = (StatementError, OverflowError)
"""A value that the database refuses; one that does not answer is a ServiceError by then."""


def commit(
    catalog: Catalog, outcomes: Sequence[Outcome], *, now: datetime
) -> tuple[list[Outcome], int]:
    """Commit a batch at once; only when the database refuses it, one outcome after the other.

    Returns:
        The outcomes as they were written down, and how many images are new.

    Raises:
        ServiceError: the catalog cannot be used.
    """
    try:
        with catalog.write() as session:
            return list(outcomes), record(session, outcomes, now=now)
    except NOT_TAKEN as error:
        if len(outcomes) == 1:
            return _commit_refusal(catalog, outcomes[0], error, now)
    written: list[Outcome] = []
    new = 0
    for one in outcomes:
        some, number = commit(catalog, [one], now=now)
        written += some
        new += number
    return written, new


def _commit_refusal(
    catalog: Catalog, outcome: Outcome, error: Exception, now: datetime
) -> tuple[list[Outcome], int]:
    """Say that an item cannot be kept, in words that can."""
    cause = str(getattr(error, "orig", None) or error).partition("\n")[0][:300]
    refusal = InputError(
        outcome.find.url,
        "cannot be written into the catalog",
        reason="not_storable",
        found=cause,
        do="Please report this together with the file.",
    )
    refused = Refused(outcome.find, refusal)
    with catalog.write() as session:
        return [refused], record(session, [refused], now=now)
