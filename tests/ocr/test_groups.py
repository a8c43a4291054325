"""Sources name languages: each image is read in its own, and a change concerns only its own."""

from pathlib import Path

import pytest
from sqlalchemy import select

from lowdiff.catalog.artifacts import Outcome, payloads, record
from lowdiff.catalog.images import add_image
from lowdiff.catalog.tables import Artifact, Image, Sighting
from lowdiff.errors import InputError
from lowdiff.ocr.document import from_json
from lowdiff.ocr.groups import groups_of
from lowdiff.ocr.open import open_reader, reader_of
from lowdiff.ocr.read import forget_hung, pending_groups, pending_ocr, read_batch
from lowdiff.ocr.stage import ocr_stage
from lowdiff.settings import Settings
from lowdiff.store import ocr_key

pytestmark = pytest.mark.integration

SOURCE = """
kind = "folder"
name = "{name}"
path = "."
licence = "CC0-1.0"
attribution = "nobody"
{more}
"""


def write_source(folder: Path, name: str, languages: list[str] | None = None) -> None:
    more = f"languages = {languages}" if languages is not None else ""
    (folder / f"{name}.toml").write_text(SOURCE.format(name=name, more=more))


@pytest.fixture
def sources(tmp_path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


@pytest.fixture
def settings() -> Settings:
    return Settings(ocr_engines=("tesseract",))


def todo(catalog, settings, sources) -> dict[tuple[str, ...], list[str]]:
    groups = groups_of(catalog, settings, sources)
    return {group.languages: ids for group, ids in pending_groups(catalog, groups) if ids}


def read_all(catalog, store, settings, sources) -> int:
    """What `lowdiff ocr` does; the number of images that were read."""
    return sum(
        read_batch(ids, catalog=catalog, store=store, reader=reader_of(settings, spoken)).read
        for spoken, ids in todo(catalog, settings, sources).items()
    )


def test_images_are_read_in_the_languages_of_their_source(
    catalog, store, keep, written, sources, settings
):
    german, other = keep(written("Hafen"), "brand"), keep(written("Harbour"), "shop")
    write_source(sources, "brand", ["osd", "eng"])
    write_source(sources, "shop")
    assert todo(catalog, settings, sources) == {("osd", "eng"): [german], ("eng",): [other]}
    assert read_all(catalog, store, settings, sources) == 2
    documents = [from_json(store.read(ocr_key(i)), item=i) for i in (german, other)]
    assert [document.languages for document in documents] == [["osd", "eng"], ["eng"]]
    assert todo(catalog, settings, sources) == {}


def test_a_changed_setting_reads_only_what_it_concerns(
    catalog, store, keep, written, sources, settings
):
    one, two = keep(written("Hafen"), "brand"), keep(written("Harbour"), "shop")
    write_source(sources, "brand", ["eng"])
    write_source(sources, "shop")
    assert read_all(catalog, store, settings, sources) == 2
    write_source(sources, "brand", ["eng", "osd"])
    assert todo(catalog, settings, sources) == {("eng", "osd"): [one]}
    assert read_all(catalog, store, settings, sources) == 1
    other_modes = settings.model_copy(update={"ocr_page_modes": (4, 11)})
    assert todo(catalog, other_modes, sources) == {("eng", "osd"): [one], ("eng",): [two]}
    more_time = settings.model_copy(update={"ocr_timeout_s": 99.0, "workers": 1})
    assert todo(catalog, more_time, sources) == {}


def test_going_back_to_earlier_settings_brings_their_document_back(
    catalog, store, keep, written, sources, settings
):
    image_id = keep(written("Harbour"))
    other = settings.model_copy(update={"ocr_page_modes": (6, 11)})
    for chosen in (settings, other, settings):
        assert read_all(catalog, store, chosen, sources) == 1
        document = from_json(store.read(ocr_key(image_id)), item="it")
        assert tuple(document.parameters["page_modes"]) == chosen.ocr_page_modes
        with catalog.read() as session:
            assert len(session.scalars(select(Artifact)).all()) == 1


def test_an_image_of_several_sources_follows_the_first_that_names_languages(
    catalog, keep, written, sources, settings
):
    image_id = keep(written("Harbour"), "shop")
    with catalog.write() as session:
        image = session.get_one(Image, image_id)
        for source in ("brand", "late"):
            seen = Sighting(
                image_id=image_id, source=source, url="x", licence="CC0-1.0",
                attribution="nobody", tags=[], evidence={}, seen_at=image.created_at,
            )  # fmt: skip
            add_image(session, image, seen)
    write_source(sources, "shop")
    write_source(sources, "brand", ["deu"])
    write_source(sources, "late", ["fra"])
    assert todo(catalog, settings, sources) == {("deu",): [image_id]}


def test_what_an_engine_hung_on_is_read_again_when_asked(
    catalog, store, keep, written, sources, settings, now
):
    hung, broken = keep(written("Harbour")), keep(written("Winter"))
    stage = ocr_stage(("eng",), ("tesseract",))
    outcomes = [
        Outcome(hung, "refused", error_class="ocr_timeout", error="it hung"),
        Outcome(broken, "refused", error_class="broken_image", error="it is broken"),
    ]
    with catalog.write() as session:
        record(session, stage, outcomes, now=now)
    assert todo(catalog, settings, sources) == {}
    assert forget_hung(catalog) == 1
    assert pending_ocr(catalog, stage) == [hung]
    assert read_all(catalog, store, settings, sources) == 1
    with catalog.read() as session:
        assert list(payloads(session, stage)) == [hung]


def test_a_language_that_no_source_can_mean_is_refused(sources, catalog, settings):
    write_source(sources, "brand", ["German!"])
    with pytest.raises(InputError, match="languages"):
        groups_of(catalog, settings, sources)


def test_a_wrong_source_file_is_told_and_the_others_go_on(
    catalog, keep, written, sources, settings
):
    german, other = keep(written("Hafen"), "brand"), keep(written("Harbour"), "shop")
    write_source(sources, "brand", ["deu"])
    (sources / "shop.toml").write_text("kind = ", encoding="utf-8")
    told: list[InputError] = []
    groups = groups_of(catalog, settings, sources, wrong=told.append)
    assert [group.of([german, other]) for group in groups] == [[german], [other]]
    assert len(told) == 1
    assert "shop.toml" in str(told[0])
    assert "is no valid TOML" in str(told[0])


def test_a_missing_language_of_a_source_names_its_package(settings):
    with pytest.raises(InputError, match=r"tesseract-ocr-tlh.*or `languages` of the source"):
        open_reader(("tlh",), settings.ocr_engines, timeout_s=1)
