import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.duplicates import Edge, keep_edges
from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.datasets.layout import CARD_FILE, MANIFEST_FILE
from lowdiff.datasets.read import Version
from lowdiff.datasets.select import Member
from lowdiff.datasets.twins import SURE, keep_best
from lowdiff.dedupe.link import link_all
from lowdiff.dedupe.overrule import overrule
from tests.datasets.corpus import NOW, draw_corpus, drawn_png, keep, say

NAMES = "abcdefgh"


def member(name: str, **changes: Any) -> Member:
    facts = {"format": "png", "human_fields": 0, "licence": "CC0-1.0", "width_px": 9} | changes
    row = {"licence": facts["licence"], "width_px": facts["width_px"], "height_px": 10}
    return Member(name, facts["format"], name, row, facts["human_fields"])


def near(a: str, b: str) -> Edge:
    return Edge(a, b, "near", 0.9, "test/1")


ties = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda p: p[0] < p[1]),
    unique=True,
).map(lambda pairs: {pair: near(*pair) for pair in pairs})


@given(ties, st.randoms(use_true_random=False))
def test_no_two_that_stay_are_twins_and_each_that_goes_has_a_twin_that_stays(same, order):
    members = [member(name, width_px=ord(name) % 3 + 1) for name in NAMES]
    kept, left_out = keep_best(members, same)
    stay = [one.image_id for one in kept]
    assert sorted(stay + [one.image_id for one in left_out]) == list(NAMES)
    assert not [pair for pair in same if pair[0] in stay and pair[1] in stay]
    for one in left_out:
        assert one.twin_of in stay
        assert tuple(sorted((one.image_id, one.twin_of))) in same
    order.shuffle(members)
    assert keep_best(members, same) == (kept, left_out)


def test_the_best_has_human_labels_then_a_licence_then_is_a_drawing_then_has_most_pixels():
    best_first = [
        member("e", human_fields=1, licence=UNKNOWN_LICENCE),
        member("d", format="svg"),
        member("c", width_px=99),
        member("a", width_px=11),
        member("b", width_px=11),
        member("0", format="svg", licence=UNKNOWN_LICENCE, width_px=999),
    ]
    while best_first:
        ids = sorted(one.image_id for one in best_first)
        everyone = {(a, b): near(a, b) for a in ids for b in ids if a < b}
        kept, left_out = keep_best(best_first[::-1], everyone)
        assert [one.image_id for one in kept] == [best_first[0].image_id]
        assert {one.twin_of for one in left_out} <= {best_first[0].image_id}
        best_first.pop(0)


def test_a_twin_of_which_the_method_is_not_sure_stays():
    pair = [member("a"), member("b", width_px=11)]
    unsure = Edge("a", "b", "near", SURE - 0.01, "test/1")
    assert keep_best(pair, {("a", "b"): unsure}) == (pair, [])


def ids_in(version: Version) -> set[str]:
    return {i for split in version.splits for i in version.read(split, ["image_id"])["image_id"]}


def two_near(catalog: Catalog, store: Any) -> tuple[str, str]:
    """(the small one, the large one), tied as near."""
    small = keep(catalog, store, drawn_png(7), title="small")
    large = keep(catalog, store, drawn_png(7, (180, 120)), title="large")
    with catalog.write() as session:
        keep_edges(session, [near(*sorted((small, large)))], now=NOW)
    link_all(catalog)
    return small, large


def test_a_near_twin_is_left_out_and_the_manifest_says_why(catalog, store, export):
    others = draw_corpus(catalog, store, range(12, 24))
    small, large = two_near(catalog, store)
    version = export().version
    assert ids_in(version) == {*others, large}
    manifest = json.loads((version.folder / MANIFEST_FILE).read_text())
    assert manifest["left_out"] == [
        {
            "image_id": small,
            "twin_of": large,
            "relation": "near",
            "score": 0.9,
            "method": "test/1",
            "why": "the other has more pixels",
        }
    ]
    assert manifest["counts"]["left_out_twins"] == 1
    assert "1 are left out" in (version.folder / CARD_FILE).read_text()


def test_all_takes_both_and_is_another_version(catalog, store, export):
    small, large = two_near(catalog, store)
    draw_corpus(catalog, store, range(12, 24))
    best, everything = export(), export(twins="all")
    assert everything.is_new
    assert ids_in(everything.version) == ids_in(best.version) | {small, large}
    assert everything.version.manifest["left_out"] == []
    row = everything.version.manifest["recipe"]
    assert row["twins"] == "all"


def test_exact_twins_are_one_row_and_the_one_with_human_labels_stands_for_both(
    catalog, store, export
):
    draw_corpus(catalog, store, range(12, 24))
    first = keep(catalog, store, drawn_png(7), title="one")
    second = keep(catalog, store, drawn_png(7) + b" ", title="other bytes, the same pixels")
    worse = min(first, second)  # would win by its id
    better = max(first, second)
    say(catalog, better, "caption", "As a person sees it.", human="ann@example.org")
    version = export().version
    assert worse not in ids_in(version)
    assert better in ids_in(version)
    assert version.manifest["left_out"][0]["relation"] == "exact"
    assert version.manifest["left_out"][0]["why"] == "the other has labels by a person"


def test_a_person_who_calls_twins_distinct_or_variants_brings_both_in(catalog, store, export):
    draw_corpus(catalog, store, range(12, 24))
    small, large = two_near(catalog, store)
    for relation, both in (("variant", True), ("near", False), ("distinct", True)):
        overrule(catalog, small[:12], large[:12], relation, by="ann@example.org")
        assert ({small, large} <= ids_in(export().version)) == both


def test_families_that_merge_move_to_the_strictest_split_and_the_manifest_tells(
    catalog, store, export
):
    ids = draw_corpus(catalog, store, range(60))
    first = export().version
    tests = list(first.read("test", ["image_id"])["image_id"])
    train = list(first.read("train", ["image_id"])["image_id"])
    overrule(catalog, tests[0], train[0], "variant", by="ann@example.org")
    exported = export()
    assert exported.moved == {train[0]: ("train", "test")}
    assert exported.version.manifest["moved"] == {train[0]: ["train", "test"]}
    assert train[0] in set(exported.version.read("test", ["image_id"])["image_id"])
    with catalog.read() as session:
        rows = session.scalars(select(Image).where(Image.id.in_(ids))).all()
    by_family: dict[str | None, set[str | None]] = {}
    for row in rows:
        by_family.setdefault(row.family_id, set()).add(row.split)
    assert all(len(splits) == 1 for splits in by_family.values())


def test_a_twin_under_a_known_licence_stands_for_one_without(catalog, store, export):
    draw_corpus(catalog, store, range(12, 24))
    first = keep(catalog, store, drawn_png(7), title="one")
    second = keep(catalog, store, drawn_png(7) + b" ", title="other")
    with catalog.write() as session:
        for row in session.scalars(select(Sighting).where(Sighting.image_id == min(first, second))):
            row.licence = UNKNOWN_LICENCE
    assert max(first, second) in ids_in(export().version)
    assert min(first, second) not in ids_in(export().version)
