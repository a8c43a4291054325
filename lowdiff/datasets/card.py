"""The card of a version: what is in it, from where, under which licence, and what it cannot do."""

import json
from collections.abc import Mapping
from typing import Any

from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.datasets.columns import hub_features
from lowdiff.datasets.layout import SPLITS
from lowdiff.labels.schema import Schema


def dataset_card(manifest: Mapping[str, Any], schema: Schema) -> str:
    """The README.md of a version; equal versions have equal cards, whenever they are written."""
    counts = manifest["counts"]
    parts = [
        _front_matter(manifest, schema),
        f"# {manifest['name']}, version {manifest['version']}\n",
        f"{counts['images']} graphics with captions and {len(schema.fields)} labelled fields, "
        f"exported by lowdiff {manifest['lowdiff_version']}. Digest `{manifest['digest']}`; the "
        f"label schema is {manifest['schema_version']}.\n",
        _how_to_read(),
        "## Splits\n\n" + _table(["split", "images"], counts["splits"].items()),
        f"The split is drawn by family (images that show the same picture), {counts['families']} "
        "of them, and stays when the dataset grows.\n",
        _twins(manifest),
        "## Who said it\n\n" + _who_said_it(counts),
        "## Columns\n\n" + _columns(schema),
        "## Sources, licences, attribution\n\n" + _origins(counts),
        _unlicensed(manifest),
        "## Known limits\n\n" + _limits(manifest),
    ]
    return "\n".join(parts)


def _front_matter(manifest: Mapping[str, Any], schema: Schema) -> str:
    """Metadata that Hugging Face reads; JSON values are valid YAML."""
    counts = manifest["counts"]
    licences = [_hub_licence(spdx) for spdx in counts["licences"]]
    files = [
        {"split": split, "path": f"data/{split}-*.parquet"}
        for split in SPLITS
        if counts["splits"][split]
    ]
    lines = {
        "pretty_name": f"{manifest['name']} v{manifest['version']}",
        "license": licences[0] if len(set(licences)) == 1 else "other",
        "language": ["en"],
        "task_categories": ["text-to-image"],
        "tags": ["lowdiff", "graphics", "design"],
        "size_categories": [_size_category(counts["images"])],
        "configs": [{"config_name": "default", "data_files": files}],
        "dataset_info": {"features": hub_features(schema)},
    }
    body = "\n".join(f"{key}: {json.dumps(value)}" for key, value in lines.items())
    return f"---\n{body}\n---\n"


def _hub_licence(spdx: str) -> str:
    return (
        "other"
        if spdx.startswith("LicenseRef-") or spdx in ("unknown", UNKNOWN_LICENCE)
        else spdx.lower()
    )


def _size_category(images: int) -> str:
    if images < 1_000:
        return "n<1K"
    if images < 10_000:
        return "1K<n<10K"
    return "10K<n<100K" if images < 100_000 else "100K<n<1M"


def _how_to_read() -> str:
    return (
        "```python\n"
        "import datasets\n"
        'graphics = datasets.load_dataset("path/of/this/folder")\n'
        'graphics["train"][0]["image"], graphics["train"][0]["caption"]\n'
        "```\n"
    )


def _who_said_it(counts: Mapping[str, Any]) -> str:
    rows = [
        (field, who["human"], who["machine"], who["none"])
        for field, who in counts["fields"].items()
    ]
    return _table(["field", "a person", "a machine", "not said"], rows) + (
        f"\n{counts['with_human_labels']} images have at least one field that a person said. "
        "Every value carries its origin: `<field>_origin`, `<field>_by`, `<field>_confidence`.\n"
    )


def _twins(manifest: Mapping[str, Any]) -> str:
    number = manifest["counts"]["left_out_twins"]
    if manifest["recipe"]["twins"] == "all":
        return "Images that show the same picture are all in.\n"
    return (
        f"Of images that show the same picture only the best one is in: {number} are left out, and "
        "`manifest.json` lists each with the one that stands for it (`left_out`).\n"
    )


def _columns(schema: Schema) -> str:
    rows = [
        ("image", "PNG, RGB on white"),
        ("image_id", "SHA-256 of the original file"),
        ("pixel_hash", "BLAKE3 of the decoded pixels"),
        ("family_id", "images of one family share a split"),
        ("split", "train, validation or test"),
        ("width_px, height_px, format", "of the original file"),
        ("source, source_url, page_url", "where it was found"),
        ("licence, attribution", "what it may be used for, and whom to name"),
        ("title, alt_text, tags", "what the source says of it"),
        ("ocr_text", "words read from the picture"),
    ]
    rows += [(field.name, field.meaning) for field in schema.fields]
    return _table(["column", "meaning"], rows)


def _origins(counts: Mapping[str, Any]) -> str:
    return "\n".join(
        [
            _table(["source", "images"], counts["sources"].items()),
            _table(["licence", "images"], counts["licences"].items()),
            "Name the authors when you show these images or what a model made of them:\n",
            "".join(f"- {text} ({n} images)\n" for text, n in counts["attributions"].items()),
        ]
    )


def _unlicensed(manifest: Mapping[str, Any]) -> str:
    if manifest["recipe"]["use_unknown_licences"]:
        return (
            f"Images whose licence nobody knows are in, as `{UNKNOWN_LICENCE}`: find out before "
            "you publish anything.\n"
        )
    number = manifest["counts"]["left_out_unknown_licences"]
    return f"{number} accepted images are left out because nobody knows their licence.\n"


def _limits(manifest: Mapping[str, Any]) -> str:
    recipe = manifest["recipe"]
    return (
        f"- {_machines(recipe['acceptance'])}; the table above says how many there are.\n"
        f"- The longest side is {recipe['image_px']} px and transparency has become white; the "
        "originals are in the store under `image_id`.\n"
        "- A dataset of one visual identity is narrow on purpose: a model trained on it draws in "
        "that identity and knows nothing else.\n"
        "- Small splits give rough figures: mind the number of images beside every score.\n"
    )


def _machines(acceptance: Mapping[str, Any]) -> str:
    """Why labels of machines are in, and what is known of their errors."""
    if acceptance["mode"] == "confidence":
        return (
            f"Labels of machines count from a confidence of {acceptance['accept_confidence']} on; "
            "nobody has audited them, and they may be wrong"
        )
    rules = [
        f"{rule['field']} by {rule['family']} from confidence {rule['threshold']} on: "
        f"{rule['errors']} errors in {rule['audited']} audited drafts, at most "
        f"{rule['upper_bound']:.1%} wrong"
        for rule in acceptance["rules"]
    ]
    return (
        "Labels of machines count only where people have audited them. With 95 % for each field by "
        "itself: " + ("; ".join(rules) or "none does")
    )


def _table(head: list[str], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
