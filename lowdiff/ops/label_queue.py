"""The queue of a project and its suspected labels: settings, labels, what its images look like."""

from sqlalchemy import select

from lowdiff.catalog.images import licensed_ids
from lowdiff.catalog.labels import PEOPLE, current_label
from lowdiff.catalog.tables import Image
from lowdiff.labels.learn.features import (
    features_batch,
    load_features,
    open_extractor,
    pending_features,
)
from lowdiff.labels.quality.suspects import Suspect, find_suspects
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


def present_suspects(project: Project, schema: Schema) -> list[Suspect]:
    """Labels of people that are probably wrong; features that are missing are made first."""
    settings = project.settings
    labelled = select(current_label.c.image_id).where(current_label.c.origin.in_(PEOPLE))
    with project.catalog.read() as session:
        mine = set(session.scalars(labelled.distinct()))
    missing = [one for one in pending_features(project.catalog, settings.features) if one in mine]
    if missing:
        features_batch(
            missing,
            catalog=project.catalog,
            store=project.store,
            extractor=open_extractor(settings.features),
            workers=settings.workers,
            lease_s=settings.lease_s,
        )
    with project.catalog.read() as session:
        return find_suspects(session, schema, load_features(session, settings.features))
