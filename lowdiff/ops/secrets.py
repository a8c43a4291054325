"""Passwords and tokens: made on first use, readable by the owner only, never printed."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lowdiff.errors import ContractError
from lowdiff.workspace import Workspace


@dataclass(frozen=True)
class Login:
    """The first account of our Label Studio."""

    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)


def login_file(workspace: Workspace) -> Path:
    """Where the login lies."""
    return workspace.secrets / "label_studio.json"


def label_studio_login(workspace: Workspace) -> Login:
    """The login of this workspace's Label Studio, made when there is none.

    Raises:
        ContractError: the file is there but is no login.
    """
    path = login_file(workspace)
    if path.exists():
        try:
            return Login(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ContractError(
                path,
                "is no login",
                reason="bad_login_file",
                allowed="username, password, token",
                do="Mend it; a new one would not fit the server that was set up with the old one.",
            ) from error
    login = Login("admin@lowdiff.local", secrets.token_urlsafe(12), secrets.token_hex(20))
    workspace.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    workspace.secrets.chmod(0o700)
    aside = path.with_suffix(".new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(login), file, indent=2)
    aside.replace(path)
    return login
