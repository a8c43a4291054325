from datetime import datetime

from lowdiff.catalog import Catalog
from lowdiff.catalog.duplicates import (
    Edge,
    Verdict,
    add_verdict,
    counts_by_kind,
    keep_edges,
)
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.tables import Image


def add(catalog: Catalog, *names: str) -> None:
    with catalog.write() as session:
        for name in names:
            session.add(
                Image(
                    id=name,
                    pixel_hash=name,
                    format="png",
                    width_px=1,
                    height_px=1,
                    size_bytes=1,
                    has_alpha=False,
                    embedded={},
                    created_at=utc_now(),
                )
            )


def verdict(a: str, b: str, relation: str) -> Verdict:
    return Verdict(a, b, relation, "ann@example.org", None, datetime(2026, 1, 1))


def test_pairs_are_counted_by_what_a_person_says_last_and_else_by_the_method(catalog):
    add(catalog, "a", "b", "c", "d")
    found = [("a", "b", "near"), ("a", "c", "near"), ("b", "c", "variant"), ("c", "d", "exact")]
    with catalog.write() as session:
        keep_edges(session, [Edge(*one, 0.9, "twins/1") for one in found], now=utc_now())
        assert counts_by_kind(session) == {"exact": 1, "near": 2, "variant": 1, "distinct": 0}
        for one in (
            verdict("a", "b", "distinct"),
            verdict("a", "b", "variant"),
            verdict("c", "d", "near"),
            verdict("a", "d", "distinct"),
        ):
            add_verdict(session, one)
        assert counts_by_kind(session) == {"exact": 0, "near": 2, "variant": 2, "distinct": 1}
