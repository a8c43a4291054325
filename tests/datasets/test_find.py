import pytest

from lowdiff.datasets.find import list_versions, open_dataset, parse_reference
from lowdiff.errors import InputError
from tests.datasets.corpus import draw_corpus, say


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ("brand", None)),
        ("other", ("other", None)),
        ("other@3", ("other", 3)),
        ("other@v3", ("other", 3)),
        ("3", ("brand", 3)),
        ("v0003", ("brand", 3)),
        ("@2", ("brand", 2)),
        ("vivid", ("vivid", None)),
    ],
)
def test_a_reference_names_a_dataset_and_perhaps_a_version(text, meant):
    assert parse_reference(text, default_name="brand") == meant


def test_a_reference_with_another_tail_is_refused():
    with pytest.raises(InputError, match="name@3"):
        parse_reference("brand@newest", default_name="brand")


def test_the_newest_version_is_the_default(catalog, store, workspace, export):
    (image_id, *_) = draw_corpus(catalog, store, range(12))
    export()
    say(catalog, image_id, "caption", "New.", human="ann@example.org")
    export()
    assert open_dataset(catalog, workspace, "brand").number == 2
    assert open_dataset(catalog, workspace, "brand", 1).number == 1
    assert [row["version"] for row in list_versions(catalog)] == [1, 2]


def test_an_unknown_version_says_how_to_list_them(catalog, workspace):
    with pytest.raises(InputError, match="lowdiff dataset list"):
        open_dataset(catalog, workspace, "brand", 7)
