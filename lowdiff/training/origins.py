"""Under which licences and from which sources the training images of a run are."""

from collections import Counter
from pathlib import Path
from typing import Any

from lowdiff.datasets.read import Version
from lowdiff.sampling.run_folder import read_json

LICENCES_FILE = "licences.json"
UNKNOWN = "unknown"
_COLUMNS = {"licences": "licence", "sources": "source", "attributions": "attribution"}


def origins_of(version: Version, *, parent: Path | None = None) -> dict[str, Any]:
    """What `licences.json` holds.

    Args:
        parent: the run whose weights this one starts from: it has learned from its images too.

    Returns:
        `dataset`, `images` (of the train split), `licences`, `sources` and `attributions` (each a
        table → images, `unknown` where nobody said), and `parent`: the same of the parent, or None.

    Raises:
        ContractError: a shard is missing or changed, or the parent's file is damaged.
    """
    known = [name for name in _COLUMNS.values() if name in version.manifest["columns"]]
    table = version.read("train", known) if known else None
    count = version.rows("train")
    counted: dict[str, dict[str, int]] = {}
    for name, column in _COLUMNS.items():
        values = [UNKNOWN] * count if table is None or column not in known else table[column]
        told = Counter(one if isinstance(one, str) and one else UNKNOWN for one in values)
        counted[name] = dict(sorted(told.items()))
    theirs = None if parent is None else parent / LICENCES_FILE
    return {
        "dataset": {"name": version.name, "version": version.number, "digest": version.digest},
        "images": count,
        **counted,
        "parent": read_json(theirs) if theirs is not None and theirs.is_file() else None,
    }
