"""Read a dataset version; training, evaluation and the report start here."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from jaxtyping import UInt8
from PIL import Image

from lowdiff.datasets.layout import FORMAT, MANIFEST_FILE
from lowdiff.errors import ContractError

GROUND = (255, 255, 255)
_EXPORT_AGAIN = "Run `lowdiff export` to make a new version; a version is never mended in place."


@dataclass(frozen=True)
class Shard:
    """One Parquet file of a version."""

    path: Path
    split: str
    rows: int
    size_bytes: int
    sha256: str


class Version:
    """An immutable dataset version, opened from its folder by `open_version`.

    Attributes:
        folder: where it lies.
        manifest: the parsed `manifest.json`.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self._checked: set[Path] = set()

    @property
    def digest(self) -> str:
        """64 hex digits: members, splits, labels, schema version and recipe."""
        return str(self.manifest["digest"])

    @property
    def name(self) -> str:
        """The name of the dataset, such as `brand`."""
        return str(self.manifest["name"])

    @property
    def number(self) -> int:
        """1 for the first version of this name."""
        return int(self.manifest["version"])

    @property
    def schema_version(self) -> str:
        """The version of the label schema that the fields follow."""
        return str(self.manifest["schema_version"])

    @property
    def splits(self) -> list[str]:
        """The splits that have rows, in the order train, validation, test."""
        return list(dict.fromkeys(shard.split for shard in self.shards))

    @cached_property
    def shards(self) -> list[Shard]:
        """The Parquet files, split by split, rows ordered by image id."""
        return [
            Shard(
                path=self.folder / entry["path"],
                split=entry["split"],
                rows=entry["rows"],
                size_bytes=entry["bytes"],
                sha256=entry["sha256"],
            )
            for entry in self.manifest["shards"]
        ]

    def rows(self, split: str) -> int:
        """The number of images of a split; 0 when it has none."""
        return sum(shard.rows for shard in self.shards if shard.split == split)

    def read(self, split: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of a split, ordered by image id.

        Args:
            columns: names to read; default: all, with `image` as `{"bytes": PNG, "path": …}`.
                Leave `image` out when you need no pixels: it is nearly all of the bytes.

        Raises:
            ContractError: a shard is missing or changed, or has no such column.
        """
        frames = [
            _read_shard(shard.path, columns)
            for shard in self.shards
            if shard.split == split and self._is_sound(shard)
        ]
        if frames:
            return pd.concat(frames, ignore_index=True)
        wanted = columns if columns is not None else self.manifest["columns"]
        return pd.DataFrame({name: pd.Series(dtype=object) for name in wanted})

    def pixels(self, split: str, size_px: int) -> UInt8[npt.NDArray[np.uint8], "n size size 3"]:
        """The images of a split in the order of `read`, fitted into a white square.

        Args:
            size_px: side of the square; the longest side of an image takes all of it.

        Returns:
            uint8 RGB of shape [n, size_px, size_px, 3].

        Raises:
            ContractError: a shard is missing or changed.
        """
        squares = np.empty((self.rows(split), size_px, size_px, 3), dtype=np.uint8)
        for index, image in enumerate(self.pictures(split)):
            squares[index] = np.asarray(fit_square(image, size_px))
        return squares

    def pictures(self, split: str) -> Iterator[Image.Image]:
        """The images of a split in the order of `read`, as they are, one at a time.

        Raises:
            ContractError: a shard is missing or changed.
        """
        for body in self._bodies(split):
            with Image.open(io.BytesIO(body)) as image:
                yield image

    def verify(self) -> None:
        """Read every shard again and compare it with the manifest.

        Raises:
            ContractError: a shard is missing or changed.
        """
        for shard in self.shards:
            self._checked.discard(shard.path)
            self._is_sound(shard)

    def _bodies(self, split: str) -> Iterator[bytes]:
        """The PNG files of a split, a row group in memory at a time."""
        for shard in self.shards:
            if shard.split == split and self._is_sound(shard):
                with pq.ParquetFile(shard.path) as file:
                    for batch in file.iter_batches(batch_size=64, columns=["image.bytes"]):
                        for struct in batch.column(0):
                            yield struct["bytes"].as_py()

    def _is_sound(self, shard: Shard) -> bool:
        if shard.path not in self._checked:
            _check_shard(shard)
            self._checked.add(shard.path)
        return True


def open_version(folder: Path) -> Version:
    """Open a dataset version; cheap: shards are hashed when they are first read.

    Raises:
        ContractError: the manifest or a shard is missing, a shard has another size, or the
            version was written in a format that this lowdiff does not know.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ContractError(
            folder,
            f"is no dataset version: it has no {MANIFEST_FILE}",
            reason="manifest_missing",
            do="List the versions with `lowdiff dataset list`, or make one with `lowdiff export`.",
        ) from error
    except (ValueError, UnicodeDecodeError) as error:
        raise ContractError(
            path, f"is damaged ({error})", reason="manifest_damaged", do=_EXPORT_AGAIN
        ) from error
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT:
        raise ContractError(
            path,
            "was written in another format",
            reason="other_format",
            found=found,
            allowed=FORMAT,
            do="Open it with the lowdiff that wrote it, or export a new version.",
        )
    version = Version(folder, manifest)
    for shard in version.shards:
        _check_size(shard)
    return version


def fit_square(image: Image.Image, size_px: int) -> Image.Image:
    """An RGB square on white around the image, its longest side fitted with antialiasing."""
    scale = size_px / max(image.size)
    width_px, height_px = (max(1, round(side * scale)) for side in image.size)
    small = image.convert("RGB").resize((width_px, height_px), Image.Resampling.LANCZOS)
    if small.size == (size_px, size_px):
        return small
    square = Image.new("RGB", (size_px, size_px), GROUND)
    square.paste(small, ((size_px - width_px) // 2, (size_px - height_px) // 2))
    return square


def _read_shard(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        unknown = sorted(set(columns or ()) - set(names))
        if unknown:
            raise ContractError(
                path,
                "has no such column",
                reason="column_missing",
                found=", ".join(unknown),
                allowed=", ".join(names),
            )
        frame: pd.DataFrame = file.read(
            columns=None if columns is None else list(columns)
        ).to_pandas()
    return frame if columns is None else frame[list(columns)]


def _check_size(shard: Shard) -> None:
    try:
        size = shard.path.stat().st_size
    except FileNotFoundError as error:
        raise ContractError(
            shard.path, "is missing", reason="shard_missing", do=_EXPORT_AGAIN
        ) from error
    if size != shard.size_bytes:
        raise ContractError(
            shard.path,
            "is not the file that the manifest describes",
            reason="shard_changed",
            found=f"{size} bytes",
            allowed=f"{shard.size_bytes} bytes",
            do=_EXPORT_AGAIN,
        )


def _check_shard(shard: Shard) -> None:
    _check_size(shard)
    with shard.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != shard.sha256:
        raise ContractError(
            shard.path,
            "is not the file that the manifest describes",
            reason="shard_changed",
            found=f"sha256 {found}",
            allowed=f"sha256 {shard.sha256}",
            do=_EXPORT_AGAIN,
        )
