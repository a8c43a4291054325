"""A desk of its own for each test, on the session's Label Studio."""

import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from lowdiff.catalog import open_catalog
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.ops.project import open_project
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.labels.desk import Desk
from tests.labels.rounds import Round


@pytest.fixture
def desk(label_studio) -> Iterator[Desk]:
    workspace = Workspace(label_studio.document_root / uuid.uuid4().hex[:12]).create()
    catalog = open_catalog(workspace)
    with LabelStudio(label_studio.url, label_studio.token) as client:
        yield Desk(client, catalog, open_store(workspace.root), workspace, label_studio)
    catalog.close()


@pytest.fixture
def other_account(desk) -> Iterator[Callable[[], httpx.Client]]:
    """Invites a second person, who signs up in a browser of their own; gone after the test."""
    people = []

    def sign_up() -> httpx.Client:
        invitation = desk.client._ask("invite", "GET", "api/invite")["invite_url"]
        web = httpx.Client(base_url=desk.server.url, follow_redirects=True, timeout=60)
        web.get(invitation)
        token = web.cookies["csrftoken"]
        answer = {
            "email": f"{uuid.uuid4().hex[:8]}@brand.org",
            "password": uuid.uuid4().hex,
            "csrfmiddlewaretoken": token,
            "allow_newsletters": "false",
        }
        web.post(invitation, data=answer, headers={"Referer": desk.server.url})
        web.headers["X-CSRFToken"] = web.cookies["csrftoken"]
        people.append(web)
        return web

    yield sign_up
    for web in people:
        user_id = web.get("/api/current-user/whoami").json()["id"]
        web.close()
        desk.client._sdk.users.delete(id=user_id)


@pytest.fixture
def one(desk, monkeypatch, label_studio) -> Iterator[Round]:
    monkeypatch.setenv("LOWDIFF_LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("LOWDIFF_LABEL_STUDIO_TOKEN", label_studio.token)
    monkeypatch.setenv("LOWDIFF_LABEL_STUDIO_DOCUMENT_ROOT", str(label_studio.document_root))
    monkeypatch.setenv("LOWDIFF_AUDIT_SHARE", "0.000001")
    with open_project(desk.workspace.root) as project:
        yield Round(project, desk)
