from datetime import datetime, timedelta

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

START = datetime(2026, 1, 2)
NAMES = [f"{number:02}" for number in range(14)]
pairs = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda p: p[0] < p[1]),
    max_size=20,
    unique=True,
)


def node(name: str, age: int, pixels: str | None = None, family: str | None = None) -> Node:
    return Node(name, pixels or f"pixels of {name}", family, START + timedelta(minutes=age))


def edge(a: str, b: str, kind: str = "near") -> Edge:
    return Edge(a, b, kind, 0.9, "test/1")


ALL = [node(name, age) for age, name in enumerate(NAMES)]


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


@given(pairs, st.integers(1, len(NAMES)))
def test_a_family_keeps_its_name_as_the_corpus_grows_unless_it_joins_an_older_one(ties, known):
    old = ALL[:known]
    before = assign_families(old, ties)
    after = assign_families(ALL, ties)
    age = {f"pixels of {one.id}": one.created_at for one in ALL}
    for one in old:
        assert age[after[one.id]] <= age[before[one.id]]
        if age[after[one.id]] == age[before[one.id]]:
            assert after[one.id] == before[one.id]


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
    families = assign_families([node(name, 0) for name in "abc"], held.ties)
    assert len(set(families.values())) == 1


def test_a_cut_takes_one_exact_twin_out_and_leaves_the_others_together():
    twins = [node(name, age, pixels="same") for age, name in enumerate("abc")]
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
