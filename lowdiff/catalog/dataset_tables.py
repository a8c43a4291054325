"""The tables about dataset versions and training runs.

A change here needs a migration in `migrations/versions/`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lowdiff.catalog.table_base import SHA256, Base


class DatasetVersion(Base):
    """An immutable export."""

    __tablename__ = "dataset_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    digest: Mapped[str] = mapped_column(SHA256, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    schema_version: Mapped[str] = mapped_column(String(16))
    recipe: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    path: Mapped[str] = mapped_column(Text)
    """Relative to the workspace."""
    created_at: Mapped[datetime]


class DatasetItem(Base):
    """One image of one dataset version."""

    __tablename__ = "dataset_item"

    digest: Mapped[str] = mapped_column(ForeignKey("dataset_version.digest"), primary_key=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"), primary_key=True, index=True)
    split: Mapped[str] = mapped_column(String(16))
    label_hash: Mapped[str] = mapped_column(SHA256)


class Run(Base):
    """One training run; its folder holds the rest."""

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """`vae-<12 hex>` or `unet-<12 hex>`: digest of config, data, parent and code."""
    kind: Mapped[str] = mapped_column(String(16))
    preset: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    """`running`, `done` or `failed`."""
    dataset_digest: Mapped[str] = mapped_column(ForeignKey("dataset_version.digest"), index=True)
    vae_run_id: Mapped[str | None] = mapped_column(ForeignKey("run.id"))
    parent_run_id: Mapped[str | None] = mapped_column(ForeignKey("run.id"))
    path: Mapped[str] = mapped_column(Text)
    """Relative to the workspace."""
    summary: Mapped[dict[str, Any]]
    """The last figures: losses, seconds, images seen."""
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
