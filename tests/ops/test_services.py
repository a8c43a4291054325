"""Servers are started once, found again, stopped whole, and keep their secrets."""

import os
import socket
import stat
import sys
from pathlib import Path

import httpx
import pytest

from lowdiff.errors import ServiceError
from lowdiff.ops.processes import free_port, read_process, start_process, stop_process
from lowdiff.ops.processes import wait_until_healthy as wait
from lowdiff.ops.project import Project
from lowdiff.ops.secrets import label_studio_login, login_file
from lowdiff.ops.services import label_studio_access, prefect_api_url, running, up
from lowdiff.settings import Settings
from lowdiff.workspace import Workspace


def start_web(folder: Path, script: str = "-m http.server", name: str = "web"):
    port = free_port(9300)
    command = [sys.executable, *script.split(" "), str(port), "--bind", "127.0.0.1"]
    return start_process(folder, name, command=command, env=os.environ, port=port, health_path="/")


def test_a_started_service_is_found_again_and_stopped_with_its_port_free(tmp_path):
    process = start_web(tmp_path)
    wait(process, timeout_s=20)
    assert read_process(tmp_path, "web") == process
    assert stop_process(tmp_path, "web")
    assert not process.is_alive()
    assert read_process(tmp_path, "web") is None
    assert not stop_process(tmp_path, "web")


def test_a_service_that_ends_while_starting_is_told_with_its_last_words(tmp_path):
    port = free_port(9300)
    process = start_process(
        tmp_path,
        "broken",
        command=[sys.executable, "-c", "print('no database here'); raise SystemExit(1)"],
        env=os.environ,
        port=port,
        health_path="/",
    )
    with pytest.raises(ServiceError, match="no database here"):
        wait(process, timeout_s=20)


def test_a_program_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(ServiceError, match="cannot be started"):
        start_process(tmp_path, "x", command=["/nowhere/program"], env={}, port=1, health_path="/")


def test_a_port_in_use_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port


def test_the_login_is_made_once_and_readable_by_the_owner_only(tmp_path):
    workspace = Workspace(tmp_path).create()
    login = label_studio_login(workspace)
    assert label_studio_login(workspace) == login
    assert stat.S_IMODE(login_file(workspace).stat().st_mode) == 0o600
    assert stat.S_IMODE(workspace.secrets.stat().st_mode) == 0o700
    assert login.password not in repr(login)
    assert login.token not in repr(login)


def test_asking_for_a_server_that_does_not_run_says_how_to_start_it(tmp_path):
    workspace = Workspace(tmp_path).create()
    with pytest.raises(ServiceError, match="lowdiff up"):
        prefect_api_url(Settings(workspace=tmp_path), workspace)
    with pytest.raises(ServiceError, match="lowdiff up"):
        label_studio_access(Settings(workspace=tmp_path), workspace)


@pytest.mark.integration
def test_both_servers_answer_and_a_second_up_starts_nothing(services: Project):
    before = running(services.workspace)
    assert set(before) == {"prefect", "label_studio"}
    assert up(services.settings, services.workspace) == list(before.values())
    assert httpx.get(f"{prefect_api_url(services.settings, services.workspace)}/health").json()
    access = label_studio_access(services.settings, services.workspace)
    answer = httpx.get(
        f"{access.url}/api/projects", headers={"Authorization": f"Token {access.token}"}
    )
    assert answer.status_code == 200


@pytest.mark.integration
def test_no_secret_is_in_a_log_or_in_the_list_of_processes(services: Project):
    login = label_studio_login(services.workspace)
    for process in running(services.workspace).values():
        log = Path(process.log).read_text(encoding="utf-8", errors="replace")
        command = Path(f"/proc/{process.pid}/cmdline").read_text()
        for secret in (login.password, login.token):
            assert secret not in log
            assert secret not in command
