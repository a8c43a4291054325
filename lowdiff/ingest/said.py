"""What a table says of an image: a row's cells become hints."""

import csv
import re
from collections.abc import Mapping
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.ingest.source_base import Columns, is_spdx

MAX_TEXT = 10_000
"""Characters of one cell that are kept."""
MAX_FIELD = 4_000_000
"""Characters of one cell (or line) that are read at all."""
csv.field_size_limit(MAX_FIELD)  # csv's own limit of 131,072 ends a whole file at one long cell
_CC = re.compile(
    r"^(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)"
    r"(?:/([a-z]{2,3}))?|publicdomain/(zero|mark)/1\.0)(?:/|$)",
    re.IGNORECASE,
)
_CC_SPOKEN = re.compile(r"^CC[ -](BY(?:[ -](?:NC|SA|ND))*)[ -](\d\.\d)$", re.IGNORECASE)


def hints_of(row: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """The hints of one row; a cell that is empty says nothing, except of the licence."""
    hints: dict[str, Any] = {}
    for meaning in ("title", "caption", "alt_text", "attribution"):
        key = getattr(columns, meaning)
        text = text_of(row.get(key)) if key else ""
        if text:
            hints[meaning] = text
    if columns.licence is not None:
        hints["licence"] = licence_of(text_of(row.get(columns.licence)))
    tags = [tag for key in columns.tags for tag in _tags(row.get(key))]
    if tags:
        hints["tags"] = list(dict.fromkeys(tags))
    return hints


def licence_of(text: str) -> str:
    """The SPDX id that a cell means: an id, or an address or a name of Creative Commons.

    What is not understood is unknown: nobody shall publish under a licence that we guessed.
    """
    address = _CC.match(text)
    if address:
        terms, version, place, public = address.groups()
        if public:
            # a public domain mark is a statement of fact by somebody, not a licence
            text = "CC0-1.0" if public.lower() == "zero" else UNKNOWN_LICENCE
        else:
            text = "-".join(filter(None, ("CC", terms, version, place)))
    spoken = _CC_SPOKEN.match(text)
    if spoken:
        text = f"CC-{spoken[1].replace(' ', '-')}-{spoken[2]}"
    try:
        expression = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return UNKNOWN_LICENCE
    return expression if is_spdx(expression) else UNKNOWN_LICENCE


def columns_named(columns: Columns) -> list[str]:
    """The columns that a source names, without repetition."""
    named = [getattr(columns, meaning) for meaning in Columns.model_fields if meaning != "tags"]
    return list(dict.fromkeys(key for key in (*named, *columns.tags) if key))


def text_of(value: object) -> str:
    """A cell as text without surrounding space; anything but text and whole numbers is empty."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip()[:MAX_TEXT]
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _tags(value: object) -> list[str]:
    parts = value if isinstance(value, list) else text_of(value).split(",")
    return [text for text in map(text_of, parts) if text]


def separator_of(header: str) -> str:
    """What stands between the column names of a CSV: a comma, a semicolon (Excel) or a tab."""
    return max(",;\t", key=header.count)
