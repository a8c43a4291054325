"""The tables about labels beside their history: decisions, gold, second looks, models and more.

A change here needs a migration in `migrations/versions/`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lowdiff.catalog.tables import SHA256, Base, Serial


class AcceptanceDecision(Base):
    """Whether drafts of a field by a drafter count without a person; append-only, newest counts."""

    __tablename__ = "acceptance_decision"
    __table_args__ = (Index("ix_acceptance_field", "field", "family"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    field: Mapped[str] = mapped_column(String(64))
    family: Mapped[str] = mapped_column(String(128))
    """The drafter without its version: what comes before `/` in a label's actor; `any` where
    several speak."""
    state: Mapped[str] = mapped_column(String(8))
    """`on` or `off`."""
    threshold: Mapped[float | None]
    """Drafts at or above this confidence count; null where no threshold is good enough."""
    audited: Mapped[int]
    """Audited drafts that a person has judged. (Decisions that name a drafter beside `any` may be
    older: they counted only those at or above the threshold.)"""
    errors: Mapped[int]
    """How many of them were at or above the threshold and changed by a person."""
    upper_bound: Mapped[float]
    """In [0, 1]: with 95 %, however often one looks, errors are fewer than that among `audited`."""
    error_limit: Mapped[float]
    """What the user allows."""
    calibration_labels: Mapped[int]
    """Labels of people, not audited ones, that the threshold rests on."""
    reason: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime]


class LabelWithdrawal(Base):
    """An annotation that does not count any more; its events stay in the history."""

    __tablename__ = "label_withdrawal"

    annotation_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """As in the label's history: an annotation and its revision."""
    withdrawn_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class GoldItem(Base):
    """A known answer: what an annotator should say of one field of one image."""

    __tablename__ = "gold_item"

    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    made_by: Mapped[str] = mapped_column(String(128))
    made_at: Mapped[datetime]


class SecondLook(Base):
    """A label of a person that somebody should look at again; answered by the next word on it."""

    __tablename__ = "second_look"

    image_id: Mapped[str] = mapped_column(ForeignKey("image.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    after_event: Mapped[int] = mapped_column(BigInteger)
    """The newest event of the history when it was asked: a person's later one answers it."""
    asked_at: Mapped[datetime]


class DraftModel(Base):
    """A model that drafts one field, learned from the labels so far."""

    __tablename__ = "draft_model"
    __table_args__ = (Index("ix_draft_model_field", "field", "trained_at"),)

    digest: Mapped[str] = mapped_column(SHA256, primary_key=True)
    field: Mapped[str] = mapped_column(String(64))
    trained_at: Mapped[datetime]
    n_labels: Mapped[int]
    """Labels of people that it learned from."""
    metrics: Mapped[dict[str, Any]]
    store_key: Mapped[str] = mapped_column(Text)
    """Where its weights lie in the store."""


class LabelCorrection(Base):
    """One `label correct`: which labels were replaced, by whom and why; append-only."""

    __tablename__ = "label_correction"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """A UUID; the events of the correction carry `correction:<id>` as their annotation key."""
    query: Mapped[dict[str, Any]]
    """What was asked for: field, source, drafter … → value."""
    field: Mapped[str] = mapped_column(String(64))
    value: Mapped[Any] = mapped_column(JSON)
    """What the field says since."""
    images: Mapped[int]
    actor: Mapped[str] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class CorrectionMark(Base):
    """A dataset version or a run that contains what a correction replaced."""

    __tablename__ = "correction_mark"
    __table_args__ = (UniqueConstraint("correction_id", "kind", "target"),)

    id: Mapped[int] = mapped_column(Serial, primary_key=True)
    correction_id: Mapped[str] = mapped_column(ForeignKey("label_correction.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    """`dataset` or `run`."""
    target: Mapped[str] = mapped_column(String(64), index=True)
    """Digest of the dataset version, or id of the run."""
    images: Mapped[int]
    """How many of its images have the old value."""
