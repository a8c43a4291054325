"""Flows are found in the checkout, and their absence is told."""

import os
import subprocess
import sys

import pytest

from lowdiff.errors import ServiceError
from lowdiff.ops.checkout import find_checkout, wait_for_flow
from lowdiff.ops.processes import start_process, stop_process


def test_the_flows_are_found_from_anywhere_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (find_checkout() / "flows" / "run_demo.py").is_file()


def test_where_there_is_no_checkout_one_sentence_says_so(tmp_path):
    with pytest.raises(ServiceError, match="not part of the installed package"):
        find_checkout([tmp_path, tmp_path / "site-packages"])


def test_a_flow_is_ended_when_its_server_dies_in_the_middle(tmp_path):
    server = start_process(
        tmp_path,
        "server",
        command=[sys.executable, "-c", "import time; time.sleep(60)"],
        env=os.environ,
        port=1,
        health_path="/",
    )
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as flow:
        stop_process(tmp_path, "server")
        with pytest.raises(ServiceError, match="run the same command again"):
            wait_for_flow(flow, server)
        assert flow.returncode != 0


def test_the_exit_code_of_a_flow_is_handed_on():
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(4)"]) as flow:
        assert wait_for_flow(flow, None) == 4
