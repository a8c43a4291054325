"""What a file says of itself: kept where the source is silent, obeyed where it says no."""

import io
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.tables import Image as ImageRow
from lowdiff.catalog.tables import Rejection, Sighting
from lowdiff.ingest.discover import discover
from lowdiff.ingest.ingest import ingest_batch
from lowdiff.ingest.todo import pending
from lowdiff.store import Store
from lowdiff.workspace import Workspace
from tests.ingest.conftest import folder_source, outside_of

pytestmark = pytest.mark.integration

NO = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining='
    '"http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"/></rdf:RDF></x:xmpmeta>'
)


def saying(**words: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in words.items():
        info.add_text(key, value)
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def forbidding() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", NO)
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (1, 2, 3)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


@pytest.fixture
def art(workspace: Workspace) -> Path:
    folder = workspace.root / "art"
    folder.mkdir()
    return folder


def bring(workspace: Workspace, catalog: Catalog, store: Store, **changes: object) -> None:
    source = folder_source("art", **changes)
    with outside_of(source, workspace) as outside:
        discover("folder", outside=outside, catalog=catalog)
        todo = pending(catalog, {"folder": source}, retry_rejected=True)
        ingest_batch(todo, outside=outside, catalog=catalog, store=store)


def test_a_files_own_title_counts_where_the_source_says_nothing(art, workspace, catalog, store):
    (art / "a.png").write_bytes(saying(Title="A fox", Author="Ann"))
    (art / "b.png").write_bytes(saying(Title="IMG_0042", Author="Ann", Comment="other bytes"))
    (art / "index.json").write_text('[{"file": "b.png", "title": "A hen"}]')
    index = {"index": "index.json", "title": "title"}
    bring(workspace, catalog, store, metadata=index)
    with catalog.read() as session:
        rows = {row.url: row for row in session.scalars(select(Sighting))}
        images = session.scalars(select(ImageRow)).all()
    assert (rows["a.png"].title, rows["b.png"].title) == ("A fox", "A hen")
    assert {row.attribution for row in rows.values()} == {"us"}
    assert rows["a.png"].evidence["creator"] == "Ann"
    assert all(image.embedded["author"] == "Ann" for image in images)


def test_a_file_that_forbids_mining_is_refused_before_anything_is_stored(
    art, workspace, catalog, store
):
    (art / "a.png").write_bytes(forbidding())
    bring(workspace, catalog, store)
    with catalog.read() as session:
        (refused,) = session.scalars(select(Rejection))
        assert session.scalars(select(ImageRow)).all() == []
    assert refused.reason == "opted_out"
    assert "DMI-PROHIBITED" in str(refused.evidence["optouts"])
    assert not (workspace.root / "images").exists()


def test_a_waiver_with_its_reason_takes_the_file_and_is_kept_as_evidence(
    art, workspace, catalog, store
):
    (art / "a.png").write_bytes(forbidding())
    bring(workspace, catalog, store)
    bring(workspace, catalog, store, optouts_waived="we hold all the rights")
    with catalog.read() as session:
        (sighting,) = session.scalars(select(Sighting))
        assert session.scalars(select(Rejection)).all() == []
    assert sighting.evidence["optouts_waived"] == "we hold all the rights"
    (mark,) = sighting.evidence["optouts"]
    assert mark["kind"] == "iptc"
    assert "DMI-PROHIBITED-AIMLTRAINING" in mark["said"]
