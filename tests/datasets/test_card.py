import json

from lowdiff.datasets.layout import CARD_FILE
from tests.datasets.corpus import draw_corpus


def front_matter(card: str) -> dict:
    _, matter, _ = card.split("---\n", 2)
    return {
        key: json.loads(value)
        for key, value in (line.split(": ", 1) for line in matter.splitlines())
    }


def test_the_card_names_licence_splits_and_authors(catalog, store, export):
    draw_corpus(catalog, store, range(14))
    version = export().version
    card = (version.folder / CARD_FILE).read_text(encoding="utf-8")
    matter = front_matter(card)
    assert matter["license"] == "cc0-1.0"
    assert [entry["split"] for entry in matter["configs"][0]["data_files"]] == version.splits
    features = matter["dataset_info"]["features"]
    assert [feature["name"] for feature in features] == version.manifest["columns"]
    assert {"name": "image", "dtype": "image"} in features
    assert "- The tests (14 images)" in card
    assert "| caption | 0 | 14 | 0 |" in card
    for column in version.manifest["columns"]:
        if not column.endswith(("_origin", "_by", "_confidence")):
            assert column in card


def test_a_version_without_test_images_promises_none(catalog, store, export):
    draw_corpus(catalog, store, range(2))
    card = (export().version.folder / CARD_FILE).read_text(encoding="utf-8")
    splits = [e["split"] for e in front_matter(card)["configs"][0]["data_files"]]
    assert splits
    assert len(splits) < 3
