import pytest
from sqlalchemy import update

from lowdiff.catalog.images import UNKNOWN_LICENCE, add_image
from lowdiff.catalog.tables import Image, Sighting
from lowdiff.errors import InputError
from tests.datasets.corpus import NOW, drawn_png, keep


def forget_licence(catalog, image_id):
    with catalog.write() as session:
        session.execute(
            update(Sighting).where(Sighting.image_id == image_id).values(licence=UNKNOWN_LICENCE)
        )


def see_again(catalog, image_id, licence):
    with catalog.write() as session:
        again = Sighting(
            image_id=image_id, source="elsewhere", url="x", licence=licence, attribution="A",
            tags=[], evidence={}, seen_at=NOW,
        )  # fmt: skip
        add_image(session, session.get_one(Image, image_id), again)


def test_images_of_unknown_licence_are_left_out_and_counted(catalog, store, export):
    known, unknown = (
        keep(catalog, store, drawn_png(n), title=title) for n, title in enumerate(("red", "green"))
    )
    forget_licence(catalog, unknown)
    version = export().version
    assert version.manifest["counts"]["images"] == 1
    assert version.manifest["counts"]["left_out_unknown_licences"] == 1
    assert version.manifest["counts"]["licences"] == {"CC0-1.0": 1}
    assert "1 accepted images are left out" in (version.folder / "README.md").read_text()
    forget_licence(catalog, known)
    with pytest.raises(InputError, match="2 of unknown licence"):
        export()


def test_they_are_in_when_asked_for_and_the_card_says_so(catalog, store, export):
    image_id = keep(catalog, store, drawn_png(1), title="red")
    forget_licence(catalog, image_id)
    version = export(use_unknown_licences=True).version
    assert version.manifest["recipe"]["use_unknown_licences"] is True
    assert version.manifest["counts"]["licences"] == {UNKNOWN_LICENCE: 1}
    card = (version.folder / "README.md").read_text()
    assert 'license: "other"' in card
    assert "licence nobody knows are in" in card


def test_an_image_seen_once_under_a_known_licence_is_known(catalog, store, export):
    image_id = keep(catalog, store, drawn_png(1), title="red")
    forget_licence(catalog, image_id)
    see_again(catalog, image_id, "MIT")
    version = export().version
    assert version.manifest["counts"]["licences"] == {"MIT": 1}
