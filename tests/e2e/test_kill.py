"""A power cut in the middle of every step: the same commands end like an undisturbed run."""

import random

import pytest

from lowdiff.ingest.demo_corpus import lay_out_openmoji
from lowdiff.ops.project import Project
from lowdiff.workspace import Workspace
from tests.conftest import LabelStudioServer
from tests.e2e.road import Person, facts

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

COUNT = 24
STEPS = [
    ("ingest", "--all"),
    ("dedupe",),
    ("ocr",),
    ("draft",),
    ("label", "push"),
    ("label", "pull"),
    ("export",),
    ("train", "vae", "--preset", "tiny"),
    ("train", "unet", "--preset", "tiny"),
    ("evaluate", "--prompts", "4"),
]
KILLS = 2


def person(name: str, services: Project, server: LabelStudioServer) -> Person:
    """Somebody with a workspace of their own; each makes a Label Studio project of its own."""
    workspace = Workspace(services.workspace.served / name).create()
    return Person(
        workspace.root,
        {
            "LOWDIFF_ACCEPTANCE": "confidence",
            "LOWDIFF_LABEL_STUDIO_URL": server.url,
            "LOWDIFF_LABEL_STUDIO_TOKEN": server.token,
            "LOWDIFF_LABEL_STUDIO_DOCUMENT_ROOT": str(server.document_root),
        },
    )


def test_killed_in_the_middle_of_every_step_it_ends_like_an_undisturbed_run(
    services: Project, label_studio: LabelStudioServer, gallery_port: int
):
    calm = person("calm", services, label_studio)
    killed = person("killed", services, label_studio)
    chance = random.Random(7)
    for who in (calm, killed):
        lay_out_openmoji(Workspace(who.workspace), COUNT, port=gallery_port)
    kills = 0
    for step in STEPS:
        calm.run(*step)
        for _ in range(KILLS):
            kills += killed.run_killed(*step, after_s=chance.uniform(0.5, 4.0))
        killed.run(*step)
    assert kills >= len(STEPS)
    assert facts(killed.workspace) == facts(calm.workspace)
