"""Whether anything has happened since tasks were brought up to date: a handful of numbers says it.

To find out task by task that nothing has changed takes a quarter of a minute for ten thousand. All
that tasks are made of is appended to, counted or dated; so its counts and newest dates tell.
"""

import hashlib
import json
from typing import Any

from sqlalchemy import func, select

from lowdiff.catalog.label_tables import AcceptanceDecision, GoldItem, LabelWithdrawal, SecondLook
from lowdiff.catalog.tables import (
    Artifact,
    DuplicateEdge,
    DuplicateVerdict,
    Image,
    LabelEvent,
    LabelTask,
    Sighting,
)
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.wanted import PUSHING, SETTLED, TOUCHED
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import SCREENS, label_config
from lowdiff.ops.labeling import document_root, screens
from lowdiff.ops.project import Project

FILE = "tasks_brought.json"
MADE_OF = ("draft", "ocr", "features")
"""Stages that tasks and their order rest on."""
OPEN = (PUSHING, TOUCHED, SETTLED)
"""While a task is in one of these, time or somebody else may change what is to do."""
COUNTED = (
    (Image.id,),
    (Sighting.id, Sighting.id, Sighting.seen_at), (LabelEvent.id, LabelEvent.id),
    (DuplicateEdge.a_id, DuplicateEdge.created_at), (DuplicateVerdict.id, DuplicateVerdict.id),
    (AcceptanceDecision.id, AcceptanceDecision.id), (SecondLook.field, SecondLook.asked_at),
    (LabelWithdrawal.annotation_key, LabelWithdrawal.withdrawn_at),
    (GoldItem.field, GoldItem.made_at), (LabelTask.task_id, LabelTask.changed_at),
)  # fmt: skip
"""What is counted, and whose largest value tells of something new."""


def state_of_labeling(project: Project, client: LabelStudio, schema: Schema) -> str | None:
    """A digest of all that tasks are made of; None while some of it may change by itself."""
    with project.catalog.read() as session:
        waits = select(func.count()).where(LabelTask.state.in_(OPEN))
        if session.scalar(waits):
            return None
        seen: list[Any] = [
            session.execute(
                select(func.count(), *(func.max(column) for column in columns[1:])).select_from(
                    columns[0].class_
                )
            ).one()
            for columns in COUNTED
        ]
        stages = (
            select(Artifact.stage, Artifact.state, func.count(), func.max(Artifact.updated_at))
            .where(Artifact.stage.in_(MADE_OF))
            .group_by(Artifact.stage, Artifact.state)
            .order_by(Artifact.stage, Artifact.state)
        )
        seen += session.execute(stages).all()
    there = [
        (one.key, *client.progress(one.project_id)) for one in screens(project, client, schema)
    ]
    settings = project.settings.model_dump_json(exclude={"caption_endpoint_key"})
    configs = [label_config(schema, screen) for screen in SCREENS]
    whole = [
        [list(row) for row in seen], there, settings, configs, sorted(client.emails().values()),
        str(document_root(project)),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(whole, default=str).encode()).hexdigest()


def remembered(project: Project) -> dict[str, Any]:
    """What was kept last; empty where nothing was."""
    path = project.workspace.cache / FILE
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def remember(project: Project, state: str | None, unlicensed: int) -> None:
    """Keep it for the next time; it may be deleted at any time."""
    path = project.workspace.cache / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"state": state, "unlicensed": unlicensed}), encoding="utf-8")
