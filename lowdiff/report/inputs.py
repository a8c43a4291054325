"""What every section of the report reads from."""

from dataclasses import dataclass

from lowdiff.catalog import Catalog
from lowdiff.labels.schema import Schema
from lowdiff.store import Store
from lowdiff.workspace import Workspace


@dataclass(frozen=True)
class Inputs:
    """An opened workspace and the settings that change what the report says."""

    catalog: Catalog
    store: Store
    workspace: Workspace
    schema: Schema
    accept_confidence: float
    """A machine's label counts from this confidence on."""
    dataset_name: str
    """The dataset that the report tells of; where it has no version, the newest of any name."""
