"""What all sources have in common, and when a value of a source file is right."""

import re
from abc import abstractmethod
from fnmatch import fnmatchcase
from typing import Annotated

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.ingest.limits import Limits

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
LANGUAGE = r"^[A-Za-z]{3,4}(?:_[A-Za-z]+)*$"
"""As Tesseract names languages: eng, deu, chi_sim."""
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


def contact_text(value: str) -> str:
    """Who may be asked about our requests. Raises ValueError with what is allowed."""
    if not CONTACT.match(value):
        raise ValueError("an e-mail address or an http(s) address")
    return value


def pattern_text(value: str) -> str:
    """A regular expression. Raises ValueError with what is allowed."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from error
    return value


def web_address(value: str) -> str:
    """An address of the web. Raises ValueError with what is allowed."""
    try:
        url = httpx.URL(value)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValueError(f"a web address ({error})") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("an address that starts with http:// or https://")
    return value


def archive_path(value: str) -> str:
    """A path whose ending tells an archive. Raises ValueError with what is allowed."""
    if not value.lower().endswith(ARCHIVES):
        raise ValueError(f"a file that ends with {', '.join(ARCHIVES)}")
    return value


def list_path(value: str) -> str:
    """A path whose ending tells a list. Raises ValueError with what is allowed."""
    if not value.lower().endswith(LISTS):
        raise ValueError(f"a file that ends with {', '.join(LISTS)}")
    return value


def bucket_address(value: str) -> str:
    """An address of fsspec that is not one of the web. Raises ValueError with what is allowed."""
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
    languages: list[Annotated[str, Field(pattern=LANGUAGE)]] = Field(default=[])
    """In which the texts in its images are written; empty: those of the settings."""
    revisit_days: float | None = Field(default=None, gt=0)
    """Ask again for what was fetched longer ago; None: only with `--revisit`."""

    @property
    @abstractmethod
    def where(self) -> str:
        """The path or the (first) address, for people."""

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
