"""Label Studio shows tasks in the order of our queue."""

import httpx
import pytest

from lowdiff.labels.accept.policy import Policy
from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.labels.desk.tasks import MODEL_VERSION
from lowdiff.labels.queue.priority import priorities
from lowdiff.labels.schema_screen import label_config
from tests.labels.browser import annotator
from tests.labels.corpus import add_drafted
from tests.labels.desk import wanted
from tests.labels.forms import SCHEMA
from tests.labels.people import Crowd

pytestmark = pytest.mark.integration


def test_the_label_stream_serves_the_order_of_the_queue(label_studio, catalog):
    crowd = Crowd(catalog).add_images(8)
    for place, one in enumerate(crowd.ids):
        crowd.draft([one], "plain", 0.3 + place / 20)
    found = priorities(catalog, SCHEMA, Policy("audited"), audit_share=0.25, gold_share=0.0)
    tasks = [
        {
            "data": {"image": "/no-picture.png", "image_id": one},
            "predictions": [
                {"model_version": MODEL_VERSION, "score": round(1 - found[one], 6), "result": []}
            ],
        }
        for one in sorted(crowd.ids)
    ]
    served = []
    with LabelStudio(label_studio.url, label_studio.token) as client:
        project = client.create_project(
            title="order of the queue",
            description="",
            config=label_config(SCHEMA),
            model_version=MODEL_VERSION,
        )
        client.import_tasks(project.id, tasks)
        for _ in tasks:
            answer = httpx.get(
                f"{label_studio.url}/api/projects/{project.id}/next",
                headers={"Authorization": f"Token {label_studio.token}"},
                timeout=120,
            ).raise_for_status()
            served.append(answer.json()["data"]["image_id"])
            client.annotate(answer.json()["id"], [], lead_time_s=1.0)
    assert served == sorted(found, key=lambda one: -found[one])


@pytest.mark.parametrize("accounts", [1, 2])
def test_our_link_serves_the_order_of_the_queue_in_a_browser(desk, other_account, accounts):
    ids = add_drafted(desk.catalog, desk.store, range(5))
    queue = [ids[at] for at in (2, 4, 0, 3, 1)]
    if accounts == 2:
        other_account()
    desk.push_wanted(sorted(wanted(queue), key=lambda one: one.image_id))
    images = {task.id: image_id for image_id, (task,) in desk.tasks().items()}
    with annotator(desk.server) as person:
        person.open(desk.project().url)
        for image_id in queue:
            assert images[person.task()] == image_id
            person.submit_and_go_on()
    assert desk.pull().annotations == len(queue)


def test_the_button_for_all_tasks_gives_two_people_different_images_in_that_order(
    desk, other_account
):
    ids = add_drafted(desk.catalog, desk.store, range(4))
    queue = [ids[at] for at in (2, 0, 3, 1)]
    desk.push_wanted(sorted(wanted(queue), key=lambda one: one.image_id))
    other, served = other_account(), []
    address = f"/api/dm/actions/?id=next_task&project={desk.project().project_id}"
    for _ in range(2):
        task = desk.client._ask("next", "POST", address.lstrip("/"), json={})
        theirs = other.post(address, json={}).raise_for_status().json()
        served += [one["data"]["image_id"] for one in (task, theirs)]
        desk.client.annotate(task["id"], [], lead_time_s=1.0)
        other.post(f"/api/tasks/{theirs['id']}/annotations/", json={"result": []})
    assert served == queue
