from hypothesis import given
from hypothesis import strategies as st

from lowdiff.datasets.split import (
    MIN_FAMILIES,
    TEST_SHARE,
    VALIDATION_SHARE,
    assign_splits,
    moved,
    position,
    split_at,
)

names = st.text("abcdef", min_size=1, max_size=6)
family_maps = st.dictionaries(names, names, min_size=1, max_size=60)
splits = st.sampled_from(["train", "validation", "test"])


@given(family_maps, family_maps, st.integers(0, 9))
def test_growth_moves_no_image_that_has_a_split(first, more, seed):
    before = assign_splits(first, {}, seed=seed)
    grown = more | first  # known images keep their family
    after = assign_splits(grown, before, seed=seed)
    assert {image: after[image] for image in first} == before


@given(family_maps, st.data())
def test_a_family_never_straddles(families, data):
    known = data.draw(st.dictionaries(st.sampled_from(sorted(families)), splits))
    assigned = assign_splits(families, known, seed=0)
    for family in set(families.values()):
        members = [image for image, own in families.items() if own == family]
        assert len({assigned[image] for image in members}) == 1


@given(st.lists(splits, min_size=1, max_size=5))
def test_in_a_merged_family_the_strictest_split_wins(held):
    families = {str(i): "merged" for i in range(len(held))}
    known = {str(i): split for i, split in enumerate(held)}
    strictest = next(split for split in ("test", "validation", "train") if split in held)
    assigned = assign_splits(families, known, seed=0)
    assert set(assigned.values()) == {strictest}
    changed = moved(known, assigned)
    assert changed == {
        image: (split, strictest) for image, split in known.items() if split != strictest
    }


@given(st.permutations([f"image {i}" for i in range(40)]))
def test_the_order_of_the_images_does_not_matter(order):
    families = {image: image for image in order}
    assert assign_splits(families, {}, seed=3) == assign_splits(
        {image: image for image in sorted(order)}, {}, seed=3
    )


def test_shares_come_out_as_declared():
    drawn = [split_at(position(f"family {i}", seed=0)) for i in range(20_000)]
    assert abs(drawn.count("test") / 20_000 - TEST_SHARE) < 0.005
    assert abs(drawn.count("validation") / 20_000 - VALIDATION_SHARE) < 0.005


def test_places_stay_what_they_were_when_this_was_written():
    assert round(position("family", seed=0), 9) == 0.761548467
    assert position("family", seed=0) != position("family", seed=1)


@given(st.integers(MIN_FAMILIES, 40), st.integers(0, 20))
def test_a_small_set_has_something_in_every_split(number, seed):
    families = {f"image {i}": f"family {seed} {i}" for i in range(number)}
    assert set(assign_splits(families, {}, seed=seed).values()) == {"train", "validation", "test"}


def test_a_member_that_left_the_dataset_still_holds_its_family():
    assigned = assign_splits({"rejected": "f", "new": "f"}, {"rejected": "test"}, seed=0)
    assert assigned["new"] == "test"
