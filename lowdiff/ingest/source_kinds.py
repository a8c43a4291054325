"""The kinds of sources, and which keys each one has."""

from collections.abc import Container
from functools import lru_cache
from typing import Annotated, Literal

import httpx
from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from lowdiff.ingest.source_base import (
    Columns,
    MetadataIndex,
    Selected,
    SourceBase,
    archive_path,
    bucket_address,
    contact_text,
    list_path,
    pattern_text,
    web_address,
)


class FolderSource(Selected):
    """Images in a folder and everything below it."""

    kind: Literal["folder"]
    path: str = Field(min_length=1)
    """Absolute, or relative to the workspace."""
    contact: Annotated[str, AfterValidator(contact_text)] | None = None
    metadata: MetadataIndex | None = None

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        return self.path


class ArchiveSource(Selected):
    """Images in one zip or tar file."""

    kind: Literal["archive"]
    path: Annotated[str, AfterValidator(archive_path)]
    """Absolute, or relative to the workspace."""
    metadata: MetadataIndex | None = None
    max_members: int = Field(default=500_000, ge=1)
    max_total_gb: float = Field(default=100.0, gt=0)
    """Thousand millions of bytes, unpacked."""

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        return self.path


class CollectionSource(Selected):
    """An earlier collection: Parquet files, or WebDataset shards (tar)."""

    kind: Literal["collection"]
    path: str = Field(min_length=1)
    """One file, or a folder of them; absolute, or relative to the workspace."""
    glob: list[str] = Field(default=["*.parquet", "*.tar"], min_length=1)
    """Shards inside the folder."""
    image: str = "image"
    """Column of the encoded images (Parquet): bytes, or a struct with `bytes`."""
    columns: Columns = Columns()
    """Columns of a Parquet file, or keys of a shard's .json files."""
    max_members: int = Field(default=500_000, ge=1)
    """Files of one tar shard."""

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        return self.path


class BucketSource(Selected):
    """Objects below an address that fsspec knows: S3, Google Cloud Storage, …"""

    kind: Literal["bucket"]
    url: Annotated[str, AfterValidator(bucket_address)]
    anonymous: bool = False
    """Ask without credentials; otherwise those of the environment are used."""
    endpoint_url: str | None = None
    """Of a server that speaks S3 but is not Amazon's."""

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        return self.url


class AskingSource(SourceBase):
    """A source that asks web servers."""

    contact: Annotated[str, AfterValidator(contact_text)]
    """Told to the site in every request."""
    allowed_hosts: list[str] = Field(default=[])
    delay_s: float = Field(default=1.0, ge=0)
    """Between two requests to one host; robots.txt can make it longer."""
    concurrency: int = Field(default=2, ge=1, le=32)
    request_timeout_s: float = Field(default=30.0, gt=0)
    """For one whole answer, its last byte included."""
    allow_loopback: bool = False
    """Allow hosts of this machine and of private networks."""

    @field_validator("allowed_hosts")
    @classmethod
    def _lower(cls, hosts: list[str]) -> list[str]:
        return [host.lower() for host in hosts]

    @property
    def hosts(self) -> Container[str]:
        """Hosts that may be asked, in lower case."""
        return frozenset(self.allowed_hosts)

    @property
    def hosts_in_words(self) -> str:
        """The same for a message."""
        return ", ".join(sorted(self.allowed_hosts)) or "none"


class UrlsSource(AskingSource):
    """Images at the web addresses of a list."""

    kind: Literal["urls"]
    path: Annotated[str, AfterValidator(list_path)]
    """.txt with one address a line, .csv or .parquet; absolute, or relative to the workspace."""
    url: str = "url"
    """Column of the addresses."""
    columns: Columns = Columns()
    _listed: Container[str] = PrivateAttr(default=frozenset())

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        return self.path

    def with_listed(self, hosts: Container[str]) -> "UrlsSource":
        """The same source, its list's hosts known."""
        copy = self.model_copy()
        copy._listed = hosts
        return copy

    @property
    def hosts(self) -> Container[str]:
        """Those of the list, and `allowed_hosts` to which they may redirect."""
        return _Either(frozenset(self.allowed_hosts), self._listed)

    @property
    def hosts_in_words(self) -> str:
        """The same for a message; a list can have very many."""
        return ", ".join(["the list's own", *sorted(self.allowed_hosts)])


class WebSource(AskingSource):
    """Images on pages of a web site: start pages, and the links that `follow` allows."""

    kind: Literal["web"]
    start_urls: list[Annotated[str, AfterValidator(web_address)]] = Field(min_length=1)
    follow: list[Annotated[str, AfterValidator(pattern_text)]] = Field(default=[])
    """Regular expressions; a link whose address one of them finds is a page to read."""
    images: list[Annotated[str, AfterValidator(pattern_text)]] = Field(default=[])
    """Regular expressions; default: every image that a page shows."""
    max_depth: int = Field(default=20, ge=0)
    """Links between a start page and the farthest page; 0: the start pages only."""
    max_pages: int = Field(default=1000, ge=1)
    max_images: int = Field(default=100_000, ge=1)
    serve_folder: str | None = None
    """Serve this folder of the workspace at the start address while the source is ingested."""

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        return self.start_urls[0]

    @model_validator(mode="after")
    def _served_on_loopback(self) -> "WebSource":
        if self.serve_folder is not None:
            url = httpx.URL(self.start_urls[0])
            if url.host not in ("127.0.0.1", "localhost") or url.port is None:
                raise ValueError("serve_folder needs a start address http://127.0.0.1:<port>/")
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """`allowed_hosts`; default: those of the start addresses."""
        return frozenset(self.allowed_hosts) or _hosts_of(tuple(self.start_urls))

    @property
    def hosts_in_words(self) -> str:
        """The same for a message."""
        return ", ".join(sorted(self.hosts))


@lru_cache
def _hosts_of(urls: tuple[str, ...]) -> frozenset[str]:
    return frozenset(httpx.URL(url).host.lower() for url in urls)


class _Either(Container[str]):
    def __init__(self, *parts: Container[str]) -> None:
        self._parts = parts

    def __contains__(self, host: object) -> bool:
        return any(host in part for part in self._parts)


Source = FolderSource | ArchiveSource | UrlsSource | WebSource | CollectionSource | BucketSource
KINDS: dict[str, type[Source]] = {
    "folder": FolderSource,
    "archive": ArchiveSource,
    "urls": UrlsSource,
    "web": WebSource,
    "collection": CollectionSource,
    "bucket": BucketSource,
}
