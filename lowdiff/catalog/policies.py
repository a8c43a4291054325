"""What sites said of themselves (robots.txt, tdmrep.json): evidence, and a cache of a day."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from lowdiff.catalog.bulk import upsert
from lowdiff.catalog.engine import Catalog, utc_now
from lowdiff.catalog.tables import PolicyAnswer

FRESH = timedelta(hours=24)
"""The longest time for which RFC 9309 (2.4) lets an answer be used."""


class PolicyAnswers:
    """The table `policy_answer`; may be used from several threads."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime] = utc_now) -> None:
        self._catalog = catalog
        self._now = now

    def recall(self, url: str) -> tuple[int, str] | None:
        """Status and body of the newest answer, if it is fresh and the site gave one."""
        newest = (
            select(PolicyAnswer.status, PolicyAnswer.body, PolicyAnswer.last_seen_at)
            .where(PolicyAnswer.url == url, PolicyAnswer.status != 0)
            .order_by(PolicyAnswer.last_seen_at.desc(), PolicyAnswer.id.desc())
            .limit(1)
        )
        with self._catalog.read() as session:
            row = session.execute(newest).one_or_none()
        if row is None or row.last_seen_at <= self._now() - FRESH:
            return None
        return row.status, row.body

    def keep(self, url: str, *, status: int, digest: str, body: str) -> None:
        """Remember an answer; the same one again only moves its last time.

        Args:
            status: 0: the site gave none, `body` says why.
        """
        now = self._now()
        row = {"url": url, "digest": digest, "status": status, "body": body}
        with self._catalog.write() as session:
            upsert(
                session,
                PolicyAnswer,
                [{**row, "first_seen_at": now, "last_seen_at": now}],
                key=("url", "digest"),
                update=("last_seen_at",),
            )
