"""How fast a host is asked: pure rules, no clock and no waiting."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from lowdiff.errors import ServiceError

TOO_MANY = (429, 503)
"""Answers of a host that is asked too often."""
MAX_DELAY_S = 60.0
MAX_WAIT_S = 30.0
"""A rest that a host asks for is kept within the run up to this; longer ones end its turn."""


class RetryLater(ServiceError):  # noqa: N818  (what the caller shall do)
    """The host asks for a longer rest than a run waits: go on with others, come back then."""

    def __init__(self, item: object, *, found: str, retry_at: datetime) -> None:
        super().__init__(
            item,
            "its host asks us to come back later",
            reason="retry_later",
            found=f"{found}, not before {retry_at:%Y-%m-%d %H:%M:%S} UTC",
            allowed=f"waiting {MAX_WAIT_S:g} s within a run",
            do="Run the command again after that time; the rest goes on.",
        )
        self.retry_at = retry_at
        """UTC, without an offset."""


class Pace:
    """Seconds between the starts of two requests to one host.

    The rule is Scrapy's AutoThrottle: the delay moves halfway towards latency / target concurrency,
    answers that are errors never make it shorter, and it stays above what source and robots.txt
    ask for. A host that says "too many" (429, 503) has it doubled.
    """

    def __init__(self, *, least_s: float, concurrency: int) -> None:
        self.least_s = least_s
        self.delay_s = least_s
        self._concurrency = concurrency

    def at_least(self, delay_s: float) -> None:
        """Keep a longer delay, as a Crawl-delay asks for."""
        self.least_s = max(self.least_s, delay_s)
        self.delay_s = max(self.delay_s, self.least_s)

    def saw(self, latency_s: float, *, status: int) -> None:
        """Learn from an answer.

        Args:
            latency_s: from the request to the last line of the answer's head.
        """
        if status in TOO_MANY:
            self.delay_s = self._within(max(2 * self.delay_s, latency_s))
            return
        target = latency_s / self._concurrency
        delay = self._within(max(target, (self.delay_s + target) / 2))
        if status < 400 or delay > self.delay_s:
            self.delay_s = delay

    def _within(self, delay_s: float) -> float:
        return max(self.least_s, min(delay_s, MAX_DELAY_S))


def rest_asked_s(retry_after: str | None, *, date: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` asks for, given as seconds or as an HTTP date.

    Args:
        date: the answer's own `Date`: by it the host's clock counts, not ours.
        now: UTC, without an offset.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), 10**8))
    until = _http_date(text)
    if until is None:
        return None
    return max(0.0, (until - (_http_date(date) or now)) / timedelta(seconds=1))


def _http_date(text: str | None) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text or "")
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if parsed.tzinfo is None:
        return parsed
    try:
        return parsed.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None
