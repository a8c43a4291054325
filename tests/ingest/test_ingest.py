import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from lowdiff.catalog import Catalog
from lowdiff.catalog.claims import claim_finds
from lowdiff.catalog.tables import Find, Image, Rejection, Sighting
from lowdiff.errors import InputError, ServiceError
from lowdiff.ingest.discover import Discovery, discover
from lowdiff.ingest.ingest import ingest_batch
from lowdiff.ingest.report import IngestReport
from lowdiff.ingest.sources import FolderSource, WebSource
from lowdiff.ingest.todo import pending
from lowdiff.store import Store, image_key, open_store, sha256_hex
from lowdiff.workspace import Workspace
from tests.ingest.conftest import (
    Site,
    folder_source,
    outside_of,
    png,
    reply,
    serve_site,
    svg,
    web_source,
)

pytestmark = pytest.mark.integration


class World:
    """One workspace; `bring` runs a source once, as the command does."""

    def __init__(self, workspace: Workspace, catalog: Catalog, store: Store) -> None:
        self.workspace, self.catalog, self.store = workspace, catalog, store
        self.folder = workspace.root / "art"
        self.folder.mkdir()
        self.discovery: Discovery | None = None

    def bring(
        self, source: FolderSource | WebSource, *, retry_rejected: bool = False, **limits: float
    ) -> IngestReport:
        with outside_of(source, self.workspace, **limits) as outside:
            self.discovery = discover(source.name, outside=outside, catalog=self.catalog)
            todo = pending(self.catalog, {source.name: source}, retry_rejected=retry_rejected)
            return ingest_batch(todo, outside=outside, catalog=self.catalog, store=self.store)

    def images(self) -> dict[str, Image]:
        with self.catalog.read() as session:
            return {image.id: image for image in session.scalars(select(Image))}

    def sightings(self) -> dict[str, Sighting]:
        with self.catalog.read() as session:
            return {row.url: row for row in session.scalars(select(Sighting))}

    def rejections(self) -> dict[str, str]:
        with self.catalog.read() as session:
            return {row.url: row.reason for row in session.scalars(select(Rejection))}

    def states(self) -> dict[str, str]:
        with self.catalog.read() as session:
            return {row.url: row.state for row in session.scalars(select(Find))}


@pytest.fixture
def world(workspace: Workspace, catalog: Catalog, store: Store) -> World:
    return World(workspace, catalog, store)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as running:
        yield running


def test_a_folder_comes_in_byte_for_byte_and_only_once(world):
    (world.folder / "deep").mkdir()
    (world.folder / "a.png").write_bytes(png((1, 2, 3)))
    (world.folder / "deep" / "b.svg").write_bytes(svg())
    source = folder_source("art")
    first = world.bring(source)
    assert (first.new, first.known, first.failed, first.refused) == (2, 0, 0, {})
    image = world.images()[sha256_hex(png((1, 2, 3)))]
    assert (image.format, image.width_px, image.height_px, image.has_alpha) == ("png", 8, 8, False)
    assert world.store.read(image_key(image.id, "png")) == png((1, 2, 3))
    assert set(world.sightings()) == {"a.png", "deep/b.svg"}
    assert world.sightings()["a.png"].licence == "LicenseRef-internal"
    assert world.bring(source) == IngestReport()
    assert len(world.images()) == 2


def test_of_an_svg_the_catalog_holds_the_size_of_its_rendering(world):
    (world.folder / "b.svg").write_bytes(svg())
    world.bring(folder_source("art"))
    (image,) = world.images().values()
    assert (image.format, image.width_px, image.height_px) == ("svg", 512, 256)


def test_equal_bytes_are_one_image_seen_twice(world):
    (world.folder / "a.png").write_bytes(png((1, 2, 3)))
    (world.folder / "copy.png").write_bytes(png((1, 2, 3)))
    (world.folder / "link.png").symlink_to(world.folder / "a.png")
    report = world.bring(folder_source("art"))
    assert (report.new, report.known) == (1, 2)
    assert len(world.sightings()) == 3


def test_what_cannot_be_used_is_refused_with_its_reason_and_the_rest_goes_on(world):
    (world.folder / "good.png").write_bytes(png((1, 2, 3)))
    (world.folder / "text.png").write_text("hello")
    (world.folder / "empty.png").write_bytes(b"")
    (world.folder / "wide.png").write_bytes(png((0, 0, 0), (200, 200)))
    (world.folder / "big.png").write_bytes(png((0, 0, 0)) + bytes(30_000))
    (world.folder / "gone.png").symlink_to(world.folder / "nothing")
    (world.folder / "self.png").symlink_to(world.folder / "self.png")
    (world.folder / "loop").symlink_to(world.folder)
    os.mkfifo(world.folder / "pipe.png")
    report = world.bring(folder_source("art"), max_megapixels=0.01, max_mb=0.02)
    assert report.new == 1
    assert world.rejections() == {
        "text.png": "not_an_image",
        "empty.png": "empty_file",
        "wide.png": "too_many_pixels",
        "big.png": "too_big",
        "gone.png": "unreadable",
        "self.png": "unreadable",
        "pipe.png": "not_a_file",
    }
    # the pipe was refused when the folder was looked through
    assert dict(report.refused) == {
        "not_an_image": 1, "empty_file": 1, "too_many_pixels": 1, "too_big": 1, "unreadable": 2,
    }  # fmt: skip


def test_a_name_that_is_no_utf8_is_refused(world):
    Path(os.fsdecode(os.fsencode(world.folder) + b"/b\xe4r.png")).write_bytes(png((1, 1, 1)))
    world.bring(folder_source("art"))
    ((url, reason),) = world.rejections().items()
    assert reason == "bad_name"
    assert url.endswith("b\\xe4r.png")


def test_a_folder_that_is_not_there_is_one_clear_error(world):
    (world.folder / "a.png").write_bytes(png((1, 2, 3)))
    for path in ("nowhere", "art/a.png"):
        with pytest.raises(InputError, match="folder of source") as error:
            world.bring(folder_source(path))
        assert path in str(error.value)
    assert world.states() == {}


def test_a_mended_file_is_taken_and_its_refusal_forgotten(world):
    path = world.folder / "a.png"
    path.write_text("not yet")
    world.bring(folder_source("art"))
    assert world.rejections() == {"a.png": "not_an_image"}
    path.write_bytes(png((1, 2, 3)))
    assert world.bring(folder_source("art")).new == 1
    assert world.rejections() == {}


def test_a_changed_file_is_a_new_image_and_the_old_one_stays(world):
    path = world.folder / "a.png"
    path.write_bytes(png((1, 2, 3)))
    world.bring(folder_source("art"))
    path.write_bytes(png((3, 2, 1), (9, 9)))
    assert world.bring(folder_source("art")).new == 1
    assert len(world.images()) == 2


def test_what_was_refused_is_looked_at_again_only_when_asked(world):
    (world.folder / "a.png").write_bytes(png((0, 0, 0), (200, 200)))
    world.bring(folder_source("art"), max_megapixels=0.01)
    assert world.bring(folder_source("art")).new == 0
    assert world.bring(folder_source("art"), retry_rejected=True).new == 1
    assert world.rejections() == {}


def test_patterns_choose_files_and_hidden_ones_are_passed_over(world):
    for name in ("a.png", "b.svg", ".hidden.png", "drafts/c.png", ".git/d.png"):
        (world.folder / name).parent.mkdir(exist_ok=True)
        (world.folder / name).write_bytes(png((1, 2, len(name))))
    world.bring(folder_source("art", glob=["*.png"], exclude=["drafts/*"]))
    assert set(world.sightings()) == {"a.png"}


INDEXES = {
    "index.json": '[{"file": "a", "title": "A fox", "tags": ["red", "animal"], '
    '"more": "red, wild"}]',
    "index.csv": 'file,title,tags,more\na.png,A fox,"red, animal","red, wild"\n',
}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_gives_titles_and_tags(world, name):
    (world.folder / "a.png").write_bytes(png((1, 2, 3)))
    (world.folder / "b.png").write_bytes(png((3, 2, 1)))
    (world.folder / name).write_text(INDEXES[name])
    metadata = {"index": name, "title": "title", "tags": ["tags", "more"]}
    world.bring(folder_source("art", metadata=metadata))
    sightings = world.sightings()
    assert set(sightings) == {"a.png", "b.png"}
    assert sightings["a.png"].title == "A fox"
    assert sightings["a.png"].tags == ["red", "animal", "wild"]
    assert (sightings["b.png"].title, sightings["b.png"].tags) == (None, [])


def test_a_better_title_in_the_index_reaches_the_catalog(world):
    (world.folder / "a.png").write_bytes(png((1, 2, 3)))
    index = world.folder / "index.json"
    source = folder_source("art", metadata={"index": "index.json", "title": "title"})
    index.write_text('[{"file": "a.png", "title": "Fox"}]')
    world.bring(source)
    index.write_text('[{"file": "a.png", "title": "A red fox"}]')
    assert world.bring(source).known == 1
    assert world.sightings()["a.png"].title == "A red fox"


@pytest.mark.parametrize("text", ["[", "{}", "[1]", '[{"file": "a"}]', None])
def test_a_broken_index_is_one_clear_error(world, text):
    if text is not None:
        (world.folder / "index.json").write_text(text)
    source = folder_source("art", metadata={"index": "index.json", "title": "title"})
    with pytest.raises(InputError, match="index"):
        world.bring(source)


def test_a_site_comes_in_with_alt_texts_and_page_addresses(world, site):
    first = '<a href="/2.html">next</a><img src="/a.png" alt="a fox" title="Fox">'
    site.has("/", reply(first.encode(), Content_Type="text/html"))
    second = (
        '<a href="/">back</a><a href="/about">no</a><img src="b.svg" alt="a hen"><img src="/a.png">'
    )
    site.has("/2.html", reply(second.encode(), Content_Type="text/html"))
    site.has("/a.png", reply(png((1, 2, 3)), Content_Type="text/plain", ETag='"v1"'))
    site.has("/b.svg", reply(svg()))
    source = web_source(site.url, follow=[r"/\d+\.html$"])
    report = world.bring(source)
    assert (report.new, report.known, report.failed) == (2, 0, 0)
    assert world.discovery == Discovery("site", found=3, new=2, refused=0, pages=2)
    fox, hen = world.sightings()[f"{site.url}/a.png"], world.sightings()[f"{site.url}/b.svg"]
    assert (fox.alt_text, fox.title, fox.page_url) == ("a fox", "Fox", f"{site.url}/")
    assert (hen.alt_text, hen.page_url) == ("a hen", f"{site.url}/2.html")
    assert fox.evidence["status"] == 200
    assert "/about" not in site.requests
    requests = len(site.requests)
    world.bring(source)
    rules = ["/robots.txt", "/.well-known/tdmrep.json"]
    assert site.requests[requests:] == [*rules, "/", "/2.html"]


def test_of_a_site_each_failure_is_told_apart(world, site):
    site.shows("/ok.png", "/gone.png", "/flaky.png", "/down.png", "/huge.png", "/page.png",
               "http://elsewhere.example/x.png")  # fmt: skip
    site.has("/ok.png", reply(png((1, 2, 3))))
    site.has("/flaky.png", reply(b"", 500), reply(png((3, 2, 1))))
    site.has("/down.png", reply(b"", 500))
    site.has("/huge.png", reply(bytes(200_000)))
    site.has("/page.png", reply(b"<html><svg></svg></html>"))
    report = world.bring(web_source(site.url), max_mb=0.1)
    assert (report.new, report.failed) == (2, 1)
    assert world.rejections() == {
        f"{site.url}/gone.png": "http_404",
        f"{site.url}/huge.png": "too_big",
        f"{site.url}/page.png": "not_an_image",
        "http://elsewhere.example/x.png": "host_not_allowed",
    }
    with pytest.raises(ServiceError, match=r"down\.png"):
        report.raise_if_failed()
    site.has("/down.png", reply(png((9, 9, 9))))
    again = world.bring(web_source(site.url), max_mb=0.1)
    assert (again.new, again.failed) == (1, 0)
    assert site.requests.count("/ok.png") == 1


def test_a_server_that_dies_leaves_its_finds_for_the_next_run(world):
    with serve_site() as site:
        site.shows("/a.png", "/b.png")
        source = web_source(site.url)
        with outside_of(source, world.workspace) as outside:
            discover("site", outside=outside, catalog=world.catalog)
    with outside_of(source, world.workspace) as outside:
        todo = pending(world.catalog, {"site": source})
        report = ingest_batch(todo, outside=outside, catalog=world.catalog, store=world.store)
        assert report.failed == 2
        assert pending(world.catalog, {"site": source}) == todo
        with pytest.raises(ServiceError):
            discover("site", outside=outside, catalog=world.catalog)
    assert set(world.states().values()) == {"failed"}


def test_a_start_page_that_is_refused_is_an_error_and_another_page_is_a_rejection(world, site):
    site.has("/", reply(b'<a href="/2">2</a>', Content_Type="text/html"))
    source = web_source(site.url, follow=["/2$"])
    world.bring(source)
    assert world.rejections() == {f"{site.url}/2": "http_404"}
    site.has("/2", reply(b"", Content_Type="text/html"))
    world.bring(source)
    assert world.rejections() == {}
    site.has("/", reply(b"PNG", Content_Type="image/png"))
    with pytest.raises(InputError, match="is no page"):
        world.bring(source)


def test_the_number_of_pages_and_images_is_bounded(world, site):
    for number in range(5):
        page = f'<a href="/{number + 1}"></a><img src="/{number}.png">'
        site.has(f"/{number or ''}", reply(page.encode(), Content_Type="text/html"))
    world.bring(web_source(site.url, follow=[r"/\d+$"], max_pages=3))
    assert world.discovery is not None
    assert (world.discovery.pages, world.discovery.found) == (3, 3)
    world.bring(web_source(site.url, name="two", follow=[r"/\d+$"], max_images=2))
    assert world.discovery.found == 2


def test_a_store_that_is_full_loses_nothing(world, tmp_path):
    for number in range(40):
        (world.folder / f"{number}.png").write_bytes(png((number, 0, 0)))
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the store should be")
    source = folder_source("art")
    with outside_of(source, world.workspace) as outside:
        discover("folder", outside=outside, catalog=world.catalog)
        todo = pending(world.catalog, {"folder": source})
        with pytest.raises(ServiceError, match="cannot write to the store"):
            ingest_batch(todo, outside=outside, catalog=world.catalog, store=open_store(blocked))
    assert world.images() == {}
    assert set(world.states().values()) == {"open"}
    assert world.bring(source).new == 40


def test_what_a_living_worker_holds_is_passed_over_until_its_lease_ends(world, now: datetime):
    (world.folder / "a.png").write_bytes(png((1, 2, 3)))
    source = folder_source("art")
    with outside_of(source, world.workspace) as outside:
        discover("folder", outside=outside, catalog=world.catalog)
        todo = pending(world.catalog, {"folder": source})
        with world.catalog.write() as session:
            claim_finds(session, todo, now=now, lease_s=60)
            session.get_one(Find, todo[0]).lease_owner = "another-host:1:1.00"

        def ingest_at(moment: datetime) -> int:
            return ingest_batch(
                todo, outside=outside, catalog=world.catalog, store=world.store, now=lambda: moment
            ).new

        assert ingest_at(now + timedelta(seconds=59)) == 0
        assert ingest_at(now + timedelta(seconds=61)) == 1
        assert ingest_at(now + timedelta(seconds=62)) == 0
