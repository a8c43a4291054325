"""Source definitions: one TOML file tells where images come from and under which licence."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from lowdiff.errors import InputError
from lowdiff.ingest.limits import Limits

NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
SPDX = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.+-]*(?: (?:AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]*)*$")
CONTACT = re.compile(r"^(?:[^@\s]+@[^@\s]+|https?://\S+)$")


def _spdx(value: str) -> str:
    if not SPDX.match(value) or len(value) > 64:
        raise ValueError("an SPDX licence id such as CC-BY-4.0, or LicenseRef-<your own>")
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


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SourceLimits(_Strict):
    """Limits of one source; what is left out comes from the settings."""

    max_mb: float | None = Field(default=None, gt=0)
    max_megapixels: float | None = Field(default=None, gt=0)
    max_side_px: int | None = Field(default=None, ge=1)
    timeout_s: float | None = Field(default=None, gt=0)


class MetadataIndex(_Strict):
    """A file that tells titles and tags of a folder's files: which of its keys means what."""

    index: str
    """A .json (list of objects) or .csv file; relative to the folder."""
    file: str = "file"
    """Key of the file's name, with or without its ending, or of its path inside the folder."""
    title: str | None = None
    alt_text: str | None = None
    tags: list[str] = Field(default=[])
    """Keys of tags: lists, or texts separated by commas."""


class _Source(_Strict):
    name: str = Field(pattern=NAME)
    licence: Annotated[str, AfterValidator(_spdx)]
    attribution: str = Field(min_length=1)
    limits: SourceLimits = SourceLimits()

    def limits_over(self, default: Limits) -> Limits:
        """The limits of this source, the rest from the settings."""
        own = self.limits.model_dump(exclude_none=True)
        return Limits(**{**vars(default), **own})


class FolderSource(_Source):
    """Images in a folder and everything below it."""

    kind: Literal["folder"]
    path: str = Field(min_length=1)
    """Absolute, or relative to the workspace."""
    glob: list[str] = Field(default=["*"], min_length=1)
    """File names or paths inside the folder; `*` also stands for `/`."""
    exclude: list[str] = Field(default=[])
    contact: Annotated[str, AfterValidator(_contact)] | None = None
    metadata: MetadataIndex | None = None


class WebSource(_Source):
    """Images on pages of a web site: start pages, and the links that `follow` allows."""

    kind: Literal["web"]
    contact: Annotated[str, AfterValidator(_contact)]
    """Told to the site in every request."""
    start_urls: list[Annotated[str, AfterValidator(_web_address)]] = Field(min_length=1)
    allowed_hosts: list[str] = Field(default=[])
    """Hosts of pages and images; default: those of the start addresses."""
    follow: list[Annotated[str, AfterValidator(_pattern)]] = Field(default=[])
    """Regular expressions; a link whose address one of them finds is a page to read."""
    images: list[Annotated[str, AfterValidator(_pattern)]] = Field(default=[])
    """Regular expressions; default: every image that a page shows."""
    max_pages: int = Field(default=1000, ge=1)
    max_images: int = Field(default=100_000, ge=1)
    delay_s: float = Field(default=1.0, ge=0)
    """Between two requests to one host; robots.txt can make it longer."""
    concurrency: int = Field(default=2, ge=1, le=32)
    request_timeout_s: float = Field(default=30.0, gt=0)
    """For one whole answer, its last byte included."""
    allow_loopback: bool = False
    """Allow hosts of this machine and of private networks."""
    serve_folder: str | None = None
    """Serve this folder of the workspace at the start address while the source is ingested."""

    @field_validator("allowed_hosts")
    @classmethod
    def _lower(cls, hosts: list[str]) -> list[str]:
        return [host.lower() for host in hosts]

    @model_validator(mode="after")
    def _served_on_loopback(self) -> "WebSource":
        if self.serve_folder is not None:
            url = httpx.URL(self.start_urls[0])
            if url.host not in ("127.0.0.1", "localhost") or url.port is None:
                raise ValueError("serve_folder needs a start address http://127.0.0.1:<port>/")
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that may be asked, in lower case."""
        own = (httpx.URL(url).host.lower() for url in self.start_urls)
        return frozenset(self.allowed_hosts or own)


Source = FolderSource | WebSource
_KINDS: Mapping[str, type[FolderSource] | type[WebSource]] = {
    "folder": FolderSource,
    "web": WebSource,
}


def load_source(path: Path) -> Source:
    """Read one source file.

    Raises:
        InputError: it cannot be read, or a key is missing, unknown or wrong; the message names
            file, key, what was found and what is allowed.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror})", reason="source_unreadable"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(path, f"is no valid TOML: {error}", reason="bad_toml") from error
    model = _KINDS.get(str(values.get("kind")))
    if model is None:
        raise InputError(
            path,
            "key 'kind' is missing" if "kind" not in values else "key 'kind' is wrong",
            reason="bad_source",
            found=repr(values["kind"]) if "kind" in values else None,
            allowed=" or ".join(f'"{kind}"' for kind in _KINDS),
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _explain(path, error, model) from error


def load_sources(folder: Path) -> dict[str, Source]:
    """Name → source, of every `*.toml` in a folder.

    Raises:
        InputError: a file is wrong, or two files have one name.
    """
    sources: dict[str, Source] = {}
    for path in sorted(folder.glob("*.toml")):
        source = load_source(path)
        if source.name in sources:
            raise InputError(
                path,
                "two sources have one name",
                reason="bad_source",
                found=repr(source.name),
                do="Give each source a name of its own.",
            )
        sources[source.name] = source
    return sources


def choose_sources(folder: Path, wanted: Sequence[str]) -> dict[str, Source]:
    """The sources asked for, by name or by path of a TOML file; all when `wanted` is empty.

    Raises:
        InputError: there is no such source; the message lists those that are.
    """
    files = [Path(one) for one in wanted if one.endswith(".toml")]
    chosen = {source.name: source for source in map(load_source, files)}
    names = [one for one in wanted if not one.endswith(".toml")]
    if not wanted or names:
        known = load_sources(folder)
        for name in names or known:
            if name not in known:
                raise InputError(
                    f"source {name}",
                    "is not defined",
                    reason="unknown_source",
                    allowed=", ".join(known) or "none yet",
                    do=f"Define it in {folder / name}.toml; `lowdiff source check` helps.",
                )
            chosen[name] = known[name]
    if not chosen:
        raise InputError(
            folder,
            "defines no source",
            reason="no_sources",
            do="Put a TOML file there; the workspace's README.md shows one.",
        )
    return chosen


def _explain(path: Path, error: ValidationError, model: type[_Strict]) -> InputError:
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    key = ".".join(where) or "the whole file"
    if first["type"] == "extra_forbidden":
        return InputError(
            path,
            f"key '{key}' is unknown",
            reason="bad_source",
            found=f"'{key}'",
            allowed=", ".join(_keys_beside(model, where)),
        )
    if first["type"] == "missing":
        return InputError(path, f"key '{key}' is missing", reason="bad_source")
    allowed = first["msg"].removeprefix("Value error, ").removeprefix("Input should ")
    found: Any = first["input"]
    return InputError(
        path,
        f"key '{key}' is wrong",
        reason="bad_source",
        found=None if isinstance(found, dict) else repr(found),
        allowed=allowed,
    )


def _keys_beside(model: type[_Strict], where: Sequence[str]) -> list[str]:
    """Keys that are allowed in the table of a wrong key."""
    tables: dict[str, type[_Strict]] = {"limits": SourceLimits, "metadata": MetadataIndex}
    table = tables.get(where[0], model) if len(where) > 1 else model
    return sorted(table.model_fields)
