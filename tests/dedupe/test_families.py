from hypothesis import given
from hypothesis import strategies as st

from lowdiff.catalog.duplicates import Edge, Node
from lowdiff.datasets.split import assign_splits
from lowdiff.dedupe.families import (
    GIANT_LEAST,
    assign_families,
    exact_pairs,
    is_giant,
    links,
    path_between,
)

NAMES = [f"{number:02}" for number in range(14)]
pairs = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda p: p[0] < p[1]),
    max_size=20,
    unique=True,
)


def node(name: str, pixels: str | None = None, split: str | None = None) -> Node:
    return Node(name, pixels or f"pixels of {name}", None, split)


def edge(a: str, b: str, kind: str = "near") -> Edge:
    return Edge(a, b, kind, 0.9, "test/1")


ALL = [node(name) for name in NAMES]


@given(pairs, st.randoms(use_true_random=False))
def test_the_order_of_the_pairs_does_not_matter(ties, order):
    shuffled = list(ties)
    order.shuffle(shuffled)
    assert assign_families(ALL, shuffled) == assign_families(ALL, ties)


@given(pairs)
def test_two_images_are_one_family_exactly_when_a_chain_of_ties_leads_from_one_to_the_other(ties):
    families = assign_families(ALL, ties)
    for a in NAMES:
        for b in NAMES:
            assert (families[a] == families[b]) == bool(path_between(a, b, ties))


@given(pairs, st.sets(st.sampled_from(NAMES), min_size=1))
def test_what_was_exported_keeps_its_family_s_name_as_the_corpus_grows(ties, known):
    old = [node(name, split="train") for name in sorted(known)]
    before = assign_families(old, ties)
    after = assign_families([*old, *(node(name) for name in NAMES if name not in known)], ties)
    for one in old:
        merged = {before[other.id] for other in old if after[other.id] == after[one.id]}
        assert after[one.id] == min(merged)


@given(pairs, st.permutations(ALL))
def test_the_order_in_which_images_came_does_not_name_a_family(ties, order):
    assert assign_families(order, ties) == assign_families(ALL, ties)


@given(pairs, st.data())
def test_no_family_straddles_the_splits_in_whatever_order_families_merge(ties, data):
    """Exports happen between merges; after each one every family lies in one split."""
    order = data.draw(st.permutations(ties))
    known: dict[str, str] = {}
    strictness = ["train", "validation", "test"]
    for step in range(len(order) + 1):
        families = assign_families(ALL, order[:step])
        assigned = assign_splits(families, known, seed=data.draw(st.integers(0, 3)))
        for family in set(families.values()):
            assert len({assigned[i] for i in NAMES if families[i] == family}) == 1
        for image, split in known.items():
            assert strictness.index(assigned[image]) >= strictness.index(split)
        known = assigned


@given(pairs, st.sampled_from(["near", "variant"]))
def test_a_person_ties_and_cuts_any_pair(ties, relation):
    found = [edge(a, b) for a, b in ties]
    cut = links(found, dict.fromkeys(ties, "distinct"))
    assert (dict(cut.ties), cut.cut) == ({}, frozenset(ties))
    tied = links([edge(a, b, "distinct") for a, b in ties], dict.fromkeys(ties, relation))
    assert {pair: made.kind for pair, made in tied.ties.items()} == dict.fromkeys(ties, relation)


def test_a_cut_pair_stays_together_when_others_hold_it():
    held = links([edge("a", "b"), edge("b", "c"), edge("a", "c")], {("a", "b"): "distinct"})
    assert path_between("a", "b", held.ties) == ["a", "c", "b"]
    families = assign_families([node(name) for name in "abc"], held.ties)
    assert len(set(families.values())) == 1


def test_a_cut_takes_one_exact_twin_out_and_leaves_the_others_together():
    twins = [node(name, pixels="same") for name in "abc"]
    cut = frozenset({("a", "b"), ("a", "c")})
    assert exact_pairs(twins, frozenset()) == [("a", "b"), ("a", "c")]
    assert exact_pairs(twins, frozenset({("a", "b")})) == [("a", "c"), ("b", "c")]
    families = assign_families(twins, exact_pairs(twins, cut))
    assert families == {"a": "same", "b": "b", "c": "b"}


def test_the_same_picture_is_exact_or_near_but_no_variant():
    found = links([edge("a", "b", "exact"), edge("b", "c"), edge("a", "c", "variant")], {})
    assert sorted(found.same_picture()) == [("a", "b"), ("b", "c")]


def test_a_family_is_a_giant_by_its_share_and_not_in_a_handful_of_images():
    assert is_giant(GIANT_LEAST, 5 * GIANT_LEAST)
    assert not is_giant(GIANT_LEAST, 10 * GIANT_LEAST)
    assert not is_giant(GIANT_LEAST - 1, GIANT_LEAST)
