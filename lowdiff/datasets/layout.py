"""How a dataset version lies on disk; the exporter and every reader agree here.

`<workspace>/datasets/<name>/v0001/` holds `manifest.json` (written last: without it there is no
version), `README.md` (the card) and `data/<split>-00000-of-00001.parquet`.
"""

from pathlib import Path

FORMAT = "lowdiff.dataset/1"
"""Raised by a person when the columns or the manifest change their meaning."""
MANIFEST_FILE = "manifest.json"
CARD_FILE = "README.md"
SPLITS = ("train", "validation", "test")


def version_folder(datasets: Path, name: str, number: int) -> Path:
    """The folder of a version: `<datasets>/<name>/v0007`."""
    return datasets / name / f"v{number:04d}"


def shard_name(split: str, index: int, count: int) -> str:
    """The path of a shard inside its version, in the pattern that Hugging Face knows."""
    return f"data/{split}-{index:05d}-of-{count:05d}.parquet"
