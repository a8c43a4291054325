"""Which images wait for something else before they can become tasks."""

from sqlalchemy import func, select

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Stage
from lowdiff.catalog.images import licensed_ids
from lowdiff.catalog.tables import Artifact
from lowdiff.labels.desk.projects import TaskProject

DRAFT = "draft"
"""Name of the stage whose images may be pushed."""


def push_stage(project: TaskProject) -> Stage:
    """The stage whose leases keep two pushes from sending the same image."""
    return Stage("label_push", "1", {"project": project.key})


def unlicensed(project: TaskProject, *, catalog: Catalog) -> int:
    """How many images could be pushed if somebody knew their licence."""
    finished = select(Artifact.image_id).where(
        Artifact.stage == "label_push",
        Artifact.params_hash == push_stage(project).params_hash,
        Artifact.state.in_(("ok", "refused")),
    )
    query = (
        select(Artifact.image_id)
        .where(Artifact.stage == DRAFT, Artifact.state == "ok")
        .where(Artifact.image_id.not_in(finished.scalar_subquery()))
        .where(Artifact.image_id.not_in(licensed_ids()))
        .distinct()
    )
    with catalog.read() as session:
        return session.scalar(select(func.count()).select_from(query.subquery())) or 0
