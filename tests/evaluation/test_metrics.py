import pytest

from lowdiff.evaluation.metrics import (
    BY_PATH,
    METRICS,
    compare_figure,
    count,
    ends,
    figure,
    find_metrics,
    interval,
)


def run(hits: list[bool], *, prompts: int = 0) -> dict:
    ranks = [1.0 if hit else 50.0 for hit in hits]
    return {
        "retrieval": {"n": len(hits), "top10": sum(hits) / len(hits), "ranks": ranks},
        "generated": [{"prompt": f"{prompts + index}"} for index in range(len(hits))],
    }


def test_a_figure_is_found_by_its_path():
    assert figure({"a": {"b": 2}}, "a.b") == 2.0
    assert figure({"a": {"b": None}}, "a.b") is None
    assert figure({"a": {"b": float("nan")}}, "a.b") is None
    assert figure({"a": 1}, "a.b") is None


def test_the_same_prompts_are_compared_one_by_one():
    # 8 of 64 prompts are gained and none is lost: rarely chance, though the shares are near
    few, many = [True] * 20 + [False] * 44, [True] * 28 + [False] * 36
    metric = BY_PATH["retrieval.top10"]
    assert compare_figure(metric, run(many), run(few)).outcome == "better"
    assert compare_figure(metric, run(few), run(many)).outcome == "worse"
    assert compare_figure(metric, run(few), run(few)).outcome == "tie"
    # over other prompts the same shares say nothing
    assert compare_figure(metric, run(many), run(few, prompts=100)).outcome == "tie"


def test_figures_of_other_numbers_of_prompts_are_not_compared():
    found = compare_figure(BY_PATH["retrieval.top10"], run([True] * 10), run([True] * 20))
    assert (found.outcome, found.why) == ("unknown", "they differ in retrieval.n")


def test_distances_that_differ_by_less_than_their_intervals_are_a_tie():
    def one(mind: float) -> dict:
        told = {"mind": mind, "mind_interval": [mind - 4, mind + 4], "features": "f"}
        return {"distribution": {"n": 64, "random": told}}

    metric = BY_PATH["distribution.random.mind"]
    assert compare_figure(metric, one(10), one(14)).outcome == "tie"
    assert compare_figure(metric, one(10), one(17)).outcome == "better"
    assert compare_figure(metric, one(17), one(10)).outcome == "worse"


def test_the_good_end_of_a_distance_is_its_floor_and_of_a_score_its_ceiling():
    part = {"mind": 5, "coverage": 0.4, "floor": {"mind": 2, "coverage": 0.1}}
    part["ceiling"] = {"mind": 90, "coverage": 0.9}
    record = {"distribution": {"n": 9, "self": part}}
    assert ends(record, BY_PATH["distribution.self.mind"]) == (90.0, 2.0)
    assert ends(record, BY_PATH["distribution.self.coverage"]) == (0.1, 0.9)
    assert count(record, BY_PATH["distribution.self.mind"]) == 9
    assert interval(record, BY_PATH["distribution.self.mind"]) is None


def test_a_space_that_the_user_named_has_its_metrics_too():
    (metric,) = find_metrics(["distribution.hub-facebook-dinov2-small.kid"])
    assert metric.title == "KID, hub-facebook-dinov2-small"
    assert not metric.higher_is_better


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.path)
def test_every_metric_knows_which_of_two_figures_is_better(metric):
    def holding(value: float) -> dict:
        record: dict = {}
        inner = record
        *folders, key = metric.path.split(".")
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[key] = value
        return record

    outcome = compare_figure(metric, holding(0.9), holding(0.1)).outcome
    assert outcome == ("better" if metric.higher_is_better else "worse")
