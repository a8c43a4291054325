"""Costs add up over interrupted runs."""

import pytest

from lowdiff.ops.measure import TIMINGS_FILE, open_costs, timed, watched_memory


def stop_in_the_middle(costs):
    with timed(costs, "step"):
        raise KeyboardInterrupt


def test_the_seconds_of_interrupted_runs_add_up(workspace):
    costs = open_costs(workspace)
    costs.seconds["step"] = 5.0
    with pytest.raises(KeyboardInterrupt):
        stop_in_the_middle(costs)
    assert open_costs(workspace).seconds["step"] >= 5.0


def test_a_file_cut_short_is_no_reason_to_stop(workspace):
    (workspace.root / TIMINGS_FILE).write_text('{"step": 1', encoding="utf-8")
    assert open_costs(workspace).seconds == {}


def test_memory_is_measured_while_something_runs(workspace):
    costs = open_costs(workspace)
    with watched_memory(costs, workspace, every_s=0.01):
        while "lowdiff" not in costs.peak_mb:
            pass
    assert 10 < open_costs(workspace).peak_mb["lowdiff"] < 100_000
