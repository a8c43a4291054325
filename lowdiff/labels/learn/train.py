"""Train a head for every field that has labels enough, and ask the heads that are there."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.label_tables import DraftModel
from lowdiff.labels.accept.evidence import is_same
from lowdiff.labels.learn.examples import EVIDENCE_VERSION, Table, read_labels, read_table
from lowdiff.labels.learn.flag_heads import fit_flags, sets_of, too_few_flags
from lowdiff.labels.learn.headfile import Saved, from_bytes, to_bytes
from lowdiff.labels.learn.heads import (
    Fitted,
    Floats,
    Head,
    Lens,
    fit_head,
    look_through,
    too_few,
)
from lowdiff.labels.learn.propagate import relatives_say
from lowdiff.labels.learn.referee import LEAST_LABELS as REFEREED
from lowdiff.labels.learn.statements import Statement, Statements, is_learned, statements_of
from lowdiff.labels.schema import Field, Schema
from lowdiff.store import Store

GREW = 1.25
"""A head is trained again when there are so many times the labels it has learned from."""


@dataclass(frozen=True)
class Trained:
    """What became of the head of one field."""

    field: str
    state: str
    """`trained`, `kept` (few labels are new), `waiting` (too few labels) or `beaten` (the
    measuring drafter is as good, so it does not draft)."""
    labels: int
    told: str
    """One sentence for a person."""
    metrics: dict[str, Any]


def learnable(schema: Schema) -> list[Field]:
    """The fields that a head can draft: all but texts."""
    return [field for field in schema.fields if field.kind != "text"]


def head_key(field: str, digest: str) -> str:
    """Where a head lies in the store."""
    return f"heads/{field}/{digest}.safetensors"


def train_heads(
    catalog: Catalog,
    store: Store,
    schema: Schema,
    *,
    features: str,
    audit_share: float,
    anew: bool = False,
    seed: int = 0,
    now: Callable[[], datetime] = utc_now,
) -> list[Trained]:
    """Train what has enough new labels; equal labels and features give equal heads.

    Args:
        features: the setting of this name.
        audit_share: labels of audited images are never learned from.
        anew: train every head, whatever is new.

    Raises:
        ServiceError: store or catalog failed; heads that were kept stay.
    """
    with catalog.read() as session:
        relatives = relatives_say(session, schema, audit_share=audit_share)
        table = read_table(session, schema, features=features, relatives=relatives)
        newest = newest_heads(session)
    lens = look_through(table.x) if len(table.ids) else None
    found = []
    for field in learnable(schema):
        with catalog.read() as session:
            labels = read_labels(session, field.name, table.ids, audit_share=audit_share)
        ids = sorted(labels)
        rows = table.rows(ids)
        values = [labels[one] for one in ids]
        groups = [table.families[row] for row in rows]
        why = _too_few(field, values, groups)
        if lens is None or why:
            found.append(Trained(field.name, "waiting", len(ids), why or "no features yet", {}))
            continue
        last = newest.get(field.name)
        if last is not None and not anew and _is_fresh(last, len(ids), features):
            found.append(Trained(field.name, "kept", len(ids), _told(last.metrics), last.metrics))
            continue
        fitted = _fit(field, table.x[rows], values, groups, lens, seed)
        metrics = fitted.metrics | _against_measuring(field, fitted, table, rows, labels, ids)
        metrics["made_of"] = made_of(features)
        body = to_bytes(
            Saved(fitted.head, field.name, made_of(features), tuple(ids), fitted.held_out)
        )
        _keep(catalog, store, field.name, body, len(ids), metrics, now())
        state = "trained" if metrics["drafts"] else "beaten"
        found.append(Trained(field.name, state, len(ids), _told(metrics), metrics))
    return found


def heads_say(
    session: Session, store: Store, table: Table, *, features: str
) -> tuple[Statements, list[str]]:
    """What the newest heads say of all images of a table.

    Of the images that a head has learned from it is what models say that did not see them, so that
    a wrong label stands out.

    Returns:
        The statements, and the names of the heads, with their versions.
    """
    said: Statements = {}
    names = []
    for field, row in sorted(newest_heads(session).items()):
        if not row.metrics.get("drafts") or row.metrics.get("made_of") != made_of(features):
            continue
        saved = from_bytes(store.read(row.store_key), item=row.store_key)
        by = f"head-{field}/{row.digest[:8]}"
        names.append(by)
        shares = saved.head.probabilities(table.x)
        known = {image_id: at for at, image_id in enumerate(saved.ids)}
        seen = [(at, known[one]) for at, one in enumerate(table.ids) if one in known]
        for here, there in seen:
            shares[here] = saved.held_out[there]
        for image_id, row_shares in zip(table.ids, shares, strict=True):
            value, sure = said_by(saved.head, row_shares)
            one = Statement(value, round(sure, 4), by)
            said.setdefault(image_id, {}).setdefault(field, []).append(one)
    return said, names


def newest_heads(session: Session) -> dict[str, DraftModel]:
    """Field → the head that was trained last."""
    query = select(DraftModel).order_by(DraftModel.trained_at, DraftModel.digest)
    return {row.field: row for row in session.scalars(query)}


def made_of(features: str) -> str:
    """What a row of examples is made of; heads of other rows cannot be used."""
    return f"{features}+{EVIDENCE_VERSION}"


def said_by(head: Head, shares: Floats) -> tuple[str | list[str], float]:
    """The value that a head gives to one row of probabilities, and how sure it is."""
    if head.of_flags:
        return sets_of(head, shares)
    best = int(shares.argmax())
    return head.classes[best], float(shares[best])


def _too_few(field: Field, values: Sequence[Any], groups: Sequence[str]) -> str | None:
    return (too_few_flags if field.kind == "flags" else too_few)(values, groups)


def _fit(
    field: Field, x: Floats, values: Sequence[Any], groups: Sequence[str], lens: Lens, seed: int
) -> Fitted:
    if field.kind == "flags":
        return fit_flags(x, values, groups, lens, required=field.required, seed=seed)
    return fit_head(x, values, groups, lens, seed=seed)


def _is_fresh(row: DraftModel, labels: int, features: str) -> bool:
    same = row.metrics.get("made_of") == made_of(features)
    return same and row.n_labels <= labels < max(row.n_labels + 1, row.n_labels * GREW)


def _against_measuring(
    field: Field,
    fitted: Fitted,
    table: Table,
    rows: Sequence[int],
    labels: dict[str, Any],
    ids: Sequence[str],
) -> dict[str, Any]:
    """Whether the head drafts: of few labels of a measured field it must be clearly better."""
    head = [
        is_same(field, said_by(fitted.head, shares)[0], labels[one])
        for one, shares in zip(ids, fitted.held_out, strict=True)
    ]
    drafted = [statements_of(table.drafts[row]).get(field.name, []) for row in rows]
    others = [[one for one in ones if not is_learned(one.by)] for ones in drafted]
    measured = [
        bool(ones) and is_same(field, ones[0].value, labels[one])
        for one, ones in zip(ids, others, strict=True)
    ]
    gained = sum(h and not m for h, m in zip(head, measured, strict=True))
    lost = sum(m and not h for h, m in zip(head, measured, strict=True))
    # McNemar's test at one standard deviation: which of two drafters, not whether to trust one
    better = gained - lost > float(np.sqrt(gained + lost))
    return {
        # with labels enough the referee knows whom to believe, so both may speak
        "drafts": better or field.answer != "measured" or len(ids) >= REFEREED,
        "measured_accuracy": round(float(np.mean(measured)), 4),
    }


def _keep(
    catalog: Catalog,
    store: Store,
    field: str,
    body: bytes,
    labels: int,
    metrics: dict[str, Any],
    moment: datetime,
) -> None:
    digest = hashlib.sha256(body).hexdigest()
    key = head_key(field, digest)
    store.put(key, body)
    with catalog.write() as session:
        session.merge(
            DraftModel(
                digest=digest, field=field, trained_at=moment, n_labels=labels, metrics=metrics,
                store_key=key,
            )
        )  # fmt: skip


def _told(metrics: dict[str, Any]) -> str:
    most = metrics["most_frequent"]
    told = f"right on {metrics['accuracy']:.0%} of held-out labels (most frequent value {most:.0%})"
    if not metrics["drafts"]:
        told += f"; measuring is right on {metrics['measured_accuracy']:.0%}, so it drafts nothing"
    return told
