"""What the database does not take costs its own item only."""

import hashlib
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from lowdiff.catalog import Catalog, open_catalog
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.queue import Offer, enqueue, rejections_of
from lowdiff.catalog.tables import Find, Image
from lowdiff.errors import InputError
from lowdiff.ingest.addresses import parse_address
from lowdiff.ingest.discover import discover
from lowdiff.ingest.folder import FolderItems
from lowdiff.ingest.ingest import ingest_batch
from lowdiff.ingest.todo import pending
from lowdiff.store import open_store
from lowdiff.workspace import Workspace
from tests.ingest.conftest import folder_source, outside_of, png

pytestmark = pytest.mark.integration
CHECK = {
    "sqlite": "create trigger picky before insert on image when new.width_px = 13 "
    "begin select raise(abort, 'thirteen is unlucky'); end",
    "postgresql": "alter table image add constraint picky check (width_px <> 13)",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, workspace: Workspace) -> Iterator[Catalog]:
    is_sqlite = request.param == "sqlite"
    opened = open_catalog(
        workspace, None if is_sqlite else request.getfixturevalue("new_postgres")()
    )
    yield opened
    opened.close()


def test_a_row_that_the_database_refuses_costs_its_own_item_only(catalog, workspace):
    art = workspace.root / "art"
    art.mkdir()
    for width in range(8, 20):
        (art / f"{width}.png").write_bytes(png((1, 2, 3), (width, 8)))
    with catalog.write() as session:
        session.execute(text(CHECK[catalog.engine.dialect.name]))
    source = folder_source(str(art))
    with outside_of(source, workspace) as outside:
        discover(source.name, outside=outside, catalog=catalog)
        report = ingest_batch(
            pending(catalog, outside.sources),
            outside=outside,
            catalog=catalog,
            store=open_store(workspace.root),
        )
        assert pending(catalog, outside.sources) == []
    assert (report.new, dict(report.refused)) == (11, {"not_storable": 1})
    with catalog.read() as session:
        assert 13 not in set(session.scalars(select(Image.width_px)))
        (refused,) = rejections_of(session, source.name)
        states = set(session.scalars(select(Find.state)))
    assert (refused.url, refused.reason) == ("13.png", "not_storable")
    assert "unlucky" in refused.message or "picky" in refused.message
    assert states == {"done", "rejected"}


def test_a_row_too_large_for_postgresql_is_no_database_that_is_down(workspace, new_postgres):
    random = "".join(chr(0x4E00 + (one * one * 7919) % 20000) for one in range(20_000))
    opened = open_catalog(workspace, new_postgres())
    offers = [Offer(f"https://a.example/{random}")]
    with pytest.raises(DBAPIError, match="index row"), opened.write() as session:
        enqueue(session, "web", offers, now=utc_now())
    opened.close()


@pytest.mark.parametrize("length", [1900, 2100])
def test_every_address_and_name_that_we_accept_fits_into_every_catalog(
    length, tmp_path, workspace, new_postgres
):
    noise = hashlib.shake_256(b"noise").hexdigest(4000)
    folder = tmp_path
    for start in range(0, length - len(str(tmp_path)) - 200, 200):
        folder = folder / noise[start : start + 199]
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(png((1, 2, 3)))
    (tmp_path / "b.png").write_bytes(png((1, 2, 3)))
    pages = [f"https://a.example/{noise[:length]}", f"https://a.example/{'é' * (length // 6)}"]
    offers = [Offer(url) for url in pages if is_address(url)]
    offers += [
        one.offer
        for one in FolderItems(folder_source(str(tmp_path)), tmp_path).found()
        if not isinstance(one, InputError)
    ]
    opened = open_catalog(workspace, new_postgres())
    with opened.write() as session:
        assert enqueue(session, "any", offers, now=utc_now()) == len(offers) >= 1
    opened.close()


def is_address(text: str) -> bool:
    try:
        parse_address(text)
    except InputError:
        return False
    return True
