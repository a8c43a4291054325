"""Write the files of a version: shards, card, manifest, in a folder aside, then rename it."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import PIL
import pyarrow as pa

from lowdiff import __version__
from lowdiff.catalog.chunks import chunks
from lowdiff.datasets.card import dataset_card
from lowdiff.datasets.columns import arrow_schema
from lowdiff.datasets.counts import count_members
from lowdiff.datasets.layout import CARD_FILE, FORMAT, MANIFEST_FILE, SPLITS
from lowdiff.datasets.plan import Plan
from lowdiff.datasets.render import render_png
from lowdiff.datasets.select import Member
from lowdiff.datasets.shards import ROW_GROUP_ROWS, ShardWriter, WrittenShard
from lowdiff.errors import ServiceError
from lowdiff.store import Store, image_key


def write_version(
    folder: Path,
    plan: Plan,
    *,
    store: Store,
    number: int,
    parent_digest: str | None,
    created_at: datetime,
    workers: int = 1,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Write a version so that `folder` appears whole, with read-only files.

    What a killed export left aside is thrown away; the caller holds the lock.

    Raises:
        ServiceError: the disk is full or not writable.
    """
    aside = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        shards = _write_shards(aside, plan, store=store, workers=workers, advance=advance)
        manifest = _manifest(plan, shards) | {
            "version": number,
            "parent_digest": parent_digest,
            "created_at": created_at.isoformat(),
        }
        (aside / CARD_FILE).write_text(dataset_card(manifest, plan.schema), encoding="utf-8")
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (aside / MANIFEST_FILE).write_text(text, encoding="utf-8")
        _make_lasting(aside)
        aside.rename(folder)
    except (OSError, pa.ArrowException) as error:
        raise ServiceError(
            folder,
            f"the dataset cannot be written ({error})",
            reason="dataset_not_writable",
            do="Free the disk or mend the permissions, then run the same command again.",
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # gone already when all went well


def _manifest(plan: Plan, shards: list[WrittenShard]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": plan.name,
        "digest": plan.digest,
        "members_sha256": plan.members_sha256,
        "schema_version": plan.schema.version,
        "recipe": plan.recipe,
        "counts": count_members(plan.members, plan.splits, plan.schema)
        | {
            "left_out_twins": len(plan.left_out),
            "left_out_unknown_licences": plan.unlicensed,
        },
        "left_out": [one.as_dict() for one in plan.left_out],
        "moved": {image_id: list(splits) for image_id, splits in sorted(plan.moved.items())},
        "columns": arrow_schema(plan.schema).names,
        "shards": [asdict(shard) for shard in shards],
        "lowdiff_version": __version__,
        "written_with": {"pyarrow": pa.__version__, "pillow": PIL.__version__},
    }


def _write_shards(
    folder: Path,
    plan: Plan,
    *,
    store: Store,
    workers: int,
    advance: Callable[[int], None] | None,
) -> list[WrittenShard]:
    schema = arrow_schema(plan.schema)
    written: list[WrittenShard] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="render") as pool:
        for split in SPLITS:
            members = [m for m in plan.members if plan.splits[m.image_id] == split]
            writer = ShardWriter(folder, split, schema)
            try:
                for group in chunks(members, ROW_GROUP_ROWS):
                    writer.write(_render_group(group, split, plan, store, pool))
                    if advance is not None:
                        advance(len(group))
                written += writer.finish()
            finally:
                writer.close()
    return written


def _render_group(
    group: Sequence[Member], split: str, plan: Plan, store: Store, pool: ThreadPoolExecutor
) -> list[dict[str, Any]]:
    def render(member: Member) -> bytes:
        body = store.read(image_key(member.image_id, member.format))
        return render_png(
            body, member.format, image_id=member.image_id, image_px=plan.recipe["image_px"]
        )

    return [
        {"image": {"bytes": png, "path": f"{member.image_id}.png"}, "split": split, **member.row}
        for member, png in zip(group, pool.map(render, group), strict=True)
    ]


def _make_lasting(folder: Path) -> None:
    """On the disk before the rename, and read-only: a version is never edited."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.chmod(0o444)
