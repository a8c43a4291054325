from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import DuplicateEdge, Image
from lowdiff.dedupe.exact import FamilyCounts, link_families

NOW = datetime(2026, 1, 2)


def add(catalog: Catalog, image_id: str, pixel_hash: str) -> None:
    with catalog.write() as session:
        session.add(
            Image(
                id=image_id,
                pixel_hash=pixel_hash,
                format="png",
                width_px=1,
                height_px=1,
                size_bytes=1,
                has_alpha=False,
                created_at=NOW,
            )
        )


def facts(catalog: Catalog) -> tuple[dict[str, str | None], set[tuple[str, str, str, float]]]:
    with catalog.read() as session:
        families = {row.id: row.family_id for row in session.scalars(select(Image))}
        edges = {
            (row.a_id, row.b_id, row.kind, row.score)
            for row in session.scalars(select(DuplicateEdge))
        }
    return families, edges


def link(catalog: Catalog) -> FamilyCounts:
    return link_families(catalog, now=lambda: NOW)


def test_equal_pixels_are_one_family_and_others_are_not(catalog):
    for image_id, pixels in (("b", "red"), ("a", "red"), ("c", "blue")):
        add(catalog, image_id, pixels)
    assert link(catalog) == FamilyCounts(images=3, families=2, twins=1)
    families, edges = facts(catalog)
    assert families == {"a": "red", "b": "red", "c": "blue"}
    assert edges == {("a", "b", "exact", 1.0)}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.sampled_from("xyz"), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_images_come_does_not_matter(catalog, images, order):
    def result(shuffled: list[str], *, one_by_one: bool) -> object:
        with catalog.write() as session:
            session.execute(delete(DuplicateEdge))
            session.execute(delete(Image))
        for image_id in shuffled:
            add(catalog, image_id, images[image_id])
            if one_by_one:
                link(catalog)
        counts = link(catalog)
        assert link(catalog) == counts
        return counts, facts(catalog)

    shuffled = sorted(images)
    order.shuffle(shuffled)
    assert result(shuffled, one_by_one=True) == result(sorted(images), one_by_one=False)


def test_a_family_once_given_stays_and_new_twins_join_it(catalog):
    add(catalog, "b", "red")
    link(catalog)
    with catalog.write() as session:
        session.get_one(Image, "b").family_id = "given by another method"
    add(catalog, "a", "red")
    link(catalog)
    families, edges = facts(catalog)
    assert families == dict.fromkeys("ab", "given by another method")
    assert edges == {("a", "b", "exact", 1.0)}
