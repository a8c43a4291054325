"""Write the Parquet shards of one split: a row group in memory, the same bytes every time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lowdiff.datasets.layout import shard_name

ROW_GROUP_ROWS = 64
MAX_SHARD_BYTES = 300_000_000


@dataclass(frozen=True)
class WrittenShard:
    """One finished Parquet file; `path` is relative to the version's folder."""

    path: str
    split: str
    rows: int
    bytes: int
    sha256: str


class ShardWriter:
    """Writes one split into numbered shards under `folder`; use it as a context."""

    def __init__(
        self, folder: Path, split: str, schema: pa.Schema, *, max_bytes: int = MAX_SHARD_BYTES
    ) -> None:
        self._folder = folder
        self._split = split
        self._schema = schema
        self._max_bytes = max_bytes
        self._sink: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None
        self._parts: list[tuple[Path, int]] = []
        (folder / "data").mkdir(parents=True, exist_ok=True)

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append one row group; a shard that has reached its size ends before it."""
        if self._sink is not None and self._sink.tell() >= self._max_bytes:
            self._end_shard()
        if self._writer is None:
            self._start_shard()
        assert self._writer is not None
        table = pa.Table.from_pylist(list(rows), schema=self._schema)
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        path, count = self._parts[-1]
        self._parts[-1] = (path, count + len(rows))

    def finish(self) -> list[WrittenShard]:
        """Close the last shard, give all of them their names, and describe them."""
        self._end_shard()
        written = []
        for index, (part, rows) in enumerate(self._parts):
            name = shard_name(self._split, index, len(self._parts))
            target = part.replace(self._folder / name)
            with target.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            written.append(
                WrittenShard(
                    path=name,
                    split=self._split,
                    rows=rows,
                    bytes=target.stat().st_size,
                    sha256=sha256,
                )
            )
        return written

    def close(self) -> None:
        """Let go of an unfinished shard, after an error."""
        self._end_shard()

    def _start_shard(self) -> None:
        part = self._folder / "data" / f"{self._split}-{len(self._parts):05d}.part"
        self._parts.append((part, 0))
        self._sink = pa.OSFile(str(part), "wb")
        # every option that shapes the bytes is said here, none is left to a default of the day
        self._writer = pq.ParquetWriter(
            self._sink,
            self._schema,
            version="2.6",
            data_page_version="1.0",
            compression="zstd",
            compression_level=3,
            use_dictionary=False,
            write_statistics=["image_id", "split"],
        )

    def _end_shard(self) -> None:
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()
        self._writer = self._sink = None
