"""The columns of a dataset, for Parquet and for Hugging Face, from one list.

The image is a struct of PNG bytes and a path with the feature `Image`, which `datasets` decodes.
`width_px`, `height_px` and `format` are of the original, not of the PNG.
"""

import json
from typing import Any

import pyarrow as pa

from lowdiff.labels.schema import Schema

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
STRINGS = pa.list_(pa.string())

FACTS: dict[str, pa.DataType] = {
    "image": IMAGE,
    "image_id": pa.string(),
    "pixel_hash": pa.string(),
    "family_id": pa.string(),
    "split": pa.string(),
    "width_px": pa.int32(),
    "height_px": pa.int32(),
    "format": pa.string(),
    "source": pa.string(),
    "source_url": pa.string(),
    "page_url": pa.string(),
    "licence": pa.string(),
    "attribution": pa.string(),
    "title": pa.string(),
    "alt_text": pa.string(),
    "tags": STRINGS,
    "ocr_text": pa.string(),
}
"""What is known of every image, whatever the label schema."""


def label_columns(schema: Schema) -> dict[str, pa.DataType]:
    """Four columns for every field: the value, who it is from (origin, by), how sure."""
    columns: dict[str, pa.DataType] = {}
    for field in schema.fields:
        columns[field.name] = STRINGS if field.kind == "flags" else pa.string()
        columns[f"{field.name}_origin"] = pa.string()
        columns[f"{field.name}_by"] = pa.string()
        columns[f"{field.name}_confidence"] = pa.float64()
    return columns


def arrow_schema(schema: Schema) -> pa.Schema:
    """The Parquet schema, with the features that Hugging Face `datasets` reads from it."""
    columns = FACTS | label_columns(schema)
    features = {name: _feature(kind) for name, kind in columns.items()}
    return pa.schema(
        list(columns.items()),
        metadata={"huggingface": json.dumps({"info": {"features": features}}, sort_keys=True)},
    )


def hub_features(schema: Schema) -> list[dict[str, str]]:
    """The same features in the form of a dataset card's front matter."""
    columns = FACTS | label_columns(schema)
    return [{"name": name, **_card_feature(kind)} for name, kind in columns.items()]


def _card_feature(kind: pa.DataType) -> dict[str, str]:
    if kind == STRINGS:
        return {"sequence": "string"}
    return {"dtype": "image" if kind == IMAGE else _feature(kind)["dtype"]}


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if kind == IMAGE:
        return {"_type": "Image"}
    if kind == STRINGS:
        return {"_type": "Sequence", "feature": {"_type": "Value", "dtype": "string"}}
    name = {pa.float64(): "float64", pa.int32(): "int32"}.get(kind, "string")
    return {"_type": "Value", "dtype": name}
