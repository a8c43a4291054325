"""The kinds of sources, and which keys each one has."""

import re
from collections.abc import Container
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.ingest.limits import Limits

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
SPDX = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.+-]*(?: (?:AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]*)*$")
CONTACT = re.compile(r"^(?:[^@\s]+@[^@\s]+|https?://\S+)$")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
LISTS = (".txt", ".csv", ".parquet")


def is_spdx(value: str) -> bool:
    """Whether a text has the form of an SPDX licence expression and fits into the catalog."""
    return bool(SPDX.match(value)) and len(value) <= 64


def _licence(value: str) -> str:
    if value == "unknown":
        return UNKNOWN_LICENCE
    if not is_spdx(value):
        raise ValueError(
            'an SPDX licence id such as CC-BY-4.0, LicenseRef-<your own>, or "unknown"'
        )
    return value


def _contact(value: str) -> str:
    if not CONTACT.match(value):
        raise ValueError("an e-mail address or an http(s) address")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from error
    return value


def _web_address(value: str) -> str:
    try:
        url = httpx.URL(value)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValueError(f"a web address ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("an address that starts with http:// or https://")
    return value


def _archive(value: str) -> str:
    if not value.lower().endswith(ARCHIVES):
        raise ValueError(f"a file that ends with {', '.join(ARCHIVES)}")
    return value


def _list(value: str) -> str:
    if not value.lower().endswith(LISTS):
        raise ValueError(f"a file that ends with {', '.join(LISTS)}")
    return value


def _bucket(value: str) -> str:
    protocol, separator, rest = value.partition("://")
    if not separator or not rest.strip("/") or "::" in value:
        raise ValueError("an address such as s3://bucket/folder or gs://bucket/folder")
    if protocol in ("http", "https"):
        raise ValueError('s3://, gs:// and the like; web addresses are of kind "urls" or "web"')
    return value


class Strict(BaseModel):
    """A table of a source file: no unknown keys, no guessing of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SourceLimits(Strict):
    """Limits of one source; what is left out comes from the settings."""

    max_mb: float | None = Field(default=None, gt=0)
    max_megapixels: float | None = Field(default=None, gt=0)
    max_side_px: int | None = Field(default=None, ge=1)
    timeout_s: float | None = Field(default=None, gt=0)


class Columns(Strict):
    """What a table says of its images: meaning → its column (or key); None: not in the table."""

    title: str | None = None
    caption: str | None = None
    alt_text: str | None = None
    licence: str | None = None
    """A row that says none, or nothing that we understand, has an unknown licence."""
    attribution: str | None = None
    tags: list[str] = Field(default=[])
    """Columns of tags: lists, or texts separated by commas."""


class MetadataIndex(Columns):
    """A file that tells titles and tags of a folder's files: which of its keys means what."""

    index: str
    """A .json (list of objects) or .csv file; relative to the folder, or inside the archive."""
    file: str = "file"
    """Key of the file's name, with or without its ending, or of its path inside the folder."""


class SourceBase(Strict):
    """What every kind of source tells."""

    name: str = Field(pattern=NAME)
    licence: Annotated[str, AfterValidator(_licence)]
    """SPDX id; `unknown` in the file is `NOASSERTION` here."""
    attribution: str = Field(min_length=1)
    limits: SourceLimits = SourceLimits()
    optouts_waived: str | None = Field(default=None, min_length=10)
    """Why marks against data mining do not bind us; kept as evidence of each image."""
    revisit_days: float | None = Field(default=None, gt=0)
    """Ask again for what was fetched longer ago; None: only with `--revisit`."""

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        raise NotImplementedError

    def limits_over(self, default: Limits) -> Limits:
        """The limits of this source, the rest from the settings."""
        own = self.limits.model_dump(exclude_none=True)
        return Limits(**{**vars(default), **own})


class Selected(SourceBase):
    """A source with many files, some of which are wanted."""

    glob: list[str] = Field(default=["*"], min_length=1)
    """File names or paths inside the source; `*` also stands for `/`."""
    exclude: list[str] = Field(default=[])

    def wants(self, name: str) -> bool:
        """Whether the patterns name a path inside the source."""
        base = name.rpartition("/")[2]

        def fits(patterns: list[str]) -> bool:
            return any(fnmatchcase(name, one) or fnmatchcase(base, one) for one in patterns)

        return fits(self.glob) and not fits(self.exclude)


class FolderSource(Selected):
    """Images in a folder and everything below it."""

    kind: Literal["folder"]
    path: str = Field(min_length=1)
    """Absolute, or relative to the workspace."""
    contact: Annotated[str, AfterValidator(_contact)] | None = None
    metadata: MetadataIndex | None = None

    @property
    def where(self) -> str:
        """The path or the (first) address, for people."""
        return self.path


class ArchiveSource(Selected):
    """Images in one zip or tar file."""

    kind: Literal["archive"]
    path: Annotated[str, AfterValidator(_archive)]
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
    url: Annotated[str, AfterValidator(_bucket)]
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

    contact: Annotated[str, AfterValidator(_contact)]
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
    path: Annotated[str, AfterValidator(_list)]
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
    start_urls: list[Annotated[str, AfterValidator(_web_address)]] = Field(min_length=1)
    follow: list[Annotated[str, AfterValidator(_pattern)]] = Field(default=[])
    """Regular expressions; a link whose address one of them finds is a page to read."""
    images: list[Annotated[str, AfterValidator(_pattern)]] = Field(default=[])
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
        own = (httpx.URL(url).host.lower() for url in self.start_urls)
        return frozenset(self.allowed_hosts or own)

    @property
    def hosts_in_words(self) -> str:
        """The same for a message."""
        return ", ".join(sorted(self.hosts))


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
