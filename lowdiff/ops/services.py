"""Prefect and Label Studio of one workspace: up, down, and how to reach them."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lowdiff.errors import ServiceError
from lowdiff.ops.processes import (
    Process,
    free_port,
    locked,
    read_process,
    start_process,
    stop_process,
    wait_until_healthy,
)
from lowdiff.ops.secrets import label_studio_login
from lowdiff.settings import Settings
from lowdiff.workspace import Workspace

PREFECT = "prefect"
LABEL_STUDIO = "label_studio"
NAMES = (PREFECT, LABEL_STUDIO)
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
}

PRIVATE_NETS = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
    "203.0.113.0/24", "224.0.0.0/4", "233.252.0.0/24", "240.0.0.0/4", "255.255.255.255/32",
    "::/128", "::1/128", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48",
    "100::/64", "2001:0000::/32", "2001:20::/28", "2001:db8::/32", "2002::/16", "fc00::/7",
    "fe80::/10", "ff00::/8",
)  # fmt: skip
"""Label Studio's own list of addresses that it never calls, without 127.0.0.0/8: `label watch`
listens there for its webhooks."""


@dataclass(frozen=True)
class Access:
    """How to reach a Label Studio."""

    url: str
    token: str = field(repr=False)


def up(
    settings: Settings, workspace: Workspace, *, say: Callable[[str], None] = lambda _text: None
) -> list[Process]:
    """Start what does not run yet, both at once, and wait until both answer.

    Raises:
        ServiceError: a server cannot be started or stays silent; the message ends with its log.
    """
    with locked(workspace.services):
        processes = [_running_or_started(name, settings, workspace, say) for name in NAMES]
        for process in processes:
            wait_until_healthy(process, timeout_s=settings.service_start_timeout_s)
    return processes


def down(workspace: Workspace) -> dict[str, bool]:
    """Stop both servers; tells for each whether it ran."""
    with locked(workspace.services):
        return {name: stop_process(workspace.services, name) for name in NAMES}


def running(workspace: Workspace) -> dict[str, Process]:
    """The services of this workspace that run now."""
    found = {name: read_process(workspace.services, name) for name in NAMES}
    return {name: process for name, process in found.items() if process and process.is_alive()}


def prefect_api_url(settings: Settings, workspace: Workspace) -> str:
    """The address of the Prefect API.

    Raises:
        ServiceError: no server runs and none is set.
    """
    if settings.prefect_api_url:
        return settings.prefect_api_url
    return f"{_must_run(PREFECT, workspace, 'LOWDIFF_PREFECT_API_URL').url}/api"


def label_studio_access(settings: Settings, workspace: Workspace) -> Access:
    """The address and token of Label Studio.

    Raises:
        ServiceError: no server runs and none is set.
    """
    if settings.label_studio_url:
        if not settings.label_studio_token:
            raise ServiceError(
                settings.label_studio_url,
                "the address is set, but no token for it",
                reason="no_token",
                do="Set LOWDIFF_LABEL_STUDIO_TOKEN to the access token of your account there.",
            )
        return Access(settings.label_studio_url, settings.label_studio_token)
    process = _must_run(LABEL_STUDIO, workspace, "LOWDIFF_LABEL_STUDIO_URL")
    return Access(process.url, label_studio_login(workspace).token)


def _must_run(name: str, workspace: Workspace, variable: str) -> Process:
    process = read_process(workspace.services, name)
    if process is None or not process.is_alive():
        raise ServiceError(
            name,
            f"does not run for the workspace {workspace.root}",
            reason="service_down",
            do=f"Start it with `lowdiff up`, or set {variable} to one that runs.",
        )
    return process


def _running_or_started(
    name: str, settings: Settings, workspace: Workspace, say: Callable[[str], None]
) -> Process:
    known = read_process(workspace.services, name)
    if known and known.is_alive():
        return known
    start = {PREFECT: _start_prefect, LABEL_STUDIO: _start_label_studio}[name]
    process = start(settings, workspace)
    say(f"starting {name} at {process.url} (log: {process.log})")
    return process


def _start_prefect(settings: Settings, workspace: Workspace) -> Process:
    home = (workspace.services / "prefect_home").absolute()
    home.mkdir(parents=True, exist_ok=True)
    port = free_port(settings.prefect_port)
    return start_process(
        workspace.services,
        PREFECT,
        command=[
            sys.executable,
            "-m",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
        env={**os.environ, **QUIET, "PREFECT_HOME": str(home)},
        port=port,
        health_path="/api/health",
    )


def _start_label_studio(settings: Settings, workspace: Workspace) -> Process:
    login = label_studio_login(workspace)
    data = (workspace.services / "label_studio_data").absolute()
    workspace.working_copies.mkdir(parents=True, exist_ok=True)
    port = free_port(settings.label_studio_port)
    secret = {  # by environment: arguments can be read by every user of the machine
        "USERNAME": login.username,
        "PASSWORD": login.password,
        "USER_TOKEN": login.token,
    }
    plain = {
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
        "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(workspace.served.absolute()),
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        "USER_ADDITIONAL_BANNED_SUBNETS": ",".join(PRIVATE_NETS),
    }
    return start_process(
        workspace.services,
        LABEL_STUDIO,
        command=[
            str(_label_studio_command(settings)),
            "start",
            "--no-browser",
            "--data-dir",
            str(data),
            "--internal-host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
        env={**os.environ, **QUIET, **plain, **secret},
        port=port,
        health_path="/health",
    )


def _label_studio_command(settings: Settings) -> Path:
    own = Path(".venv-label-studio/bin/label-studio")
    beside = Path(sys.prefix).parent / own
    for candidate in (settings.label_studio_command, own, beside):
        if candidate is not None and candidate.is_file():
            return candidate.absolute()
    found = shutil.which("label-studio")
    if found:
        return Path(found)
    raise ServiceError(
        "label-studio",
        "is not installed",
        reason="label_studio_missing",
        do="Run `make setup`, or set LOWDIFF_LABEL_STUDIO_COMMAND to the program.",
    )
