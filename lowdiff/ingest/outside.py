"""Everything outside that ingestion touches, opened together: sources, decoders, clients."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from lowdiff.ingest.decoders import Decoders, open_decoders
from lowdiff.ingest.folder import read_file
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.sources import FolderSource, Source
from lowdiff.ingest.web import WAITS_S, Answer, Web, open_web
from lowdiff.workspace import Workspace


@dataclass(frozen=True)
class Fetched:
    """Bytes and what the source answered with them."""

    body: bytes
    evidence: dict[str, Any] = field(default_factory=dict)
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Outside:
    """The open sources; pass it to `discover` and `ingest_batch`."""

    sources: Mapping[str, Source]
    workspace: Workspace
    limits: Limits
    decoders: Decoders
    webs: Mapping[str, Web]
    workers: int

    def limits_of(self, source_name: str) -> Limits:
        """The limits of one source."""
        return self.sources[source_name].limits_over(self.limits)

    def fetch(self, source_name: str, url: str) -> Fetched:
        """Get the bytes of one find.

        Raises:
            InputError: it is refused.
            ServiceError: its source fails now.
        """
        source, limits = self.sources[source_name], self.limits_of(source_name)
        if isinstance(source, FolderSource):
            return Fetched(read_file(source, self.workspace, url, limits=limits))
        return _from_answer(self.webs[source_name].get(url, max_bytes=limits.max_mb * 1e6))


@contextmanager
def open_outside(
    sources: Mapping[str, Source],
    *,
    workspace: Workspace,
    limits: Limits,
    workers: int,
    waits_s: Sequence[float] = WAITS_S,
) -> Iterator[Outside]:
    """Open sources by name; clients and decoder processes end with the block.

    Args:
        limits: the settings' limits; a source may have its own.
        workers: decoder processes and threads.
        waits_s: seconds before each new try of a request that failed.
    """
    with ExitStack() as stack:
        webs = {
            name: stack.enter_context(open_web(source, waits_s))
            for name, source in sources.items()
            if not isinstance(source, FolderSource)
        }
        yield Outside(
            sources=sources,
            workspace=workspace,
            limits=limits,
            decoders=stack.enter_context(open_decoders(workers)),
            webs=webs,
            workers=workers,
        )


def _from_answer(answer: Answer) -> Fetched:
    headers = answer.headers
    said = {
        "status": 200,
        "final_url": answer.url,
        "content_type": headers.get("content-type"),
        "x_robots_tag": headers.get("x-robots-tag"),
        "robots_txt": "allowed",
    }
    return Fetched(
        body=answer.body,
        evidence={key: value for key, value in said.items() if value is not None},
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
    )
