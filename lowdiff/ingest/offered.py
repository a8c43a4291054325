"""What every kind of source gives: its finds one by one, and the bytes of one find."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError
from lowdiff.ingest.limits import Limits


@dataclass(frozen=True)
class Known:
    """What an earlier answer said of its version; makes the next request conditional."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Fetched:
    """Bytes and what the source answered with them."""

    body: bytes
    evidence: dict[str, Any] = field(default_factory=dict)
    etag: str | None = None
    last_modified: str | None = None
    unchanged: bool = False
    """The source says that nothing has changed since; `body` is empty."""


@dataclass(frozen=True)
class Found:
    """Something that a source offers, and its size where that costs nothing."""

    offer: Offer
    size_bytes: int | None = None
    is_missing: bool = False
    """It is named but not there, such as the target of a link; reading it will tell why."""


class Opened(Protocol):
    """An open source. `read` may be called from several threads."""

    def found(self) -> Iterator[Found | InputError]:
        """Everything that the source offers, streamed; an error for what it offers in vain.

        Raises:
            InputError: the source itself is wrong.
            ServiceError: it cannot be read now.
        """

    def read(self, url: str, *, limits: Limits, known: Known | None = None) -> Fetched:
        """The bytes of one find.

        Raises:
            InputError: it is refused.
            ServiceError: the source fails now.
        """

    def close(self) -> None:
        """End it; nothing can be read afterwards."""


def local_path(path: str, root: Path) -> Path:
    """Where a source's file or folder lies; what is not absolute is relative to the workspace."""
    return (root / Path(path).expanduser()).absolute()


def stamp_of(version: object, hints: dict[str, Any]) -> str:
    """Changes with the content's version and with what the source says of it."""
    said = hashlib.sha256(json.dumps(hints, sort_keys=True).encode()).hexdigest()[:12]
    return f"{version}:{said}"
