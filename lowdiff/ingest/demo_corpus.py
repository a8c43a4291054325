"""Lay OpenMoji out as a small team's two sources: its own repository, and a web gallery."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lowdiff.catalog.chunks import chunks
from lowdiff.errors import ServiceError
from lowdiff.ingest.openmoji import (
    ATTRIBUTION,
    HOMEPAGE,
    LICENCE,
    Graphic,
    bring_openmoji,
    corpus_folder,
    read_graphics,
)
from lowdiff.workspace import Workspace

RACCOON = "1F99D"
OWN_SHARE = 0.6
PER_PAGE = 60
GALLERY_PORT = 8901
ROBOTS = "User-agent: *\nAllow: /\n"

OWN_SOURCE = f"""\
# The demo's "own repository": a folder of SVGs with an index of titles and tags.
# `lowdiff corpus openmoji` brings the images; path is relative to the workspace.
name = "openmoji-own"
kind = "folder"
licence = "{LICENCE}"
attribution = "{ATTRIBUTION}"
path = "corpora/openmoji/own"
glob = ["*.svg"]

[metadata]
index = "index.json"
file = "file"
title = "title"
tags = ["tags"]
"""
GALLERY_SOURCE = f"""\
# The demo's web site: a gallery that lowdiff serves on this machine while it crawls it.
name = "openmoji-gallery"
kind = "web"
licence = "{LICENCE}"
attribution = "{ATTRIBUTION}"
contact = "{HOMEPAGE}"
start_urls = ["http://127.0.0.1:{{port}}/"]
follow = ['/page-\\d+\\.html$']
images = ['\\.svg$']
max_pages = 200
delay_s = 0
concurrency = 4
allow_loopback = true
serve_folder = "corpora/openmoji/gallery"
"""
PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>OpenMoji gallery, page {number}</title></head>
<body>
<h1>OpenMoji gallery</h1>
<p>{attribution} · <a href="{homepage}">openmoji.org</a></p>
{figures}
<nav>{links}</nav>
</body>
</html>
"""


@dataclass(frozen=True)
class Layout:
    """How many images lie where."""

    own: int
    gallery: int


def lay_out_openmoji(workspace: Workspace, count: int, *, port: int = GALLERY_PORT) -> Layout:
    """Bring OpenMoji and lay out `count` of its graphics as two sources, with their TOML files.

    The choice depends on the hexcodes alone: a larger count only adds images, and an image never
    moves from one source to the other. TOML files that are there already are left alone.

    Args:
        port: where the gallery will be served.

    Raises:
        ServiceError: npm fails or the disk is full.
    """
    graphics = choose(read_graphics(bring_openmoji(workspace)), count)
    own = [graphic for graphic in graphics if belongs_to_us(graphic.hexcode)]
    shown = [graphic for graphic in graphics if not belongs_to_us(graphic.hexcode)]
    root = corpus_folder(workspace)
    try:
        _write_own(root / "own", own)
        _write_gallery(root / "gallery", shown)
        workspace.sources.mkdir(parents=True, exist_ok=True)
        _write_once(workspace.sources / "openmoji-own.toml", OWN_SOURCE)
        _write_once(workspace.sources / "openmoji-gallery.toml", GALLERY_SOURCE.format(port=port))
    except OSError as error:
        raise ServiceError(
            root,
            f"cannot be written ({error.strerror})",
            reason="corpus_not_writable",
            do="Free the disk or mend the permissions, then run the same command again.",
        ) from error
    return Layout(own=len(own), gallery=len(shown))


def choose(graphics: Sequence[Graphic], count: int) -> list[Graphic]:
    """`count` graphics by the hash of their hexcode, always with the raccoon, in hexcode order."""
    ranked = sorted(
        graphics, key=lambda one: (one.hexcode != RACCOON, _hash("chosen", one.hexcode))
    )
    return sorted(ranked[: max(0, count)], key=lambda one: one.hexcode)


def belongs_to_us(hexcode: str) -> bool:
    """True for the six in ten that lie in the own repository."""
    return _hash("own", hexcode) < OWN_SHARE * 2**64


def gallery_page(graphics: Sequence[Graphic], *, number: int, last: int) -> str:
    """One page of the gallery: figures with alternative text, and links to all other pages."""
    figures = "\n".join(
        f'<figure><img src="images/{escape(one.hexcode)}.svg" alt="{escape(one.title)}" '
        f'title="{escape(one.group)}"><figcaption>{escape(one.title)}</figcaption></figure>'
        for one in graphics
    )
    names = [page_name(other) for other in range(1, last + 1)]
    links = " ".join(f'<a href="{name}">{i}</a>' for i, name in enumerate(names, start=1))
    return PAGE.format(
        number=number, attribution=ATTRIBUTION, homepage=HOMEPAGE, figures=figures, links=links
    )


def page_name(number: int) -> str:
    """File name of a page; the first one is `page-1.html` and also the index."""
    return f"page-{number}.html"


def _write_own(folder: Path, graphics: Sequence[Graphic]) -> None:
    _keep_only(folder, graphics)
    rows = [
        {
            "file": f"{one.hexcode}.svg",
            "title": one.title,
            "group": one.group,
            "tags": list(one.tags),
        }
        for one in graphics
    ]
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    _write(folder / "index.json", text)


def _write_gallery(folder: Path, graphics: Sequence[Graphic]) -> None:
    _keep_only(folder / "images", graphics)
    pages = list(chunks(graphics, PER_PAGE)) or [[]]
    for old in folder.glob("page-*.html"):
        old.unlink()
    for number, some in enumerate(pages, start=1):
        text = gallery_page(some, number=number, last=len(pages))
        _write(folder / page_name(number), text)
        if number == 1:
            _write(folder / "index.html", text)
    _write(folder / "robots.txt", ROBOTS)


def _keep_only(folder: Path, graphics: Sequence[Graphic]) -> None:
    """Make the folder hold exactly these graphics; what is there already is not copied again."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{one.hexcode}.svg": one for one in graphics}
    here = {path.name: path for path in folder.glob("*.svg")}
    for name in here.keys() - wanted.keys():
        here[name].unlink()
    for name, one in wanted.items():
        if name not in here or here[name].stat().st_size != one.path.stat().st_size:
            shutil.copy2(one.path, folder / name)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _write_once(path: Path, text: str) -> None:
    if not path.exists():
        path.write_text(text, encoding="utf-8")


def _hash(what: str, hexcode: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{what}:{hexcode}".encode()).digest()[:8], "big")
