"""The queue of a project: its settings, its labels and what its images look like."""

from sqlalchemy import select

from lowdiff.catalog.images import licensed_ids
from lowdiff.catalog.tables import Image
from lowdiff.labels.queue.likeness import read_likeness
from lowdiff.labels.queue.priority import Next, make_queue
from lowdiff.labels.schema import Schema
from lowdiff.ops.acceptance import present_policy
from lowdiff.ops.project import Project


def present_queue(project: Project, schema: Schema) -> list[Next]:
    """All images that a person should see, the next one first."""
    settings = project.settings
    with project.catalog.read() as session:
        ids = list(session.scalars(select(Image.id).order_by(Image.id)))
        licensed = set(session.scalars(licensed_ids()))
        likeness = read_likeness(
            session, project.store, ids, features=settings.features, workers=settings.workers
        )
    return make_queue(
        project.catalog,
        schema,
        present_policy(project),
        audit_share=settings.audit_share,
        gold_share=settings.gold_share,
        likeness=likeness,
        only=None if settings.use_unknown_licences else licensed,
    )
