"""The metadata document of one image: what was read, where, how surely, and with what.

`ocr-document.schema.json` beside this file is generated from the models here (`json_schema_text`);
a document is checked against it before it is written.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lowdiff.errors import ContractError

SCHEMA_NAME: Literal["lowdiff.ocr/2"] = "lowdiff.ocr/2"
SCHEMA_FILE = "ocr-document.schema.json"
REVIEW_BELOW = 0.8
"""A person should look when some word is less probably right."""

Share = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=0)]


class Word(BaseModel):
    """One word; its box is in pixels of the original image, the origin at the top left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, Field(min_length=1)]
    confidence: Share
    """How probable it is that the text is right."""
    sure: bool
    """At least 99 of 100 words with this mark are right."""
    engine: str
    """Who read it; names joined by `+` read the same."""
    x_px: Pixels
    y_px: Pixels
    w_px: Pixels
    h_px: Pixels
    rotation_deg: Annotated[float, Field(ge=-180, le=180)]
    """By how much its line is turned clockwise; 0 for upright writing."""
    line: Pixels
    """Number of the line within the document, from 0, in reading order."""
    block: Pixels
    """Number of the block (a paragraph, a column) within the document, from 0."""


class OcrDocument(BaseModel):
    """Everything that OCR says about one image."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, title="OCR document of lowdiff"
    )

    schema_name: Literal["lowdiff.ocr/2"] = Field(default=SCHEMA_NAME, alias="schema")
    image_id: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    path: str | None = Field(default=None, description="the file, when it is in no workspace")
    width_px: Annotated[int, Field(ge=1)]
    height_px: Annotated[int, Field(ge=1)]
    engine: str
    engine_version: str
    parameters: dict[str, str | int | float | bool | list[int]]
    languages: list[str]
    words: list[Word]
    text: str = Field(description="the words, lines joined by a line feed")
    mean_confidence: Share | None = Field(description="over the words; null when there is none")
    sure_share: Share | None = Field(description="of the words that are sure; null without words")
    needs_review: bool = Field(description="a person should look: something was hard to read")
    seconds: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "OcrDocument":
        if self.text != text_of(self.words):
            raise ValueError("`text` is not what the words say")
        for word in self.words:
            if word.x_px + word.w_px > self.width_px or word.y_px + word.h_px > self.height_px:
                raise ValueError(f"the box of {word.text!r} leaves the image")
        return self


def text_of(words: list[Word]) -> str:
    """The full text: words of a line joined by a space, lines by a line feed."""
    lines: dict[int, list[str]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word.text)
    return "\n".join(" ".join(line) for _, line in sorted(lines.items()))


def mean_confidence(words: list[Word]) -> float | None:
    """Plain mean over the words, rounded to four digits; None without words."""
    if not words:
        return None
    return round(sum(word.confidence for word in words) / len(words), 4)


def sure_share(words: list[Word]) -> float | None:
    """Share of the words that are sure, rounded to four digits; None without words."""
    if not words:
        return None
    return round(sum(word.sure for word in words) / len(words), 4)


def to_record(document: OcrDocument) -> dict[str, Any]:
    """Plain values under the names of the JSON Schema, checked; `path` only where there is one.

    Raises:
        ContractError: the document breaks the schema; the message names the place.
    """
    record = document.model_dump(mode="json", by_alias=True)
    if record["path"] is None:
        del record["path"]
    broken = next(iter(_validator().iter_errors(record)), None)
    if broken is not None:
        raise ContractError(
            document.image_id,
            f"the OCR document breaks its schema at {broken.json_path} ({broken.message})",
            reason="bad_ocr_document",
        )
    return record


def to_json(document: OcrDocument) -> bytes:
    """The document as it lies in the store.

    Raises:
        ContractError: the document breaks the schema.
    """
    record = to_record(document)
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def from_json(body: bytes, *, item: str) -> OcrDocument:
    """Read a document back.

    Raises:
        ContractError: it is no document of this schema version.
    """
    try:
        return OcrDocument.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise ContractError(
            item,
            f"is no {SCHEMA_NAME} document: {place}: {first['msg']}",
            reason="bad_ocr_document",
            do="Run `lowdiff ocr` again.",
        ) from error


def json_schema_text() -> str:
    """The JSON Schema as it is committed in `ocr-document.schema.json`."""
    schema = OcrDocument.model_json_schema(by_alias=True, mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_NAME}
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"


@cache
def _validator() -> Draft202012Validator:
    text = files("lowdiff.ocr").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def write_schema() -> Path:
    """Write `ocr-document.schema.json` anew, after a change of the models; returns its path."""
    path = Path(__file__).with_name(SCHEMA_FILE)
    path.write_text(json_schema_text(), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write_schema())
