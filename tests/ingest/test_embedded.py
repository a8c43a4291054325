import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lowdiff.ingest.decode import decode
from lowdiff.ingest.describe import describe_image
from lowdiff.ingest.embedded import MAX_VALUE_CHARS
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.xmp import read_xmp

PROHIBITED = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:tdm="http://www.w3.org/ns/tdmrep/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmpRights:WebStatement="https://example.org/terms" tdm:reserve="1">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Bär</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>Ada</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>
<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) us</rdf:li></rdf:Alt></dc:rights>
<plus:DataMining>{PROHIBITED}</plus:DataMining>
<Iptc4xmpExt:DigitalSourceType
 rdf:resource="http://cv.iptc.org/newscodes/digitalsourcetype/digitalArt"/>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
SAID = {
    "title": "Bär",
    "author": "Ada; Bob",
    "copyright": "(c) us",
    "licence_url": "https://example.org/terms",
    "data_mining": PROHIBITED,
    "tdm_reservation": "1",
    "digital_source_type": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalArt",
    "data_mining_source": "XMP",
}


def saved(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(out, kind, **options)
    return out.getvalue()


def said(body: bytes) -> dict[str, object]:
    return dict(describe_image(body, item="x", limits=Limits()).facts.embedded)


def png_with(**texts: str | bytes) -> bytes:
    info = PngInfo()
    for key, value in texts.items():
        if isinstance(value, bytes):
            info.add_itxt(key, value.decode())
        else:
            info.add_text(key, value, zip=len(value) > 100)
    return saved("PNG", pnginfo=info)


def gif_with_xmp() -> bytes:
    plain = saved("GIF")
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    block = b"\x21\xff\x0bXMP DataXMP" + XMP + trailer
    place = plain.index(b"\x2c", 13)  # before the picture
    return plain[:place] + block + plain[place:]


def iptc(*fields: tuple[int, bytes]) -> bytes:
    data = b"".join(
        b"\x1c\x02" + struct.pack(">BH", tag, len(value)) + value for tag, value in fields
    )
    data += b"\0" * (len(data) % 2)
    resource = b"8BIM" + struct.pack(">H", 0x0404) + b"\0\0" + struct.pack(">I", len(data)) + data
    segment = b"Photoshop 3.0\0" + resource
    return (
        saved("JPEG")[:2]
        + b"\xff\xed"
        + struct.pack(">H", len(segment) + 2)
        + segment
        + saved("JPEG")[2:]
    )


def test_an_image_without_metadata_says_nothing():
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "ICO", "PPM"):
        assert said(saved(kind)) == {}


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "AVIF"])
def test_xmp_is_read_from_every_format_that_carries_it(kind):
    options = {"tiffinfo": {700: XMP}} if kind == "TIFF" else {"xmp": XMP}
    assert said(saved(kind, **options)) == SAID


def test_xmp_is_read_from_a_text_of_a_png_and_from_a_block_of_a_gif():
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    assert said(saved("PNG", pnginfo=info)) == SAID
    assert said(gif_with_xmp()) == SAID


def test_png_texts_give_title_author_and_rights():
    body = png_with(Title="A bear", Author="Ada", Copyright="CC0", Description="b " * 300)
    assert said(body) == {
        "title": "A bear",
        "author": "Ada",
        "copyright": "CC0",
        "description": ("b " * 300).strip(),
    }


def test_exif_gives_artist_and_windows_titles():
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    exif[0x8298] = "(c) Ada"
    exif[0x9C9B] = "Bär".encode("utf-16-le") + b"\0\0"
    for kind in ("JPEG", "WEBP", "PNG", "TIFF"):
        found = said(saved(kind, exif=exif))
        assert found == {"author": "Ada", "copyright": "(c) Ada", "title": "Bär"}, kind


def test_iptc_gives_byline_and_copyright_but_xmp_goes_first():
    body = iptc((5, b"Name"), (80, b"Ada"), (80, b"Bob"), (116, "© Ada".encode()))
    assert said(body) == {"title": "Name", "author": "Ada; Bob", "copyright": "© Ada"}
    exif = Image.Exif()
    exif[0x013B] = "somebody else"
    assert said(saved("JPEG", xmp=XMP, exif=exif))["author"] == "Ada; Bob"


def test_svg_markup_gives_title_and_the_rdf_of_inkscape():
    body = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>Bear</title>
    <metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
     xmlns:cc="http://creativecommons.org/ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
    <cc:Work><dc:creator><cc:Agent><dc:title>Ada</dc:title></cc:Agent></dc:creator>
    <cc:license rdf:resource="http://creativecommons.org/publicdomain/zero/1.0/"/></cc:Work>
    </rdf:RDF></metadata><g><title>a part</title></g><rect width="9" height="9"/></svg>"""
    assert said(body) == {
        "title": "Bear",
        "author": "Ada",
        "licence_url": "http://creativecommons.org/publicdomain/zero/1.0/",
    }


@pytest.mark.parametrize(
    "packet",
    [
        b"<not closed",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b"<x>" * 200 + b"</x>" * 200,
        b"<x>" + b" " * (1 << 20) + b"</x>",
    ],
)
def test_broken_or_hostile_xmp_is_noted_and_costs_nothing(packet):
    with pytest.raises(ValueError, match=r"."):
        read_xmp(packet)
    body = saved("WEBP", xmp=packet)
    assert said(body) == {"broken": "XMP"}


def test_values_are_clean_and_short():
    body = png_with(Title="a\x00\x07 \n\t b\u202e", Author=("long " * 1000).encode())
    found = said(body)
    assert found["title"].startswith("a b")
    assert "\0" not in found["title"]
    assert len(found["author"]) <= MAX_VALUE_CHARS


def test_content_credentials_are_flagged():
    chunk = b"C2PA" + struct.pack("<I", 4) + b"jumb"
    body = saved("WEBP", lossless=True, xmp=XMP)
    longer = body + chunk
    assert said(longer[:4] + struct.pack("<I", len(longer) - 8) + longer[8:])["c2pa"] is True


def test_a_png_keeps_its_picture_when_a_text_is_a_bomb():
    import zlib

    plain = saved("PNG")
    data = b"Title\0\0" + zlib.compress(bytes(5_000_000))
    chunk = b"zTXt" + data
    bomb = struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    body = plain[:33] + bomb + plain[33:]
    assert said(body) == {}
    assert decode(body, "png", item="x").size == (8, 8)


@given(st.binary(max_size=200))
def test_any_xmp_is_read_or_refused(packet):
    try:
        read_xmp(packet)
    except ValueError:
        return
    assert packet
