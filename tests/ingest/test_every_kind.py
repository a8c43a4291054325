"""Sources of every kind, from their TOML keys to the catalog."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.catalog.tables import Find, Rejection, Sighting
from lowdiff.ingest.discover import discover
from lowdiff.ingest.ingest import ingest_batch
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.outside import open_outside
from lowdiff.ingest.report import IngestReport
from lowdiff.ingest.source_kinds import Source
from lowdiff.ingest.todo import pending
from lowdiff.store import Store
from lowdiff.workspace import Workspace
from tests.ingest.conftest import Site, png, reply
from tests.ingest.stored import source_of
from tests.ingest.test_archive import pack

pytestmark = pytest.mark.integration
RED, BLUE = png((255, 0, 0)), png((0, 0, 255))
TABLE = (
    "file,url,words,terms,by\nred,{site}/red.png,a red one,CC-BY-4.0,Ann\nblue,{site}/blue.png,,,\n"
)
SAID = {"caption": "words", "licence": "terms", "attribution": "by"}


def run(source: Source, workspace: Workspace, catalog: Catalog, store: Store) -> IngestReport:
    with open_outside(
        {source.name: source}, workspace=workspace, limits=Limits(), workers=1
    ) as outside:
        discover(source.name, outside=outside, catalog=catalog)
        ids = pending(catalog, outside.sources)
        return ingest_batch(ids, outside=outside, catalog=catalog, store=store)


def lay_out(kind: str, folder: Path, site: str) -> dict[str, Any]:
    """The two pictures and what is known of them, as a source of this kind; its keys."""
    content = {"red.png": RED, "blue.png": BLUE, "nested.zip": b"PK\3\4", "broken.png": RED[:50]}
    table = TABLE.format(site=site)
    index = {"index": "index.csv", **SAID}
    if kind == "archive":
        pack(folder / "x.tar.gz", {"index.csv": table.encode(), **content})
        return {"path": "x.tar.gz", "metadata": index}
    if kind == "urls":
        (folder / "x.csv").write_text(f"{table}x,{site}/nested.zip\nx,{site}/broken.png\n")
        return {
            "path": "x.csv",
            "columns": SAID,
            "contact": "me@example.org",
            "allow_loopback": True,
            "delay_s": 0.0,
        }
    if kind == "collection":
        rows = {"image": list(content.values()), "words": ["a red one", None, None, None]}
        rows |= {"terms": ["CC-BY-4.0", None, None, None], "by": ["Ann", None, None, None]}
        pq.write_table(pa.table(rows), folder / "x.parquet")
        return {"path": "x.parquet", "columns": SAID}
    (folder / "pics").mkdir()
    for name, body in content.items():
        (folder / "pics" / name).write_bytes(body)
    if kind == "bucket":
        return {"url": f"file://{folder}/pics"}
    (folder / "pics" / "index.csv").write_text(table)
    return {"path": "pics", "metadata": index}


@pytest.mark.parametrize("kind", ["folder", "archive", "urls", "collection", "bucket"])
def test_each_kind_brings_its_images_once_with_their_papers(
    kind, site: Site, workspace: Workspace, catalog: Catalog, store: Store
):
    site.has("/red.png", reply(RED, Content_Type="image/png"))
    site.has("/blue.png", reply(BLUE, Content_Type="image/png"))
    site.has("/nested.zip", reply(b"PK\3\4"))
    site.has("/broken.png", reply(RED[:50]))
    source = source_of(kind, **lay_out(kind, workspace.root, site.url))
    report = run(source, workspace, catalog, store)
    assert (report.new, sum(report.refused.values()), report.failed) == (2, 2, 0)
    assert report.refused["not_an_image"] == 1
    again = run(source, workspace, catalog, store)
    assert (again.new, again.known, again.refused) == (0, 0, {})
    with catalog.read() as session:
        papers = sorted(
            (row.licence, row.attribution, row.evidence.get("caption"))
            for row in session.scalars(select(Sighting))
        )
        states = sorted(session.scalars(select(Find.state)))
        assert len(list(session.scalars(select(Rejection)))) == 2
    assert states == ["done", "done", "rejected", "rejected"]
    if kind == "bucket":
        assert papers == [("CC0-1.0", "us", None)] * 2
    else:
        assert papers == [("CC-BY-4.0", "Ann", "a red one"), (UNKNOWN_LICENCE, "us", None)]


def test_a_changed_member_is_brought_again_and_a_changed_licence_is_written_down(
    workspace: Workspace, catalog: Catalog, store: Store
):
    path = workspace.root / "x.zip"
    keys = {"path": "x.zip", "metadata": {"index": "index.csv", **SAID}}
    table = TABLE.format(site="x").encode()
    pack(path, {"index.csv": table, "red.png": RED})
    assert run(source_of("archive", **keys), workspace, catalog, store).new == 1
    pack(path, {"index.csv": table.replace(b"CC-BY", b"CC-BY-SA"), "red.png": RED})
    assert run(source_of("archive", **keys), workspace, catalog, store).known == 1
    with catalog.read() as session:
        (row,) = session.scalars(select(Sighting))
        assert row.licence == "CC-BY-SA-4.0"
    pack(path, {"index.csv": table, "red.png": BLUE})
    assert run(source_of("archive", **keys), workspace, catalog, store).new == 1
