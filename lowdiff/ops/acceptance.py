"""What a project's settings and its labels say together: which drafts count without a person."""

import tomllib
from pathlib import Path

from lowdiff.catalog.engine import utc_now
from lowdiff.labels.accept.decide import Verdict, decide
from lowdiff.labels.accept.evidence import gather_samples
from lowdiff.labels.accept.policy import Policy, read_policy
from lowdiff.labels.progress.status import Status, read_status
from lowdiff.labels.quality.slips import ask_contradicted
from lowdiff.labels.schema import Schema
from lowdiff.ops.project import Project
from lowdiff.settings import SETTINGS_FILE


def present_policy(project: Project) -> Policy:
    """The newest decisions, or the opt-out of the settings."""
    with project.catalog.read() as session:
        return read_policy(
            session,
            acceptance=project.settings.acceptance,
            accept_confidence=project.settings.accept_confidence,
        )


def decide_acceptance(project: Project, schema: Schema, *, preview: bool = False) -> list[Verdict]:
    """Look at all labels so far and keep what follows from them; call it after every pull.

    Audits that contradict a sure draft are asked again, blind: the person may have slipped.
    """
    share = project.settings.audit_share
    if project.settings.acceptance == "audited" and not preview:
        with project.catalog.write() as session:
            audits = gather_samples(session, schema, audit_share=share, audits_only=True)
            ask_contradicted(session, audits, now=utc_now())
    return decide(
        project.catalog,
        schema,
        error_limit=project.settings.accept_error_limit,
        audit_share=share,
        preview=preview,
    )


def label_status(project: Project, schema: Schema) -> Status:
    """How far labeling is, at which pace, and what brings it on most."""
    return read_status(
        project.catalog,
        schema,
        present_policy(project),
        error_limit=project.settings.accept_error_limit,
        audit_share=project.settings.audit_share,
        today=utc_now().date(),
    )


def accept_unaudited(folder: Path) -> None:
    """Let drafts count without people, in the workspace of a demo where nobody has labelled yet.

    What the workspace's settings say already stays.
    """
    path = folder / SETTINGS_FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if "acceptance" in tomllib.loads(text):
        return
    folder.mkdir(parents=True, exist_ok=True)
    why = "# the demo has no people: drafts count from accept_confidence on, unaudited"
    path.write_text(f'{why}\nacceptance = "confidence"\n{text}', encoding="utf-8")
