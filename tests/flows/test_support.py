"""Batches, retries and progress against a real Prefect server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from lowdiff.ops.services import QUIET

pytestmark = pytest.mark.integration

PROGRAM = """
import json, sys
from prefect import flow, task
from flows.support import RETRIES, main, one_batch_at_a_time, run_batches
from lowdiff.errors import InputError, ServiceError

tries = {}

@task(**{**RETRIES, "retry_delay_seconds": [0, 0, 0]})
def work(ids, ends):
    first = ids[0]
    tries[first] = tries.get(first, 0) + 1
    if first == 10 and tries[first] < 3:
        raise ServiceError("the server", "is down", reason="down")
    if first == 20 and ends == "badly":
        raise InputError("item 20", "is broken", reason="broken", found="x", allowed="y")
    return len(ids)

@flow(name="support-test", task_runner=one_batch_at_a_time)
def many(ends: str = "well"):
    done = run_batches(work, list(range(35)), 10, "Support test", ends=ends)
    print(json.dumps({"done": sorted(done), "tries": tries}))

main(many)
"""


def run(prefect_api: str, tmp_path: Path, **parameters: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        **QUIET,
        "PREFECT_API_URL": prefect_api,
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    }
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    env["PYTHONPATH"] = str(Path.cwd())
    return subprocess.run(
        [sys.executable, str(program), json.dumps(parameters)],
        env=env,
        capture_output=True,
        text=True,
    )


def test_every_batch_is_done_and_a_failing_service_is_tried_again(prefect_api, tmp_path):
    done = run(prefect_api, tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["done"] == [5, 10, 10, 10]
    assert told["tries"] == {"0": 1, "10": 3, "20": 1, "30": 1}
    found = httpx.post(
        f"{prefect_api}/artifacts/latest/filter",
        json={"artifacts": {"key": {"any_": ["support-test"]}}},
    ).json()
    assert found[0]["data"] == 100.0


def test_wrong_input_is_not_tried_again_and_told_in_one_sentence(prefect_api, tmp_path):
    done = run(prefect_api, tmp_path, ends="badly")
    assert done.returncode == 3
    assert done.stderr.strip() == "error: item 20: is broken, found x, allowed y"
    assert "Traceback" not in done.stdout + done.stderr
