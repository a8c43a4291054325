"""An earlier collection as a source: Parquet files with an image column, WebDataset shards."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from tarfile import TarInfo
from typing import Any

import pyarrow as pa

from lowdiff.catalog.queue import Offer
from lowdiff.errors import InputError
from lowdiff.ingest.folder import files_below, unreadable
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.members import is_hidden
from lowdiff.ingest.offered import Fetched, Found, Known, local_path, stamp_of
from lowdiff.ingest.parquet import Cells, check_columns, open_parquet
from lowdiff.ingest.said import columns_named, hints_of, text_of
from lowdiff.ingest.source_kinds import CollectionSource
from lowdiff.ingest.tar_files import TarFiles

IMAGE_ENDINGS = frozenset({"png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "svg"})
SIDECAR_LIMITS = Limits(max_mb=1)
BATCH_ROWS = 1000
OPEN_SHARDS = 4
ROW = "#row="
MEMBER = "#"


class CollectionItems:
    """An open collection. An image's address is `shard.parquet#row=17` or `shard.tar#17.png`."""

    def __init__(self, source: CollectionSource, root: Path) -> None:
        """Args: root: the workspace, to which the source's path may be relative."""
        self._source = source
        self._path = local_path(source.path, root)
        self._cells = Cells(source.image)
        self._lock = threading.Lock()
        self._tars: OrderedDict[Path, TarFiles] = OrderedDict()

    def found(self) -> Iterator[Found | InputError]:
        """Each row or member with an image; an error for a shard that is wrong or breaks off.

        Raises:
            InputError: there is no such collection.
            ServiceError: the disk fails.
        """
        for name, path in self._shards():
            try:
                if path.suffix.lower() == ".parquet":
                    yield from self._rows(name, path)
                else:
                    yield from self._members(name, path)
            except InputError as refusal:
                yield refusal

    def read(self, url: str, *, limits: Limits, known: Known | None = None) -> Fetched:
        """The bytes of one image.

        Raises:
            InputError: it is gone, null, broken or too big.
            ServiceError: the disk fails.
        """
        shard, is_row, row = url.rpartition(ROW)
        if is_row and row.isdecimal() and shard.lower().endswith(".parquet"):
            body = _bytes_of(self._cells.cell(self._shard(shard), int(row)), url)
            limits.check_bytes(len(body), item=url)
            return Fetched(body)
        shard, member = _split_member(url)
        with self._lock:
            tar = self._tar(self._shard(shard))
        return Fetched(tar.read(member, limits=limits))

    def close(self) -> None:
        """Close all shards."""
        self._cells.close()
        with self._lock:
            for tar in self._tars.values():
                tar.close()
            self._tars.clear()

    def _shards(self) -> Iterator[tuple[str, Path]]:
        if self._path.is_file():
            yield self._path.name, self._path
            return
        if not self._path.is_dir():
            raise InputError(
                self._path,
                f"the collection of source {self._source.name} is not there",
                reason="folder_unreadable",
                do="Mend its path; a path is relative to the workspace.",
            )
        for path in files_below(self._path):
            if isinstance(path, InputError):
                raise path
            name = path.relative_to(self._path).as_posix()
            if self._source.wants(name):
                yield name, path

    def _shard(self, name: str) -> Path:
        return self._path if self._path.is_file() else self._path / name

    def _tar(self, path: Path) -> TarFiles:
        if path not in self._tars:
            self._tars[path] = TarFiles(path, max_members=self._source.max_members)
            if len(self._tars) > OPEN_SHARDS:
                self._tars.popitem(last=False)[1].close()
        self._tars.move_to_end(path)
        return self._tars[path]

    def _rows(self, name: str, path: Path) -> Iterator[Found | InputError]:
        """The rows of a Parquet file; its images are not read."""
        said = columns_named(self._source.columns)
        version = _version(path)
        with open_parquet(path) as file:
            check_columns(path, file.schema_arrow.names, [self._source.image, *said])
            _check_image(path, file.schema_arrow.field(self._source.image))
            total = file.metadata.num_rows
            width, number = len(str(max(0, total - 1))), 0
            rows = _said_rows(file, said) if said else iter([{}] * 0)
            while number < total:
                try:
                    row: dict[str, Any] = next(rows, {}) if said else {}
                except (pa.ArrowException, OSError) as error:
                    yield InputError(
                        path, f"is broken after row {number} ({error})", reason="bad_parquet"
                    )
                    return
                hints = hints_of(row, self._source.columns)
                url = f"{name}{ROW}{number:0{width}d}"
                yield Found(Offer(url=url, hints=hints, stamp=stamp_of(version, hints)))
                number += 1

    def _members(self, name: str, path: Path) -> Iterator[Found | InputError]:
        """The images of a WebDataset shard; files of one key lie next to each other."""
        version = _version(path)
        tar = TarFiles(path, max_members=self._source.max_members)
        try:
            key, images, said = "", list[TarInfo](), dict[str, Any]()
            for member in tar.members():
                if isinstance(member, InputError):
                    yield _in_shard(name, member)
                    continue
                if is_hidden(member.name):
                    continue
                stem, ending = _split_key(member.name)
                if stem != key:
                    yield from self._sample(name, version, images, said)
                    key, images, said = stem, [], {}
                if ending in IMAGE_ENDINGS:
                    images.append(member)
                elif ending in ("json", "txt"):
                    try:
                        said |= _read_sidecar(tar, member.name, ending, self._source)
                    except InputError as refusal:  # the image is taken without it
                        yield _in_shard(name, refusal)
            yield from self._sample(name, version, images, said)
        finally:
            tar.close()

    def _sample(
        self, shard: str, version: str, images: list[TarInfo], said: dict[str, Any]
    ) -> Iterator[Found]:
        hints = hints_of(said, self._source.columns)
        if "txt" in said and "caption" not in hints and said["txt"]:
            hints["caption"] = said["txt"]
        for image in images:
            offer = Offer(
                url=f"{shard}{MEMBER}{image.name}",
                hints=hints,
                stamp=stamp_of(f"{version}:{image.size}", hints),
            )
            yield Found(offer, image.size)


def _said_rows(file: Any, columns: list[str]) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(BATCH_ROWS, columns=columns):
        yield from batch.to_pylist()


def _read_sidecar(
    tar: TarFiles, name: str, ending: str, source: CollectionSource
) -> dict[str, Any]:
    """What the .json or .txt beside an image says.

    Raises:
        InputError: it cannot be read or understood.
    """
    body = tar.read(name, limits=SIDECAR_LIMITS)
    if ending == "txt":
        return {"txt": text_of(body.decode("utf-8", errors="replace"))}
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _no_sidecar(name, f"no JSON: {error}") from error
    if not isinstance(said, dict):
        raise _no_sidecar(name, f"a JSON {type(said).__name__}")
    return {key: said[key] for key in columns_named(source.columns) if key in said}


def _no_sidecar(name: str, found: str) -> InputError:
    return InputError(
        name,
        "says nothing of its image that can be understood; the image is taken without it",
        reason="bad_sidecar",
        found=found,
        allowed="one JSON object",
    )


def _split_key(name: str) -> tuple[str, str]:
    """`a/000.left.png` → (`a/000`, `png`): a WebDataset key ends at the first point."""
    folder, slash, base = name.rpartition("/")
    stem, _point, endings = base.partition(".")
    return f"{folder}{slash}{stem}", endings.rpartition(".")[2].lower()


def _split_member(url: str) -> tuple[str, str]:
    at = url.lower().find(".tar" + MEMBER)
    if at < 0:
        raise InputError(url, "is no item of a collection", reason="gone")
    return url[: at + 4], url[at + 5 :]


def _in_shard(shard: str, refusal: InputError) -> InputError:
    if refusal.reason in ("archive_broken", "archive_too_big"):
        return refusal
    said = str(refusal).removeprefix(f"{refusal.item}: ")
    return InputError(f"{shard}{MEMBER}{refusal.item}", said, reason=refusal.reason)


def _check_image(path: Path, field: pa.Field) -> None:
    kind = field.type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise InputError(
            path,
            f"column '{field.name}' holds no images",
            reason="bad_columns",
            found=str(field.type),
            allowed="binary, or a struct with binary `bytes`",
            do="Name the column of the images in `image` of its source.",
        )


def _bytes_of(cell: object, url: str) -> bytes:
    value = cell.get("bytes") if isinstance(cell, dict) else cell
    if not isinstance(value, bytes):
        where = cell.get("path") if isinstance(cell, dict) else None
        raise InputError(
            url,
            "holds no image",
            reason="no_image",
            found=f"only a path: {where}" if where else "null",
            allowed="the bytes of an image",
        )
    return value


def _version(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return f"{status.st_size}:{status.st_mtime_ns}"
