"""Our projects on a Label Studio server: made once, and found again wherever the server moves.

There is one for each screen: the form, and the lines of text with their words.

A project is known by a tag of ours in its description, never by the address of the server: a port
may change, and two workspaces may use the same title on one server.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from lowdiff.catalog import Catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.tables import LabelProject
from lowdiff.errors import InputError
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.tasks import MODEL_VERSION
from lowdiff.labels.schema import Schema
from lowdiff.labels.schema_screen import FORM, label_config

NOT_MADE_YET = 0
"""The project id of a row whose project is about to be made."""


@dataclass(frozen=True)
class TaskProject:
    """One project of ours on a server."""

    key: str
    """Its key in the catalog: `<title>|<tag>`."""
    project_id: int
    url: str
    """Its label stream in the order of our queue, where a person starts."""
    screen: str = FORM
    """`form` or `text`."""

    @property
    def first_page(self) -> str:
        """The list of its tasks. Its button "Label All Tasks" serves the same order, and keeps two
        people apart who work at the same time; the stream does not."""
        return self.url.split("?")[0]

    @property
    def tag(self) -> str:
        """8 hex digits that are also in the project's description."""
        return self.key.rsplit("|", 1)[1]


def find_project(
    client: LabelStudio, *, catalog: Catalog, schema: Schema, name: str, screen: str = FORM
) -> TaskProject:
    """The project that was made for a dataset name, this schema and a screen.

    Raises:
        InputError: there is none on this server.
    """
    project = known_project(client, catalog=catalog, schema=schema, name=name, screen=screen)
    if project is None:
        raise InputError(
            client.url,
            f"has no project of ours for {name!r} (schema {schema.major}.x)",
            reason="no_label_project",
            do="Make it with `lowdiff label push`.",
        )
    return project


def known_project(
    client: LabelStudio, *, catalog: Catalog, schema: Schema, name: str, screen: str
) -> TaskProject | None:
    """The same, or None; the server is asked only where the catalog knows of one."""
    return _find(client, catalog, _title(schema, name, screen), screen)


def ensure_project(
    client: LabelStudio,
    *,
    catalog: Catalog,
    schema: Schema,
    name: str,
    working_copies: Path,
    screen: str = FORM,
    now: Callable[[], datetime] = utc_now,
) -> TaskProject:
    """Find the project of a dataset name, or make it; running it again changes nothing.

    Args:
        name: the dataset's name; title, screen and schema's major version tell projects apart.
        working_copies: folder of the pictures; it lies below the server's document root.

    Raises:
        ServiceError: the server does not answer.
        ContractError: the server refuses the screen or the folder.
    """
    title, config = _title(schema, name, screen), label_config(schema, screen)
    project = _find(client, catalog, title, screen)
    if project is None:
        project = _make(client, catalog, schema, title, config, screen, now)
    working_copies.mkdir(parents=True, exist_ok=True)
    client.register_folder(project.project_id, working_copies.absolute())
    with catalog.read() as session:
        is_stale = session.get_one(LabelProject, project.key).config_hash != _digest(config)
    if is_stale:
        client.update_config(project.project_id, config)
        with catalog.write() as session:
            row = session.get_one(LabelProject, project.key)
            row.config_hash, row.schema_version = _digest(config), schema.version
    return project


def _title(schema: Schema, name: str, screen: str) -> str:
    of_screen = "" if screen == FORM else f", {screen}"
    return f"{name} (schema {schema.major}{of_screen})"


def _find(client: LabelStudio, catalog: Catalog, title: str, screen: str) -> TaskProject | None:
    with catalog.read() as session:
        known = {row.key: row.project_id for row in _rows(session, title)}
    if not known:
        return None
    for remote in client.find_projects(title):
        for key, project_id in known.items():
            if _mark(key) in remote.description:
                if project_id != remote.id:
                    _keep_id(catalog, key, remote.id)
                return _task_project(client, key, remote.id, screen)
    return None


def _make(
    client: LabelStudio,
    catalog: Catalog,
    schema: Schema,
    title: str,
    config: str,
    screen: str,
    now: Callable[[], datetime],
) -> TaskProject:
    # the intent first: after a crash the project is found by its tag
    with catalog.write() as session:
        unmade = [row for row in _rows(session, title) if row.project_id == NOT_MADE_YET]
        key = unmade[0].key if unmade else f"{title}|{uuid.uuid4().hex[:8]}"
        row = LabelProject(
            key=key,
            project_id=NOT_MADE_YET,
            config_hash=_digest(config),
            schema_version=schema.version,
            pulled_until=None,
            created_at=now(),
        )
        session.merge(row)
    made = client.create_project(
        title=title,
        description=f"Made by lowdiff; do not remove this mark: {_mark(key)}",
        config=config,
        model_version=MODEL_VERSION,
    )
    _keep_id(catalog, key, made.id)
    return _task_project(client, key, made.id, screen)


def _rows(session: Session, title: str) -> list[LabelProject]:
    query = select(LabelProject).where(LabelProject.key.startswith(f"{title}|", autoescape=True))
    return list(session.scalars(query.order_by(LabelProject.created_at, LabelProject.key)))


def _keep_id(catalog: Catalog, key: str, project_id: int) -> None:
    with catalog.write() as session:
        session.get_one(LabelProject, key).project_id = project_id


def _task_project(client: LabelStudio, key: str, project_id: int, screen: str) -> TaskProject:
    tab = client.queue_tab(project_id)
    url = f"{client.url}/projects/{project_id}/data?tab={tab}&labeling=1"
    return TaskProject(key, project_id, url, screen)


def _mark(key: str) -> str:
    return f"lowdiff:{key.rsplit('|', 1)[1]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
