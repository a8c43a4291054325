"""What a site's robots.txt allows us (RFC 9309)."""

from dataclasses import dataclass

from protego import Protego

from lowdiff.errors import InputError
from lowdiff.ingest.optout import AGENT

MAX_BYTES = 500_000
MAX_DELAY_S = 60.0


@dataclass(frozen=True)
class Rules:
    """The rules of one host; `parsed` is None where there are none."""

    parsed: Protego | None = None

    @property
    def delay_s(self) -> float:
        """Seconds between two requests that the site asks for."""
        delay = self.parsed.crawl_delay(AGENT) if self.parsed is not None else None
        return float(delay or 0.0)

    def check(self, url: str) -> None:
        """Refuse an address that the site does not want to be fetched.

        Raises:
            InputError: it does not, or it asks for an absurdly long delay.
        """
        if self.delay_s > MAX_DELAY_S:
            raise InputError(
                url,
                "its robots.txt asks for a very long delay",
                reason="robots_delay",
                found=f"{self.delay_s:g} s",
                allowed=f"{MAX_DELAY_S:g} s",
            )
        if self.parsed is not None and not self.parsed.can_fetch(url, AGENT):
            raise InputError(
                url,
                "its robots.txt does not allow us to fetch it",
                reason="robots_disallow",
                do="Ask the site's owner, or take it out of the source.",
            )


def parse_rules(text: str) -> Rules:
    """Rules from a robots.txt; what is beyond its first 500 kB is ignored."""
    return Rules(Protego.parse(text[:MAX_BYTES]))
