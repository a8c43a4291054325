from hypothesis import given
from hypothesis import strategies as st

from lowdiff.datasets.identity import members_digest, row_hash, version_digest

members = st.lists(st.tuples(st.uuids().map(str), st.just("train"), st.just("ab")), unique=True)


@given(members, st.randoms())
def test_the_digest_does_not_know_the_order_of_insertion(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert members_digest(rows) == members_digest(shuffled)


def test_every_part_of_a_member_changes_the_digest():
    one = members_digest([("a", "train", "x")])
    assert one != members_digest([("b", "train", "x")])
    assert one != members_digest([("a", "test", "x")])
    assert one != members_digest([("a", "train", "y")])
    assert one != members_digest([])


def test_a_row_is_known_by_what_it_says_not_by_its_pixels_or_its_split():
    row = {"caption": "A cat", "tags": ["x"], "split": "train", "image": b"1"}
    assert row_hash(row) == row_hash(row | {"split": "test", "image": b"2"})
    assert row_hash(row) != row_hash(row | {"caption": "A dog"})


def test_recipe_schema_and_format_are_part_of_a_version():
    parts = {"file_format": "f/1", "schema_version": "1.0", "recipe": {"image_px": 64}}
    digest = version_digest("m", **parts)
    for change in ({"file_format": "f/2"}, {"schema_version": "1.1"}, {"recipe": {}}):
        assert version_digest("m", **(parts | change)) != digest
