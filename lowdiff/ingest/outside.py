"""Everything outside that ingestion touches, opened together: sources, decoders, clients."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from lowdiff.ingest.decoders import Decoders, open_decoders
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.offered import Fetched, Known, Opened
from lowdiff.ingest.opening import open_items
from lowdiff.ingest.policy import Answers
from lowdiff.ingest.source_kinds import Source, UrlsSource, WebSource
from lowdiff.ingest.web import WAITS_S, Answer, Web, open_web
from lowdiff.workspace import Workspace

__all__ = ["Fetched", "Known", "Outside", "open_outside"]


@dataclass(frozen=True)
class Outside:
    """The open sources; pass it to `discover` and `ingest_batch`."""

    sources: Mapping[str, Source]
    workspace: Workspace
    limits: Limits
    decoders: Decoders
    webs: Mapping[str, Web]
    """Clients of the sources that ask web servers."""
    workers: int
    items: Mapping[str, Opened] = field(default_factory=dict)
    """The other sources."""

    def limits_of(self, source_name: str) -> Limits:
        """The limits of one source."""
        return self.sources[source_name].limits_over(self.limits)

    def fetch(self, source_name: str, url: str, *, known: Known | None = None) -> Fetched:
        """Get the bytes of one find.

        Args:
            known: what an earlier answer said; the answer may be that nothing has changed.

        Raises:
            InputError: it is refused.
            ServiceError: its source fails now.
        """
        limits = self.limits_of(source_name)
        if source_name in self.items:
            return self.items[source_name].read(url, limits=limits, known=known)
        web = self.webs[source_name]
        return _from_answer(web.get(url, max_bytes=limits.max_mb * 1e6, known=known))


@contextmanager
def open_outside(
    sources: Mapping[str, Source],
    *,
    workspace: Workspace,
    limits: Limits,
    workers: int,
    waits_s: Sequence[float] = WAITS_S,
    answers: Answers | None = None,
) -> Iterator[Outside]:
    """Open sources by name; clients and decoder processes end with the block.

    Args:
        limits: the settings' limits; a source may have its own.
        workers: decoder processes and threads.
        waits_s: seconds before each new try of a request that failed.
        answers: keeps what sites say of themselves, as evidence and for other runs.
    """
    with ExitStack() as stack:
        webs: dict[str, Web] = {}
        items: dict[str, Opened] = {}
        for name, source in sources.items():
            if isinstance(source, UrlsSource):
                from lowdiff.ingest.url_list import ListedHosts  # pyarrow takes a while to import

                source = source.with_listed(ListedHosts(source, workspace.root))
            if isinstance(source, UrlsSource | WebSource):
                webs[name] = stack.enter_context(open_web(source, waits_s, answers))
            else:
                opened = open_items(source, root=workspace.root, copies=workspace.cache)
                items[name] = stack.enter_context(closing(opened))
        yield Outside(
            sources=sources,
            workspace=workspace,
            limits=limits,
            decoders=stack.enter_context(open_decoders(workers)),
            webs=webs,
            workers=workers,
            items=items,
        )


def _from_answer(answer: Answer) -> Fetched:
    return Fetched(
        body=answer.body,
        evidence=dict(answer.evidence),
        etag=answer.headers.get("etag"),
        last_modified=answer.headers.get("last-modified"),
        unchanged=answer.unchanged,
    )
