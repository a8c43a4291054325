import hashlib
import itertools
import multiprocessing
import os
import random
import signal
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.duplicates import Edge, keep_edges
from lowdiff.catalog.tables import Artifact, DuplicateEdge, Image
from lowdiff.dedupe.comparing import FEW, STAGE
from lowdiff.dedupe.find import Counts, find_duplicates
from lowdiff.dedupe.fingerprint import METHOD_VERSION
from lowdiff.errors import ServiceError
from lowdiff.ops.duplicates import decode_original
from lowdiff.store import Store, open_store
from lowdiff.store.keys import fingerprint_key, image_key
from lowdiff.workspace import Workspace
from tests.dedupe.pictures import NOW, corpus, drawing, jpeg, keep, png

Edges = dict[tuple[str, str], tuple[str, float]]


def run(catalog: Catalog, store: Store) -> Counts:
    return find_duplicates(catalog, store, decode=decode_original, workers=2)


def fill(catalog: Catalog, store: Store, names: list[str]) -> None:
    bodies = corpus()
    for number, name in enumerate(names):
        keep(catalog, store, *bodies[name], title=name, at=NOW + timedelta(seconds=number))


def edges_of(catalog: Catalog) -> Edges:
    with catalog.read() as session:
        rows = session.scalars(select(DuplicateEdge)).all()
        return {(row.a_id, row.b_id): (row.kind, row.score) for row in rows}


def kinds_of(catalog: Catalog) -> dict[tuple[str, str], str]:
    return {pair: kind for pair, (kind, _score) in edges_of(catalog).items()}


def partition(catalog: Catalog) -> set[frozenset[str]]:
    groups: dict[str | None, set[str]] = defaultdict(set)
    with catalog.read() as session:
        for image in session.scalars(select(Image)):
            groups[image.family_id].add(image.id)
    assert None not in groups
    return {frozenset(group) for group in groups.values()}


def ids_by_name() -> dict[str, str]:
    return {name: hashlib.sha256(body).hexdigest() for name, (body, _) in corpus().items()}


def test_twins_become_one_family_and_strangers_stay_apart(catalog, store):
    fill(catalog, store, list(corpus()))
    counts = run(catalog, store)
    ids = ids_by_name()
    found = edges_of(catalog)

    def kind(one: str, other: str) -> str | None:
        a, b = sorted((ids[one], ids[other]))
        return found.get((a, b), (None, 0.0))[0]

    assert kind("drawing 0", "drawing 0 again") == "exact"
    assert kind("drawing 0", "drawing 0 as jpeg") == "near"
    assert kind("drawing 1", "drawing 1 as jpeg") == "near"
    assert kind("drawing 1", "drawing 1 small") == "near"
    assert kind("poster SALE 50 %", "poster OPEN DAY") == "variant"
    assert counts.pairs["exact"] == 1
    families = {
        frozenset(name for name in ids if ids[name] in group) for group in partition(catalog)
    }
    assert frozenset({"drawing 0", "drawing 0 again", "drawing 0 as jpeg"}) in families
    assert frozenset({"drawing 1", "drawing 1 as jpeg", "drawing 1 small"}) in families
    assert frozenset({"drawing 3"}) in families
    assert counts.families.largest_family == max(len(group) for group in families)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_and_the_batches_in_which_images_come_do_not_matter(
    catalog, store, tmp_path, seed
):
    fill(catalog, store, list(corpus()))
    run(catalog, store)
    dice = random.Random(seed)
    shuffled = list(corpus())
    dice.shuffle(shuffled)
    space = Workspace(tmp_path / "other").create()
    other, other_store = open_catalog(space), open_store(space.root)
    for names in chunks(shuffled, dice.randrange(1, 6)):
        fill(other, other_store, list(names))
        run(other, other_store)
    # which pair is seen and which follows depends on the order; what they are does not
    assert kinds_of(other) == kinds_of(catalog)
    assert partition(other) == partition(catalog)
    other.close()


def test_many_images_compared_in_processes_are_what_they_are_in_one(catalog, store, tmp_path):
    space = Workspace(tmp_path / "other").create()
    other, other_store = open_catalog(space), open_store(space.root)
    for number in range(FEW):
        picture = drawing(number, 120)
        bodies = [(png(picture), "png")]
        if number % 8 == 0:
            bodies.append((jpeg(picture), "jpeg"))
        for body, image_format in bodies:
            for books, files in ((catalog, store), (other, other_store)):
                keep(books, files, body, image_format, title=str(number), at=NOW)
    run(catalog, store)
    find_duplicates(other, other_store, decode=decode_original, workers=1)
    near = [score for kind, score in edges_of(catalog).values() if kind == "near"]
    assert len(near) >= FEW // 8
    assert edges_of(catalog) == edges_of(other)
    other.close()


def test_with_nothing_new_nothing_is_compared_and_nothing_changes(catalog, store):
    fill(catalog, store, list(corpus()))
    first = run(catalog, store)
    edges, families = edges_of(catalog), partition(catalog)
    again = run(catalog, store)
    assert first.compared.images == len(corpus())
    assert (again.prints.made, again.compared.images, again.compared.pairs) == (0, 0, 0)
    assert again.families.changed == 0
    assert (edges_of(catalog), partition(catalog)) == (edges, families)


def test_a_new_image_is_compared_once_with_all_that_are_there(catalog, store):
    names = list(corpus())
    fill(catalog, store, [name for name in names if name != "drawing 1 as jpeg"])
    run(catalog, store)
    body, image_format = corpus()["drawing 1 as jpeg"]
    new = keep(catalog, store, body, image_format, title="new", at=NOW + timedelta(days=1))
    counts = run(catalog, store)
    assert (counts.prints.made, counts.compared.images) == (1, 1)
    touching = [pair for pair in edges_of(catalog) if new in pair]
    assert counts.compared.pairs + counts.compared.implied == len(touching)
    assert touching


def test_an_image_that_cannot_be_decoded_any_more_is_a_family_of_its_own(catalog, store):
    fill(catalog, store, ["drawing 0", "drawing 2"])
    broken = ids_by_name()["drawing 2"]
    store.put(image_key(broken, "png"), b"\x89PNG\r\n\x1a\nbroken")
    counts = run(catalog, store)
    assert (counts.prints.made, counts.prints.refused) == (1, 1)
    assert run(catalog, store).prints.refused == 0  # not tried again
    assert frozenset({broken}) in partition(catalog)


def test_a_lost_fingerprint_is_made_again(catalog, store):
    fill(catalog, store, ["drawing 0"])
    run(catalog, store)
    store.remove(fingerprint_key(ids_by_name()["drawing 0"]))
    fill(catalog, store, ["drawing 0 as jpeg"])
    assert run(catalog, store).pairs["near"] == 1


def test_a_new_version_of_the_method_does_all_again_and_forgets_the_old_edges(catalog, store):
    fill(catalog, store, list(corpus()))
    run(catalog, store)
    now_known = edges_of(catalog)
    a, b = sorted([ids_by_name()["drawing 3"], ids_by_name()["drawing 4"]])
    with catalog.write() as session:  # as an older version would have left it
        session.execute(update(Artifact).values(stage_version="twins/0"))
        session.execute(
            update(DuplicateEdge)
            .where(DuplicateEdge.kind != "exact")
            .values(method_version="twins/0", score=0.5)
        )
        keep_edges(session, [Edge(a, b, "near", 0.6, "twins/0")], now=NOW)
    counts = run(catalog, store)
    assert counts.prints.made == counts.compared.images == len(corpus())
    assert edges_of(catalog) == now_known


def test_two_who_compare_at_once_do_not_miss_each_other(catalog, store):
    fill(catalog, store, ["drawing 0", "drawing 0 as jpeg"])
    run(catalog, store)
    fill(catalog, store, ["drawing 1"])
    with catalog.write() as session:
        session.execute(
            update(Artifact)
            .where(Artifact.stage == STAGE.name)
            .values(
                state="leased",
                lease_owner="another.host:1:1.00",
                lease_until=NOW + timedelta(days=100_000),
            )
        )
    with pytest.raises(ServiceError, match="somebody else compares"):
        run(catalog, store)


def _run_in(root: Path) -> None:
    space = Workspace(root)
    run(open_catalog(space), open_store(root))


@pytest.mark.timeout(180)
def test_killed_at_any_moment_it_ends_as_if_it_had_run_once(catalog, store, tmp_path):
    fill(catalog, store, list(corpus()))
    run(catalog, store)
    space = Workspace(tmp_path / "killed").create()
    other, other_store = open_catalog(space), open_store(space.root)
    fill(other, other_store, list(corpus()))
    processes = multiprocessing.get_context("spawn")
    dice = random.Random(5)
    for _ in range(4):
        victim = processes.Process(target=_run_in, args=(space.root,))
        victim.start()
        deadline = time.monotonic() + 30
        wanted = dice.randrange(1, 2 * len(corpus()))
        while victim.is_alive() and time.monotonic() < deadline:
            with other.read() as session:
                if (session.scalar(select(func.count()).select_from(Artifact)) or 0) >= wanted:
                    break
            time.sleep(0.02)
        time.sleep(dice.random() / 4)
        if victim.is_alive():
            assert victim.pid is not None
            os.kill(victim.pid, signal.SIGKILL)
        victim.join()
    run(other, other_store)
    assert kinds_of(other) == kinds_of(catalog)
    assert partition(other) == partition(catalog)
    other.close()


def test_a_giant_family_is_told(catalog, store):
    ids = [
        keep(catalog, store, png(drawing(seed, 120)), "png", title=str(seed), at=NOW)
        for seed in range(22)
    ]
    chain = [Edge(*sorted(pair), "near", 0.9, METHOD_VERSION) for pair in itertools.pairwise(ids)]
    with catalog.write() as session:
        keep_edges(session, chain, now=NOW)
    counts = run(catalog, store)
    assert counts.families.largest_family == 22
    assert "22 of 22 images" in (counts.families.warning or "")
    assert counts.as_dict()["largest_family"] == 22
