"""Which images may become tasks now."""

from sqlalchemy import Select, func, select

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


def pending_push(
    project: TaskProject, *, catalog: Catalog, use_unknown_licences: bool = False
) -> list[str]:
    """Images that have a draft and no task in the project yet, in a stable order.

    Args:
        use_unknown_licences: those too whose licence nobody knows; `unlicensed` counts them.
    """
    query = _pending(project)
    if not use_unknown_licences:
        query = query.where(Artifact.image_id.in_(licensed_ids()))
    with catalog.read() as session:
        return list(session.scalars(query.order_by(Artifact.image_id)))


def unlicensed(project: TaskProject, *, catalog: Catalog) -> int:
    """How many images could be pushed if somebody knew their licence."""
    query = _pending(project).where(Artifact.image_id.not_in(licensed_ids()))
    with catalog.read() as session:
        return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _pending(project: TaskProject) -> Select[str]:
    finished = select(Artifact.image_id).where(
        Artifact.stage == "label_push",
        Artifact.params_hash == push_stage(project).params_hash,
        Artifact.state.in_(("ok", "refused")),
    )
    return (
        select(Artifact.image_id)
        .where(Artifact.stage == DRAFT, Artifact.state == "ok")
        .where(Artifact.image_id.not_in(finished.scalar_subquery()))
        .distinct()
    )
