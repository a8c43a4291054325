from sqlalchemy import update

from lowdiff.catalog.images import UNKNOWN_LICENCE, count_unknown_licences
from lowdiff.catalog.tables import Sighting
from lowdiff.labels.desk.candidates import unlicensed
from lowdiff.labels.desk.projects import TaskProject
from tests.labels.corpus import add_drafted

PROJECT = TaskProject(key="brand|x", project_id=1, url="http://127.0.0.1:1/projects/1")


def test_images_of_unknown_licence_are_held_back_and_counted(catalog, store):
    ids = add_drafted(catalog, store, range(3))
    assert unlicensed(PROJECT, catalog=catalog) == 0
    with catalog.write() as session:
        session.execute(
            update(Sighting).where(Sighting.image_id == ids[1]).values(licence=UNKNOWN_LICENCE)
        )
    assert unlicensed(PROJECT, catalog=catalog) == 1
    with catalog.read() as session:
        assert count_unknown_licences(session) == 1
