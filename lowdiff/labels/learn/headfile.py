"""A head as one file: arrays as safetensors, the rest as JSON in its header."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from lowdiff.errors import ContractError
from lowdiff.labels.learn.forest import Forest
from lowdiff.labels.learn.heads import Floats, Head, Lens

FORMAT = "lowdiff.head/1"
_LENS, _FOREST = ("mean", "scale", "axes"), tuple(Forest.__dataclass_fields__)


@dataclass(frozen=True)
class Saved:
    """A head with what is needed to use it."""

    head: Head
    field: str
    features: str
    """What its inputs are made of: the setting and the version of the evidence."""
    ids: tuple[str, ...]
    """The images that it has learned from."""
    held_out: Floats
    """(ids, classes): what models say of these images that have not seen their families."""


def to_bytes(saved: Saved) -> bytes:
    """The file; equal heads give equal files."""
    head = saved.head
    arrays = {f"lens.{name}": getattr(head.lens, name) for name in _LENS}
    arrays |= {f"forest.{name}": getattr(head.forest, name) for name in _FOREST}
    arrays |= {f"net.{name}": value for name, value in head.weights.items()}
    arrays["held_out"] = saved.held_out
    told = {
        "format": FORMAT,
        "field": saved.field,
        "features": saved.features,
        "classes": list(head.classes),
        "net_share": head.net_share,
        "temperature": head.temperature,
        "of_flags": head.of_flags,
        "most": head.most,
        "required": head.required,
        "ids": list(saved.ids),
    }
    plain = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    # one entry only: safetensors does not keep the order of several
    return bytes(save(plain, metadata={"head": json.dumps(told, sort_keys=True)}))


def from_bytes(body: bytes, *, item: str) -> Saved:
    """Read a file of `to_bytes`.

    Raises:
        ContractError: it is no such file.
    """
    try:
        arrays = load(body)
        size = int.from_bytes(body[:8], "little")
        told: dict[str, Any] = json.loads(
            json.loads(body[8 : 8 + size])["__metadata__"]["head"]
        )  # fmt: skip
        head = Head(
            classes=tuple(told["classes"]),
            lens=Lens(*(arrays[f"lens.{name}"] for name in _LENS)),
            weights={
                name.removeprefix("net."): value
                for name, value in arrays.items()
                if name.startswith("net.")
            },
            forest=Forest(*(arrays[f"forest.{name}"] for name in _FOREST)),
            net_share=float(told["net_share"]),
            temperature=float(told["temperature"]),
            of_flags=bool(told.get("of_flags", False)),
            most=int(told.get("most", 1)),
            required=bool(told.get("required", True)),
        )
        return Saved(
            head, told["field"], told["features"], tuple(told["ids"]), arrays["held_out"]
        )  # fmt: skip
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ContractError(
            item,
            f"is no head that this version can read ({type(error).__name__})",
            reason="bad_head",
            allowed=FORMAT,
            do="Train it again: `lowdiff draft learn --anew`.",
        ) from error
