"""Which ties bind: copies always, variants where their web is dense."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from lowdiff.catalog.duplicates import Edge
from lowdiff.dedupe.density import PERSON, binding_ties

NAMES = [f"{n:02d}" for n in range(12)]


def tie(a: str, b: str, kind: str = "variant", score: float = 0.9, by: str = "twins/1") -> Edge:
    return Edge(*sorted((a, b)), kind, score, by)


def ties_of(*edges: Edge) -> dict[tuple[str, str], Edge]:
    return {(edge.a_id, edge.b_id): edge for edge in edges}


def test_a_long_chain_of_variants_does_not_become_one_family():
    chain = ties_of(*(tie(a, b) for a, b in pairwise(NAMES)))

    bound = binding_ties(chain)

    assert 0 < len(bound) < len(chain) - 2


def test_a_template_whose_pairs_are_mostly_found_stays_whole():
    pairs = list(combinations(NAMES[:6], 2))
    found = ties_of(*(tie(a, b) for n, (a, b) in enumerate(pairs) if n % 3))

    assert binding_ties(found) == set(found)


def test_copies_bind_however_long_their_chain():
    chain = ties_of(*(tie(a, b, "near") for a, b in pairwise(NAMES)))

    assert binding_ties(chain) == set(chain)


def test_what_a_person_ties_is_bound():
    chain = ties_of(*(tie(a, b, by=PERSON) for a, b in pairwise(NAMES)))

    assert binding_ties(chain) == set(chain)


def test_copies_count_as_one_picture_when_density_is_measured():
    copies = [tie(NAMES[0], other, "near") for other in NAMES[1:8]]
    found = ties_of(*copies, tie(NAMES[7], NAMES[8]))

    assert binding_ties(found) == set(found)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda p: p[0] < p[1]),
        st.tuples(st.sampled_from(["near", "variant"]), st.sampled_from([0.6, 0.9])),
        max_size=30,
    ),
    st.randoms(),
)
def test_the_order_of_ties_does_not_matter(found, random):
    edges = [tie(a, b, kind, score) for (a, b), (kind, score) in found.items()]
    shuffled = edges[:]
    random.shuffle(shuffled)

    assert binding_ties(ties_of(*edges)) == binding_ties(ties_of(*shuffled))
