"""The flows of labeling, on a real Prefect server and a real Label Studio."""

import json
import os
import subprocess
import sys

import pytest

from lowdiff.ops.services import QUIET
from tests.labels.corpus import add_drafted, draft

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def run(flow: str, one, prefect_api: str) -> dict:
    """Run a flow as a program; returns what it came to."""
    parameters = json.dumps({"workspace": str(one.project.workspace.root)})
    done = subprocess.run(
        [sys.executable, "-m", f"flows.{flow}", parameters, "--json"],
        env={**os.environ, **QUIET, "PREFECT_API_URL": prefect_api},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def test_a_round_as_a_flow_brings_answers_in_and_tasks_up_to_date(one, prefect_api):
    ids = add_drafted(one.desk.catalog, one.desk.store, range(3))
    pushed = run("push_labels", one, prefect_api)
    assert (pushed["pushed"], pushed["url"]) == (3, one.desk.project().url)
    one.desk.submit(ids[0], layout="grid")
    draft(one.desk.catalog, ids[1:], layout=("right", 0.9))
    found = run("label_round", one, prefect_api)
    assert found["pulled"]["annotations"] == 1
    assert found["redrafted"] is None
    assert found["pushed"]["updated"] + found["pushed"]["removed"] == 2
    assert one.labels(ids[0])["layout"].value == "grid"
    again = run("label_round", one, prefect_api)
    assert again["pulled"]["annotations"] == 0
    assert {again["pushed"][name] for name in ("pushed", "updated", "removed")} == {0}
