"""The benchmark's annotator at a real Label Studio."""

import pytest

from benchmarks.annotator import Annotator
from benchmarks.label_truth import Known
from benchmarks.labeling_run import work_through
from benchmarks.labeling_server import Server
from tests.labels.corpus import add_drafted
from tests.labels.forms import SCHEMA
from tests.labels.test_labeling_benchmark import FIELDS

pytestmark = pytest.mark.integration


def test_the_annotator_answers_what_the_server_shows_until_nothing_is_left(one):
    ids = add_drafted(one.desk.catalog, one.desk.store, range(5))
    truth = Known("ball.png", FIELDS, "A red ball")
    server = Server(one.project, one.desk.client, SCHEMA)
    run = work_through(
        one.project, SCHEMA, dict.fromkeys(ids, truth), Annotator(SCHEMA), batch=3, logos=False,
        say=print, server=server,
    )  # fmt: skip
    assert run.visits == len(ids)
    assert len(run.points) == 2
    assert set(server.seconds) == {"push", "next", "annotate", "pull"}
    labels = one.labels(ids[0])
    assert all(label.is_human for name, label in labels.items() if name in SCHEMA.names)
    assert (labels["layout"].value, labels["palette"].value) == ("centred", ["red"])
    assert labels["caption"].value.startswith("A red ball")
