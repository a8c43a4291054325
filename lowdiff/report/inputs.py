"""What every section of the report reads from."""

from dataclasses import dataclass

from lowdiff.catalog import Catalog
from lowdiff.labels.accept.policy import Policy
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
    policy: Policy
    """Which labels of machines count."""
    dataset_name: str
    """The dataset that the report tells of; where it has no version, the newest of any name."""
    error_limit: float = 0.02
    """In (0, 0.5): accepted drafts may be wrong this often."""
    audit_share: float = 0.05
    """In [0, 1]: images whose every field is shown to a person."""
