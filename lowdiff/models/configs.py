"""Configurations of models: dataclasses that a run folder holds as JSON."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from lowdiff.errors import ContractError

C = TypeVar("C")


def from_json(kind: type[C], values: Mapping[str, Any], *, item: object) -> C:
    """A configuration dataclass from what `config.json` holds; lists become tuples.

    A field that is not there takes its default: one that is added later must be the old behaviour
    by default, so that runs of earlier versions still load.

    Raises:
        ContractError: a field is unknown, or one without a default is missing: another version of
            lowdiff wrote it.
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    needed = {
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    }
    if not needed <= set(values) <= set(known):
        raise ContractError(
            item,
            f"its {kind.__name__} was written by another version of lowdiff",
            reason="other_config",
            found=", ".join(sorted(values)),
            allowed=", ".join(sorted(known)),
        )
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
