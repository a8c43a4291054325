import pyarrow as pa
import pyarrow.parquet as pq

from lowdiff.datasets.shards import ROW_GROUP_ROWS, ShardWriter

SCHEMA = pa.schema([("image_id", pa.string()), ("split", pa.string()), ("body", pa.binary())])


def rows(start: int) -> list[dict]:
    return [
        {"image_id": f"{start + i:04d}", "split": "train", "body": bytes(200)}
        for i in range(ROW_GROUP_ROWS)
    ]


def test_a_full_shard_is_followed_by_the_next(tmp_path):
    writer = ShardWriter(tmp_path, "train", SCHEMA, max_bytes=1)
    for start in range(0, 3 * ROW_GROUP_ROWS, ROW_GROUP_ROWS):
        writer.write(rows(start))
    shards = writer.finish()
    assert [shard.path for shard in shards] == [
        f"data/train-0000{i}-of-00003.parquet" for i in range(3)
    ]
    assert [shard.rows for shard in shards] == [ROW_GROUP_ROWS] * 3
    ids = [i for s in shards for i in pq.read_table(tmp_path / s.path)["image_id"].to_pylist()]
    assert ids == sorted(ids)
    assert len(ids) == 3 * ROW_GROUP_ROWS


def test_row_groups_are_small_and_zstd(tmp_path):
    writer = ShardWriter(tmp_path, "train", SCHEMA)
    writer.write(rows(0))
    writer.write(rows(64)[:10])
    (shard,) = writer.finish()
    meta = pq.ParquetFile(tmp_path / shard.path).metadata
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [64, 10]
    assert meta.row_group(0).column(2).compression == "ZSTD"


def test_a_split_without_rows_has_no_shard(tmp_path):
    assert ShardWriter(tmp_path, "test", SCHEMA).finish() == []
