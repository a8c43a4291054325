import base64
import io

import pytest
from PIL import Image

from lowdiff.errors import InputError
from lowdiff.ingest.decode import decode
from lowdiff.ingest.describe import describe_image
from lowdiff.ingest.limits import Limits

RED = (255, 0, 0, 255)
BODY = '<rect width="9" height="9" fill="red"/>'
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(inner: str = "", *, head: str = "", root: str = "") -> bytes:
    return (
        f'{head}<svg xmlns="http://www.w3.org/2000/svg" {XLINK} width="9" height="9" {root}>'
        f"{BODY}{inner}</svg>"
    ).encode()


REFUSED = {
    "svg_script": [
        svg("<script>alert(1)</script>"),
        svg('<script href="data:text/javascript,1"/>'),
        svg(root='onload="alert(1)"'),
        svg('<rect onclick="x()"/>'),
        svg('<a xlink:href="javascript:x()"><path d="M0 0"/></a>'),
        svg('<s:script xmlns:s="http://www.w3.org/2000/svg">x</s:script>'),
    ],
    "svg_foreign_object": [svg("<foreignObject><p>Hello</p></foreignObject>")],
    "external_reference": [
        svg('<image href="other.png" width="9" height="9"/>'),
        svg('<image href="/etc/passwd" width="9" height="9"/>'),
        svg('<use href="other.svg#a"/>'),
        svg('<use xlink:href="http://127.0.0.1/a.svg#a"/>'),
        svg('<rect fill="url(other.svg#a)"/>'),
        svg('<rect style="fill:url(&quot;http://a.b/c#d&quot;)"/>'),
        svg("<style>@import 'http://a.b/c.css';</style>"),
        svg("<style>@font-face{font-family:a;src:url(http://a.b/c.woff)}</style>"),
        svg(head='<?xml-stylesheet href="a.css"?>'),
        svg(head='<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        svg('<filter id="f"><feImage href="file:///a.png"/></filter>'),
    ],
    "svg_entities": [
        svg(head='<!DOCTYPE svg [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>'),
        svg(head=f'<!DOCTYPE svg [<!ENTITY a "{"b" * 5000}">]>'),
    ],
    "svg_too_complex": [
        svg('<filter id="f"><feTurbulence numOctaves="99999"/></filter>'),
        svg('<filter id="f">' + '<feFlood flood-color="red"/>' * 2_000 + "</filter>"),
    ],
    "svg_too_deep": [svg("<g>" * 200 + "</g>" * 200)],
    "broken_image": [svg("<g>"), svg("&nope;")],
    "not_an_image": [b"<html2><svg></svg></html2>"],
}


@pytest.mark.parametrize(
    ("reason", "body"), [(reason, body) for reason, bodies in REFUSED.items() for body in bodies]
)
def test_what_is_no_plain_picture_is_refused_by_its_name(reason, body):
    with pytest.raises(InputError) as refusal:
        describe_image(body, item="x", limits=Limits())
    assert refusal.value.reason == reason, refusal.value


@pytest.mark.parametrize(
    "body",
    [
        svg('<a xlink:href="https://example.org/"><path d="M0 0"/></a>'),
        svg('<rect width="1" height="1"><animate attributeName="x" dur="1s"/></rect>'),
        svg(
            '<rect xmlns:ns="&ns;" width="1" height="1"/>',
            head='<!DOCTYPE svg PUBLIC "a" "http://www.w3.org/svg11.dtd" [<!ENTITY ns "urn:a">]>',
        ),
        svg('<linearGradient id="g"><stop/></linearGradient><path fill="url(#g)" d="M0 0"/>'),
        svg('<g id="a"/><use xlink:href="#a"/><use/>'),
        svg("<style>rect{fill:red}</style>"),
        svg('<path fill="url( #g)" d="M0 0"/><path fill="url(&quot; #g&quot;)" d="M0 0"/>'),
        svg('<switch><foreignObject requiredExtensions="urn:x"/><g/></switch>'),
        svg('<text x="1" y="1" font-family="no such font" font-size="1">a</text>'),
        svg('<filter id="f"><feGaussianBlur stdDeviation="2"/></filter>'),
    ],
)
def test_what_harms_nobody_is_drawn(body):
    assert decode(body, "svg", item="x", longest_px=9).getpixel((7, 7)) == RED


def embedded(side_px: int, times: int = 1) -> bytes:
    out = io.BytesIO()
    Image.new("1", (side_px, side_px)).save(out, "PNG")
    url = base64.b64encode(out.getvalue()).decode()
    return svg(f'<image xlink:href="data:image/png;base64,{url}" width="1" height="1"/>' * times)


def test_pictures_inside_count_together():
    assert describe_image(embedded(2000, 2), item="x", limits=Limits()).facts.format == "svg"
    with pytest.raises(InputError) as refusal:
        describe_image(embedded(2000, 5), item="x", limits=Limits())
    assert refusal.value.reason == "too_many_pixels"
