from lowdiff.datasets.diff import diff_rows, diff_versions
from tests.datasets.corpus import draw_corpus, say

ROW = {"caption": "A cat", "caption_origin": "rule", "caption_confidence": 0.9, "split": "train"}


def test_equal_rows_have_no_difference():
    assert diff_rows({"a": ROW}, {"a": dict(ROW)}).is_empty


def test_what_came_and_went_is_named():
    diff = diff_rows({"a": ROW, "b": ROW}, {"b": ROW, "c": ROW})
    assert (diff.added, diff.removed, diff.changed) == (["c"], ["a"], [])


def test_going_back_swaps_what_came_and_what_went():
    old, new = {"a": ROW}, {"b": ROW}
    assert diff_rows(old, new).added == diff_rows(new, old).removed


def test_a_confirmation_is_a_change_and_a_new_confidence_is_none():
    confirmed = ROW | {"caption_origin": "human", "caption_confidence": None}
    (change,) = diff_rows({"a": ROW}, {"a": confirmed}).changed
    assert (change.column, change.old, change.new, change.by_human) == (
        "caption", "A cat", "A cat", True,
    )  # fmt: skip
    assert diff_rows({"a": ROW}, {"a": ROW | {"caption_confidence": 0.95}}).is_empty


def test_versions_differ_by_what_people_said(catalog, store, export):
    ids = sorted(draw_corpus(catalog, store, range(14)))
    first = export().version
    for image_id in ids[:3]:
        say(catalog, image_id, "caption", f"Corrected {image_id[:4]}.", human="ann@example.org")
    say(catalog, ids[3], "flags", ["unusable"], human="ann@example.org")
    diff = diff_versions(first, export().version)
    assert diff.removed == [ids[3]]
    assert [change.image_id for change in diff.changed] == ids[:3]
    assert diff.summary() == {
        "added": 0,
        "removed": 1,
        "changed_images": 3,
        "changed": {"caption": 3},
        "changed_by_human": 3,
    }
