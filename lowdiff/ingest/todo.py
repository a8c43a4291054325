"""What `ingest_batch` has to do now."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.queue import (
    Outlook,
    outlook,
    reopen_for_revisit,
    reopen_rejected,
    unfinished_ids,
)
from lowdiff.ingest.source_base import SourceBase


def pending(
    catalog: Catalog,
    sources: Mapping[str, SourceBase],
    *,
    retry_rejected: bool = False,
    revisit: bool = False,
    now: Callable[[], datetime] = utc_now,
) -> list[int]:
    """Ids of finds that `ingest_batch` may fetch now.

    What was fetched longer ago than a source's `revisit_days` is among them.

    Args:
        sources: name → source.
        retry_rejected: open again what was refused before (after limits were raised, say) and
            what failed too often.
        revisit: ask again for everything that was fetched; a visit that was interrupted goes on.
    """
    moment = now()
    with catalog.write() as session:
        if retry_rejected:
            reopen_rejected(session, list(sources), now=moment)
        for name, source in sources.items():
            if revisit:
                reopen_for_revisit(session, name, before=moment, now=moment, anew=True)
            elif source.revisit_days is not None:
                old = moment - timedelta(days=source.revisit_days)
                reopen_for_revisit(session, name, before=old, now=moment)
        return unfinished_ids(session, list(sources), now=moment)


def waiting(
    catalog: Catalog, sources: Mapping[str, SourceBase], now: Callable[[], datetime] = utc_now
) -> Outlook:
    """What cannot be fetched now: hosts that asked for a rest, finds that failed too often."""
    with catalog.read() as session:
        return outlook(session, list(sources), now=now())
