"""What a project's settings say of acceptance, and what the demo writes into them."""

import pytest

from lowdiff.labels.accept.policy import by_confidence
from lowdiff.ops.acceptance import accept_unaudited, present_policy
from lowdiff.ops.project import open_project
from lowdiff.settings import SETTINGS_FILE


def test_without_a_word_in_the_settings_only_audits_let_drafts_count(tmp_path):
    with open_project(tmp_path) as project:
        policy = present_policy(project)
    assert (policy.mode, policy.rules) == ("audited", {})


@pytest.mark.parametrize("settings", [None, "", "seed = 3\naccept_confidence = 0.6"])
def test_the_demo_opts_out_and_keeps_the_other_settings(tmp_path, settings):
    folder = tmp_path / "new"
    if settings is not None:
        folder.mkdir()
        (folder / SETTINGS_FILE).write_text(settings)
    for _run in range(2):
        accept_unaudited(folder)
    with open_project(folder) as project:
        assert present_policy(project) == by_confidence(0.6 if settings else 0.75)
        assert project.settings.seed == (3 if settings else 0)


def test_the_demo_leaves_what_a_person_has_set(tmp_path):
    (tmp_path / SETTINGS_FILE).write_text('acceptance = "audited"\n')
    accept_unaudited(tmp_path)
    with open_project(tmp_path) as project:
        assert present_policy(project).mode == "audited"
