"""One typed `Settings`: defaults, then `<workspace>/lowdiff.toml`, then `LOWDIFF_*` variables."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lowdiff.errors import InputError

SETTINGS_FILE = "lowdiff.toml"
PageMode = Annotated[int, Field(ge=3, le=13)]
"""Tesseract's --psm; 0 and 2 read no text, 1 needs a further model."""


class Settings(BaseSettings):
    """Everything a person may want to change; units are in the names."""

    model_config = SettingsConfigDict(env_prefix="LOWDIFF_", extra="forbid", frozen=True)

    workspace: Path = Field(default=Path("data"), description="folder of all artefacts")
    catalog_url: str | None = Field(
        default=None, description="SQLAlchemy URL; default: SQLite in the workspace"
    )
    store_url: str | None = Field(
        default=None, description="fsspec URL of the image store; default: the workspace"
    )

    prefect_api_url: str | None = Field(
        default=None, description="a Prefect server that runs already; default: `lowdiff up`'s"
    )
    prefect_port: int = Field(default=4200, ge=1, le=65535, description="the next free one is used")
    label_studio_url: str | None = Field(
        default=None, description="a Label Studio that runs already; default: `lowdiff up`'s"
    )
    label_studio_token: str | None = Field(
        default=None, repr=False, description="its access token; default: made by `lowdiff up`"
    )
    label_studio_port: int = Field(default=8080, ge=1, le=65535)
    label_studio_command: Path | None = Field(
        default=None, description="default: .venv-label-studio/bin/label-studio, else on PATH"
    )
    label_studio_document_root: Path | None = Field(
        default=None, description="its LOCAL_FILES_DOCUMENT_ROOT; default: <workspace>/served"
    )
    service_start_timeout_s: float = Field(default=300.0, gt=0)

    workers: int = Field(default=os.cpu_count() or 1, ge=1, description="threads of one batch")
    batch_size: int = Field(default=128, ge=1, description="images of one batch (one Prefect task)")
    lease_s: float = Field(default=900.0, gt=0, description="how long a batch may take")

    preview_px: int = Field(
        default=256, ge=0, le=2048, description="longest side of previews; 0: none"
    )
    max_image_mb: float = Field(default=50.0, gt=0)
    max_image_megapixels: float = Field(default=50.0, gt=0)
    max_image_side_px: int = Field(default=20_000, ge=1)

    ocr_languages: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("eng",),
        min_length=1,
        description="Tesseract's codes, where a source does not say its `languages`",
    )
    ocr_engines: Annotated[tuple[Literal["tesseract", "tesserocr", "rapidocr"], ...], NoDecode] = (
        Field(
            default=("tesseract", "rapidocr"),
            min_length=1,
            description="both read better than either; tesseract alone needs no models; tesserocr "
            "is tesseract without a new process for each reading",
        )
    )
    ocr_page_modes: Annotated[tuple[PageMode, PageMode], NoDecode] = Field(
        default=(3, 11),
        description="Tesseract's --psm for pages, and for single words where those find nothing",
    )
    ocr_timeout_s: float = Field(default=60.0, gt=0, description="for one reading of one image")
    ocr_image_timeout_s: float = Field(
        default=600.0, gt=0, description="for all readings of one image"
    )

    acceptance: Literal["audited", "confidence"] = Field(
        default="audited",
        description="drafts count without a person where audits by people have shown that they are "
        "right, or (`confidence`: for projects without people) from accept_confidence on",
    )
    accept_error_limit: float = Field(
        default=0.02,
        gt=0,
        lt=0.5,
        description="of a field's labels this share may be wrong because a machine's draft "
        "counted; shown by audits with 95 %",
    )
    audit_share: float = Field(
        default=0.1, gt=0, le=1, description="images whose every field is shown to a person"
    )
    features: str = Field(
        default="builtin",
        description="what drafts are learned from and images are compared by: builtin, or "
        "hub:<model id or folder> of transformers",
    )
    gold_share: float = Field(
        default=0.03,
        ge=0,
        le=0.5,
        description="tasks of the queue whose answer is known already, as long as there are some",
    )
    accept_confidence: float = Field(
        default=0.75,
        ge=0,
        le=1,
        description="with acceptance = confidence: drafts at or above it may go into a dataset",
    )
    captioner: str | None = Field(
        default=None,
        description="drafts captions: a model of transformers such as BLIP, by folder or Hub id",
    )
    caption_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="drafts captions: base URL of an OpenAI-compatible API, up to /v1; pictures "
        "are sent there",
    )
    caption_endpoint_model: str = Field(default="", description="the model to ask for there")
    caption_endpoint_key: str | None = Field(
        default=None, repr=False, description="its key; best given as LOWDIFF_CAPTION_ENDPOINT_KEY"
    )
    caption_endpoint_timeout_s: float = Field(default=60.0, gt=0)
    caption_endpoint_per_minute: float = Field(
        default=60.0, gt=0, description="requests; never more often"
    )
    use_unknown_licences: bool = Field(
        default=False, description="label and export images whose licence nobody knows"
    )
    promote_on: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="metrics that a run must beat the promoted one on, such as retrieval.top10; "
        "without any it must not be clearly worse",
    )
    dataset_name: str = Field(default="brand", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    dataset_image_px: int = Field(default=256, ge=16, le=4096, description="longest side")
    dataset_twins: Literal["best", "all"] = Field(
        default="best",
        description="of images that show the same picture a dataset takes the best one, or all",
    )
    seed: int = 0

    @field_validator("ocr_engines")
    @classmethod
    def _no_engine_twice(cls, engines: tuple[str, ...]) -> tuple[str, ...]:
        if {"tesseract", "tesserocr"} <= set(engines):
            raise ValueError("tesseract and tesserocr are one engine: choose one of them")
        return engines


def load_settings(workspace: Path | None = None) -> Settings:
    """Read the settings of a workspace.

    Args:
        workspace: the folder given on the command line; it wins over `LOWDIFF_WORKSPACE`.

    Raises:
        InputError: a key is unknown or a value is not allowed; the message names it.
    """
    root = workspace or Path(os.environ.get("LOWDIFF_WORKSPACE", "data"))
    path = root / SETTINGS_FILE
    values: dict[str, Any] = {}
    if path.is_file():
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(path, f"is no valid TOML: {error}", reason="bad_toml") from error
    # a variable of the environment wins over the file
    from_file = {key: value for key, value in values.items() if not _in_environment(key)}
    from_file["workspace"] = root
    try:
        return Settings(**_split_lists(from_file))
    except ValidationError as error:
        raise _explain(path, error) from error


def _in_environment(key: str) -> bool:
    return f"LOWDIFF_{key.upper()}" in os.environ


def _split_lists(values: dict[str, Any]) -> dict[str, Any]:
    """Allow `LOWDIFF_OCR_LANGUAGES=eng,deu` beside a TOML list."""
    for key in ("ocr_languages", "ocr_engines", "ocr_page_modes", "promote_on"):
        text = os.environ.get(f"LOWDIFF_{key.upper()}")
        if text is not None:
            values[key] = tuple(part.strip() for part in text.split(",") if part.strip())
    return values


def _explain(path: Path, error: ValidationError) -> InputError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return InputError(
            path,
            "unknown setting",
            reason="unknown_setting",
            found=repr(key),
            allowed=", ".join(sorted(Settings.model_fields)),
        )
    return InputError(
        f"setting {key}",
        first["msg"].lower(),
        reason="bad_setting",
        found=repr(first["input"]),
        do=f"Change it in {path} or in LOWDIFF_{key.upper()}.",
    )
