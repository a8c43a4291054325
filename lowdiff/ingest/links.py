"""What a web page shows and where it leads; pure text in, addresses out."""

import re
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
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


def read_page(body: bytes, *, url: str, content_type: str = "") -> Page:
    """Read a page; broken markup is read as a browser would.

    Args:
        url: its final address; relative addresses start from it or from its `<base href>`.
        content_type: the header, for its charset.
    """
    tree = LexborHTMLParser(_as_text(body, content_type))
    base_node = tree.css_first("base[href]")
    base = _join(url, _attribute(base_node, "href")) or url
    images: dict[str, ShownImage] = {}
    for node in tree.css("img"):
        address = _join(base, _best_address(node))
        if address:
            images.setdefault(address, _shown(node, address))
    links = (_join(base, _attribute(node, "href")) for node in tree.css("a[href], area[href]"))
    title = tree.css_first("title")
    return Page(
        title=_clean(title.text()) if title else None,
        images=tuple(images.values()),
        links=tuple(dict.fromkeys(link for link in links if link)),
    )


def best_candidate(srcset: str) -> str | None:
    """The address of the largest picture in a `srcset`."""
    best, best_size = None, -1.0
    for match in _CANDIDATE.finditer(srcset.strip()):
        size = _number(match[2]) * (1000.0 if match[3] == "x" else 1.0)
        if size > best_size:
            best, best_size = match[1], size
    return best


def _shown(node: LexborNode, address: str) -> ShownImage:
    return ShownImage(
        url=address,
        alt_text=_clean(_attribute(node, "alt")),
        title=_clean(_attribute(node, "title")),
        caption=_caption(node),
    )


def _best_address(node: LexborNode) -> str | None:
    """The largest of `srcset`, else `src`, else what scripts load later."""
    for key in ("srcset", "data-srcset"):
        best = best_candidate(_attribute(node, key) or "")
        if best and not best.startswith("data:"):
            return best
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
