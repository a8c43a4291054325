"""XMP: the RDF packet that images carry, read by a parser that expands nothing."""

from dataclasses import dataclass, field
from xml.parsers import expat

MAX_XMP_BYTES = 1 << 20
"""A packet beyond that (with thumbnails, say) is not read."""
_MAX_DEPTH = 64
_MAX_VALUES = 2_000
_MAX_CHARS = 10_000
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CONTAINERS = frozenset(f"{_RDF} {name}" for name in ("Alt", "Bag", "Seq", "li", "Description"))

NAMESPACES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://creativecommons.org/ns#": "cc",
    "http://web.resource.org/cc/": "cc",
    "http://ns.useplus.org/ldf/xmp/1.0/": "plus",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://www.w3.org/ns/tdmrep#": "tdm",
    "http://www.w3.org/ns/tdmrep/": "tdm",
}


@dataclass
class Properties:
    """Collects the properties of RDF from the events of an XML parser with namespaces."""

    values: dict[str, list[str]] = field(default_factory=dict)
    """Such as `dc:creator` → its values, in order."""
    _path: list[str] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _count: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; a property may be one of its attributes."""
        if len(self._path) >= _MAX_DEPTH:
            raise ValueError("nests too deep")
        self._path.append(name)
        self._texts.append("")
        for key, value in attributes.items():
            self._keep(self._property() if key == f"{_RDF} resource" else _short(key), value)

    def end(self) -> None:
        """An element ends; it may have been the value of a property."""
        text, short = self._texts.pop(), self._property()
        self._path.pop()
        self._keep(short, text)

    def text(self, said: str) -> None:
        """Text inside the innermost element."""
        if self._texts and len(self._texts[-1]) < _MAX_CHARS:
            self._texts[-1] += said

    def _keep(self, name: str, value: str) -> None:
        value = value.strip()
        if name and value and self._count < _MAX_VALUES:
            self._count += 1
            self.values.setdefault(name, []).append(value[:_MAX_CHARS])

    def _property(self) -> str:
        """The innermost open property, looking through the lists of RDF.

        What lies inside a property of Dublin Core belongs to that: an author is often an agent
        with a title of its own.
        """
        for name in self._path:
            if _short(name).startswith("dc:"):
                return _short(name)
        for name in reversed(self._path):
            if name not in _CONTAINERS:
                return _short(name)
        return ""


def read_xmp(packet: bytes) -> dict[str, list[str]]:
    """Properties such as `dc:creator` → their values in order.

    Only the namespaces that say something about rights and authors are kept. A property of RDF
    may be an attribute, an element, or a list of elements: all three are read.

    Raises:
        ValueError: the packet is broken, too big, or declares entities.
    """
    if len(packet) > MAX_XMP_BYTES:
        raise ValueError("too big")
    properties = Properties()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = properties.start
    parser.EndElementHandler = lambda _name: properties.end()
    parser.CharacterDataHandler = properties.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(packet.strip(b"\0 \r\n\t\xef\xbb\xbf"), True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(str(error)) from error
    return properties.values


def _short(name: str) -> str:
    """`dc:title` for the full name; empty for a namespace that does not matter here."""
    namespace, _space, local = name.rpartition(" ")
    prefix = NAMESPACES.get(namespace)
    return f"{prefix}:{local}" if prefix else ""


def _refuse(*_told: object) -> None:
    raise ValueError("declares a document type, which could declare entities")
