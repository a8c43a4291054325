"""Reach the Label Studio of a project; used by the commands and by the flows."""

from pathlib import Path

from lowdiff.labels.desk.label_studio import LabelStudio
from lowdiff.ops.project import Project
from lowdiff.ops.services import label_studio_access


def connect_label_studio(project: Project) -> LabelStudio:
    """A client for the Label Studio that the settings name, or that `lowdiff up` started.

    Raises:
        ServiceError: none runs and none is set.
    """
    access = label_studio_access(project.settings, project.workspace)
    return LabelStudio(access.url, access.token)


def document_root(project: Project) -> Path:
    """The folder below which that server may serve files."""
    return project.settings.label_studio_document_root or project.workspace.served
