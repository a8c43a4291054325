"""What a web page shows and where it leads; pure text in, addresses out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from lowdiff.ingest.optout import follows_links

_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_IMAGE_METAS = (
    "og:image",
    "og:image:url",
    "og:image:secure_url",
    "twitter:image",
    "twitter:image:src",
)
_CANDIDATE = re.compile(r"(\S*[^,\s])(?:\s+([\d.]+)([wx]))?\s*(?:,|$)")


@dataclass(frozen=True)
class ShownImage:
    """An image on a page with what the page says of it."""

    url: str
    alt_text: str | None
    title: str | None
    caption: str | None
    """Text of the `figcaption` of its `figure`."""


@dataclass(frozen=True)
class Page:
    """Images and links in the order of the page, each address once."""

    title: str | None
    images: tuple[ShownImage, ...]
    links: tuple[str, ...]
    """Without those that the page asks not to follow (`nofollow`)."""
    metas: tuple[tuple[str, str], ...] = ()
    """Name (or property) and content of its `<meta>` elements; the name in lower case."""


def read_page(body: bytes, *, url: str, content_type: str = "") -> Page:
    """Read a page; broken markup is read as a browser would.

    Args:
        url: its final address; relative addresses start from it or from its `<base href>`.
        content_type: the header, for its charset.
    """
    tree = LexborHTMLParser(_as_text(body, content_type))
    base_node = tree.css_first("base[href]")
    base = _join(url, _attribute(base_node, "href")) or url
    metas = tuple(_metas(tree))
    images: dict[str, ShownImage] = {}
    for image in (*_elements(tree, base), *_named_by_head(tree, base, dict(reversed(metas)))):
        images.setdefault(image.url, image)
    title = tree.css_first("title")
    return Page(
        title=_clean(title.text()) if title else None,
        images=tuple(images.values()),
        links=tuple(dict.fromkeys(_links(tree, base))) if follows_links(metas) else (),
        metas=metas,
    )


def best_candidate(srcset: str) -> str | None:
    """The address of the largest picture in a `srcset`."""
    found = _candidates(srcset)
    return max(found, key=lambda one: one[1])[0] if found else None


def _candidates(srcset: str) -> list[tuple[str, float]]:
    """Addresses and their sizes: a width in pixels, or 1,000 times a density."""
    return [
        (match[1], _number(match[2] or "1") * (1.0 if match[3] == "w" else 1000.0))
        for match in _CANDIDATE.finditer(srcset.strip())
        if not match[1].startswith("data:")
    ]


def _elements(tree: LexborHTMLParser, base: str) -> Iterator[ShownImage]:
    for node in tree.css("img"):
        address = _join(base, _best_address(node))
        if address:
            yield _shown(node, address)
    for node in tree.css("svg image"):
        address = _join(base, _attribute(node, "href") or _attribute(node, "xlink:href"))
        if address:
            yield _shown(node, address)


def _named_by_head(
    tree: LexborHTMLParser, base: str, metas: dict[str, str]
) -> Iterator[ShownImage]:
    """What the page names as its picture for others to show."""
    alt = _clean(metas.get("og:image:alt") or metas.get("twitter:image:alt"))
    named = [metas[key] for key in _IMAGE_METAS if key in metas]
    named += [_attribute(node, "href") or "" for node in tree.css("link[rel~=image_src]")]
    for one in named:
        address = _join(base, one)
        if address:
            yield ShownImage(address, alt, None, None)


def _metas(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    for node in tree.css("meta"):
        name = _attribute(node, "name") or _attribute(node, "property")
        content = _attribute(node, "content")
        if name and content:
            yield name.strip().lower(), content


def _links(tree: LexborHTMLParser, base: str) -> Iterator[str]:
    for node in tree.css("a[href], area[href]"):
        address = _join(base, _attribute(node, "href"))
        if address and "nofollow" not in (_attribute(node, "rel") or "").lower().split():
            yield address


def _shown(node: LexborNode, address: str) -> ShownImage:
    return ShownImage(
        url=address,
        alt_text=_clean(_attribute(node, "alt")),
        title=_clean(_attribute(node, "title")),
        caption=_caption(node),
    )


def _best_address(node: LexborNode) -> str | None:
    """The largest of `srcset` and of the `<source>`s beside it, else `src`, else a late one."""
    beside: list[LexborNode] = []
    if node.parent is not None and node.parent.tag == "picture":
        beside = node.parent.css("source")
    found: list[tuple[str, float]] = []
    for one in (node, *beside):
        for key in ("srcset", "data-srcset"):
            found += _candidates(_attribute(one, key) or "")
    if found:
        return max(found, key=lambda one: one[1])[0]
    for key in ("src", "data-src"):
        address = _attribute(node, key)
        if address and not address.startswith("data:"):
            return address
    return None


def _caption(node: LexborNode) -> str | None:
    parent = node.parent
    while parent is not None and parent.tag != "figure":
        parent = parent.parent
    caption = parent.css_first("figcaption") if parent is not None else None
    return _clean(caption.text(separator=" ")) if caption else None


def _join(base: str, address: str | None) -> str | None:
    """An absolute http(s) address without fragment, or None."""
    if not address:
        return None
    try:
        joined = urldefrag(urljoin(base, address.strip())).url
        parts = urlsplit(joined)
    except ValueError:
        return None
    return joined if parts.scheme in ("http", "https") and parts.netloc else None


def _attribute(node: LexborNode | None, key: str) -> str | None:
    return node.attributes.get(key) if node is not None else None


def _clean(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _as_text(body: bytes, content_type: str) -> str:
    declared = _CHARSET.search(content_type) or _CHARSET.search(body[:2048].decode("latin-1"))
    try:
        return body.decode(declared[1] if declared else "utf-8", errors="replace")
    except LookupError:
        return body.decode("utf-8", errors="replace")
