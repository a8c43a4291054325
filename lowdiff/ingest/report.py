"""What came of a batch or of a whole run, in numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lowdiff.errors import ServiceError
from lowdiff.ingest.record import Failed, Kept, Outcome, Refused


@dataclass
class IngestReport:
    """How a batch (or, added up, a run) ended."""

    new: int = 0
    """Images that the catalog did not have."""
    known: int = 0
    """Finds whose very bytes the catalog had already."""
    unchanged: int = 0
    """Finds visited again whose source says that nothing has changed."""
    refused: Counter[str] = field(default_factory=Counter)
    """Reason → number of rejections."""
    failed: int = 0
    """Finds that will be tried again by the next run."""
    later: int = 0
    """Finds whose host asked to be asked later."""
    retry_at: datetime | None = None
    """When the first of them may be asked (UTC)."""
    first_failure: str | None = None

    def count(self, outcomes: Sequence[Outcome], *, new: int) -> None:
        """Count outcomes that were committed, `new` images among them."""
        kept = sum(isinstance(one, Kept) for one in outcomes)
        self.new += new
        self.known += kept - new
        for one in outcomes:
            if isinstance(one, Refused):
                self.refused[one.reason] += 1
            elif isinstance(one, Failed):
                self._count_failure(one)
            elif not isinstance(one, Kept):
                self.unchanged += 1

    def _count_failure(self, failed: Failed) -> None:
        if failed.retry_at is None:
            self.failed += 1
            self.first_failure = self.first_failure or str(failed.failure)
        else:
            self.later += 1
            self.retry_at = _earlier(self.retry_at, failed.retry_at)

    def add(self, other: "IngestReport") -> None:
        """Add another batch to this one."""
        self.new += other.new
        self.known += other.known
        self.unchanged += other.unchanged
        self.refused += other.refused
        self.failed += other.failed
        self.later += other.later
        self.retry_at = _earlier(self.retry_at, other.retry_at)
        self.first_failure = self.first_failure or other.first_failure

    def as_dict(self) -> dict[str, Any]:
        """Plain values for reports."""
        return {
            "new": self.new,
            "known": self.known,
            "unchanged": self.unchanged,
            "refused": dict(sorted(self.refused.items())),
            "failed": self.failed,
            "later": self.later,
            "retry_at": self.retry_at.isoformat() if self.retry_at else None,
        }

    def raise_if_failed(self) -> None:
        """Let the caller retry.

        Raises:
            ServiceError: something is to be tried again.
        """
        if self.failed:
            raise ServiceError(
                "ingest",
                f"{self.failed} items could not be fetched; the first one: {self.first_failure}",
                reason="fetch_failed",
                do="What was fetched is kept; run the same command again to fetch the rest.",
            )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    times = [moment for moment in (one, other) if moment is not None]
    return min(times, default=None)
