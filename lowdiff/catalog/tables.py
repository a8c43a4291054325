"""The tables. A change here needs a migration in `migrations/versions/`.

Datasets and runs are in `dataset_tables.py`, labels beside their history in `label_tables.py`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lowdiff.catalog.dataset_tables import DatasetItem, DatasetVersion, Run
from lowdiff.catalog.table_base import SHA256, Base, Serial

__all__ = [
    "SHA256",
    "Artifact",
    "Base",
    "CrawlPage",
    "DatasetItem",
    "DatasetVersion",
    "DuplicateEdge",
    "DuplicateVerdict",
    "Find",
    "Image",
    "LabelEvent",
    "LabelProject",
    "LabelTask",
    "PolicyAnswer",
    "Rejection",
    "Run",
    "Serial",
    "Sighting",
]


class Image(Base):
    """One image, known by its bytes; it never changes."""

    __tablename__ = "image"

    id: Mapped[str] = mapped_column(SHA256, primary_key=True)
    """SHA-256 of the original bytes."""
    pixel_hash: Mapped[str] = mapped_column(SHA256, index=True)
    """BLAKE3 of the decoded, oriented sRGB pixels: equal for copies with other metadata."""
    format: Mapped[str] = mapped_column(String(16))
    """`png`, `jpeg`, `svg` …; also the file extension in the store."""
    width_px: Mapped[int]
    height_px: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    has_alpha: Mapped[bool]
    """True when some pixel is not opaque."""
    family_id: Mapped[str | None] = mapped_column(SHA256, index=True)
    """Images of one family share a split; set by dedupe."""
    split: Mapped[str | None] = mapped_column(String(16))
    """`train`, `validation` or `test`; set at the first export and never changed."""
    embedded: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the file says of itself: title, creator, rights, data-mining mark, …"""
    created_at: Mapped[datetime]


class Sighting(Base):
    """Where, when and under which licence an image was found; many per image."""

    __tablename__ = "sighting"
    __table_args__ = (UniqueConstraint("source", "url", "image_id"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"), index=True)
    source: Mapped[str] = mapped_column(String(64), index=True)
    """Name of the source file."""
    url: Mapped[str] = mapped_column(Text)
    """Address of the image: a URL, or the path inside a folder source."""
    page_url: Mapped[str | None] = mapped_column(Text)
    licence: Mapped[str] = mapped_column(String(64))
    """SPDX id, or `LicenseRef-…`."""
    attribution: Mapped[str] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    alt_text: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str]]
    evidence: Mapped[dict[str, Any]]
    """What the source answered: HTTP status, headers, robots verdict."""
    seen_at: Mapped[datetime]


class Rejection(Base):
    """An item that was refused, with the reason; looked at again when it changes or when asked."""

    __tablename__ = "rejection"
    __table_args__ = (UniqueConstraint("source", "url"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    source: Mapped[str] = mapped_column(String(64), index=True)
    url: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(64))
    """Machine-readable code, such as `not_an_image`."""
    message: Mapped[str] = mapped_column(Text)
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What was asked, when, and what the answer was."""
    rejected_at: Mapped[datetime]


class Find(Base):
    """The fetch queue: something that a source offers, and how far we are with it."""

    __tablename__ = "fetch_queue"
    __table_args__ = (UniqueConstraint("source", "url"), Index("ix_fetch_open", "source", "state"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(Text)
    page_url: Mapped[str | None] = mapped_column(Text)
    hints: Mapped[dict[str, Any]]
    """What the source says of it: title, alt_text, tags, …"""
    state: Mapped[str] = mapped_column(String(16))
    """`open`, `leased`, `done`, `rejected` or `failed` (tried again by the next run)."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Runs in a row in which its source failed."""
    lease_owner: Mapped[str | None] = mapped_column(String(128))
    lease_until: Mapped[datetime | None]
    stamp: Mapped[str | None] = mapped_column(Text)
    """What the source said of its content when it was offered: it changes with the content."""
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(Text)
    fetched_at: Mapped[datetime | None]
    """When its content was last fetched, or found unchanged."""
    retry_at: Mapped[datetime | None]
    """Not before this time: the host asked for it (`Retry-After`)."""
    image_id: Mapped[str | None] = mapped_column(SHA256)
    """What was fetched last time; an open find that has one is visited again."""
    error: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime]


class CrawlPage(Base):
    """A page of a web source: the frontier of its crawl, shared by all who crawl it."""

    __tablename__ = "crawl_page"
    __table_args__ = (UniqueConstraint("source", "url"), Index("ix_crawl_open", "source", "state"))

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(Text)
    depth: Mapped[int]
    """Links between it and the nearest start page."""
    state: Mapped[str] = mapped_column(String(16))
    """`open`, `leased`, `done`, `rejected` or `failed` (tried again by the next run)."""
    lease_owner: Mapped[str | None] = mapped_column(String(128))
    lease_until: Mapped[datetime | None]
    etag: Mapped[str | None] = mapped_column(Text)
    last_modified: Mapped[str | None] = mapped_column(Text)
    rules_hash: Mapped[str | None] = mapped_column(String(16))
    """Of the source's rules by which it was read: other rules, another reading."""
    images: Mapped[int] = mapped_column(default=0)
    """How many it offered when it was last read."""
    error: Mapped[str | None] = mapped_column(Text)
    fetched_at: Mapped[datetime | None]
    retry_at: Mapped[datetime | None]
    """Not before this time: the host asked for it (`Retry-After`)."""


class PolicyAnswer(Base):
    """What a site answered when it was asked for its rules; kept as evidence and as a cache."""

    __tablename__ = "policy_answer"
    __table_args__ = (UniqueConstraint("url", "digest"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    """Address of a robots.txt or a tdmrep.json."""
    digest: Mapped[str] = mapped_column(SHA256)
    """SHA-256 of status and body: what evidence points to."""
    status: Mapped[int]
    """HTTP status; 0: no answer."""
    body: Mapped[str] = mapped_column(Text)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class Artifact(Base):
    """What one stage at one version with one set of parameters made of one image."""

    __tablename__ = "artifact"
    __table_args__ = (Index("ix_artifact_stage", "stage", "stage_version", "params_hash", "state"),)

    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(String(32), primary_key=True)
    stage_version: Mapped[str] = mapped_column(String(32), primary_key=True)
    params_hash: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    """`leased`, `ok`, `refused` (an InputError: never again) or `failed` (tried again)."""
    payload: Mapped[dict[str, Any] | None]
    error_class: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)
    seconds: Mapped[float | None]
    lease_owner: Mapped[str | None] = mapped_column(String(128))
    lease_until: Mapped[datetime | None]
    updated_at: Mapped[datetime]


class DuplicateEdge(Base):
    """What a method found two images to be to each other; `a_id` < `b_id`."""

    __tablename__ = "duplicate_edge"

    a_id: Mapped[str] = mapped_column(ForeignKey("image.id"), primary_key=True)
    b_id: Mapped[str] = mapped_column(ForeignKey("image.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    """`exact` (the same decoded pixels), `near`, `variant` (of one template) or `distinct`."""
    score: Mapped[float]
    """In [0, 1]: how sure the method is of the kind."""
    method_version: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]


class DuplicateVerdict(Base):
    """What a person says of two images; append-only, the newest one counts above any method."""

    __tablename__ = "duplicate_verdict"
    __table_args__ = (Index("ix_verdict_pair", "a_id", "b_id"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    a_id: Mapped[str] = mapped_column(ForeignKey("image.id"))
    """The smaller id of the two."""
    b_id: Mapped[str] = mapped_column(ForeignKey("image.id"))
    relation: Mapped[str] = mapped_column(String(16))
    """`near` (the same picture), `variant` or `distinct`."""
    actor: Mapped[str] = mapped_column(String(128))
    note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class LabelEvent(Base):
    """One statement about one field of one image; append-only."""

    __tablename__ = "label_event"
    __table_args__ = (Index("ix_label_image_field", "image_id", "field"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    event_key: Mapped[str] = mapped_column(SHA256, unique=True)
    """Digest of what makes the statement unique, so that saying it twice is saying it once."""
    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"))
    field: Mapped[str] = mapped_column(String(64))
    value: Mapped[Any] = mapped_column(JSON)
    """A string, a list of strings, or null where the field does not apply."""
    origin: Mapped[str] = mapped_column(String(16))
    """`human`, `adjudicated`, `propagated`, `rule` or `model`."""
    actor: Mapped[str] = mapped_column(String(128))
    """An e-mail address, or a drafter with its version: `background/1`."""
    confidence: Mapped[float | None]
    """In [0, 1]; null for a person."""
    schema_version: Mapped[str] = mapped_column(String(16))
    annotation_key: Mapped[str | None] = mapped_column(String(64), index=True)
    """Label Studio's annotation and its revision."""
    lead_time_s: Mapped[float | None]
    """Seconds a person spent on the whole annotation."""
    created_at: Mapped[datetime]


class LabelProject(Base):
    """A Label Studio project of ours, and how far we have pulled from it."""

    __tablename__ = "label_project"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    """`<title>|<tag>`; the tag is in the project's description on the server too."""
    project_id: Mapped[int]
    config_hash: Mapped[str] = mapped_column(SHA256)
    schema_version: Mapped[str] = mapped_column(String(16))
    pulled_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class LabelTask(Base):
    """One image as a task of one Label Studio project."""

    __tablename__ = "label_task"

    external_key: Mapped[str] = mapped_column(String(128), primary_key=True)
    """`<image id>:<major version of the schema>:<project tag>`; also in the task's data."""
    project_key: Mapped[str] = mapped_column(ForeignKey("label_project.key"), index=True)
    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"), index=True)
    task_id: Mapped[int | None] = mapped_column(index=True)
    """Label Studio's id; null while a push is under way."""
    push_batch: Mapped[str] = mapped_column(String(36), index=True)
    prediction_hash: Mapped[str] = mapped_column(SHA256)
    state: Mapped[str] = mapped_column(String(16))
    """`pushing` (intent recorded), `pushed`, `touched` (begun or skipped: we leave it alone),
    `done` (its answers are in the history), `settled` (nothing is left to ask: it waits at the end
    of the queue) or `gone`."""
    pushed_at: Mapped[datetime | None]
    priority: Mapped[float | None]
    """As the server was told last, in [0, 1]."""
    changed_at: Mapped[datetime | None]
    """When the state became what it is; null for rows older than this column."""
