from hypothesis import given
from hypothesis import strategies as st

from lowdiff.ingest.links import best_candidate, read_page

URL = "https://example.org/gallery/1.html"


def test_an_image_brings_its_alt_text_title_and_caption():
    html = b"""<title> Our  art </title><figure><div>
    <img src="../a.png" alt="a fox" title="Animals">
    </div><figcaption>A <b>red</b> fox</figcaption></figure><img src=/b.svg#part>"""
    page = read_page(html, url=URL)
    assert page.title == "Our art"
    fox, plain = page.images
    assert (fox.url, fox.alt_text, fox.title) == ("https://example.org/a.png", "a fox", "Animals")
    assert fox.caption is not None
    assert fox.caption.split() == ["A", "red", "fox"]
    assert (plain.url, plain.alt_text, plain.caption) == ("https://example.org/b.svg", None, None)


def test_of_a_srcset_the_largest_is_taken():
    assert best_candidate("s.png 320w, m.png 640w, l.png 1280w") == "l.png"
    assert best_candidate("one.png, two.png 2x") == "two.png"
    assert best_candidate("a,b.png 2x") == "a,b.png"
    html = b'<img src="small.png" srcset="big.png 2x, mid.png 1.5x">'
    assert read_page(html, url=URL).images[0].url == "https://example.org/gallery/big.png"


def test_of_a_picture_the_largest_source_is_taken_with_the_texts_of_its_img():
    html = b"""<picture><source srcset="s.webp 400w, b.webp 1600w" type="image/webp">
    <source srcset="m.avif 800w"><img src="a.jpg" srcset="a.jpg 300w" alt="a fox"></picture>
    <picture><source srcset="other.webp"><img src="plain.jpg" srcset="own.jpg"></picture>"""
    big, plain = read_page(html, url=URL).images
    assert (big.url.rpartition("/")[2], big.alt_text) == ("b.webp", "a fox")
    assert plain.url.endswith("own.jpg")  # of equal ones the page's own


def test_pictures_that_the_head_names_and_those_inside_drawings_are_seen():
    html = b"""<head><meta property="og:image" content="/og.png"><meta property="og:image"
    content="/second.png"><meta property="og:image:alt" content="a hen">
    <meta name="twitter:image" content="https://cdn.example.org/t.png">
    <link rel="image_src" href="/link.png"></head><body><img src="/og.png" alt="shown">
    <svg><image xlink:href="/in.svg.png"/><image href="/new.png"/></svg>"""
    images = {one.url.rpartition("/")[2]: one.alt_text for one in read_page(html, url=URL).images}
    assert images == {
        "og.png": "shown", "in.svg.png": None, "new.png": None, "t.png": "a hen",
        "link.png": "a hen",
    }  # fmt: skip


def test_a_page_tells_its_metas_and_keeps_its_links_when_asked():
    html = b"""<meta name="Robots" content="noai"><a href="/a" rel="nofollow noopener"></a>
    <a href="/b" rel="next"></a>"""
    page = read_page(html, url=URL)
    assert page.metas == (("robots", "noai"),)
    assert page.links == ("https://example.org/b",)
    assert read_page(html + b"<meta name=lowdiff content=nofollow>", url=URL).links == ()


def test_pictures_of_style_sheets_are_none_of_the_page():
    html = b"""<style>body { background: url(/wall.png) }</style>
    <link rel="stylesheet" href="/all.css"><link rel="icon" href="/tab.png">
    <div style="background-image: url(/box.png)"><img src="/real.png"></div>"""
    assert [one.url for one in read_page(html, url=URL).images] == ["https://example.org/real.png"]


def test_late_images_are_seen_and_inline_ones_are_not():
    html = b"""<img src="data:image/gif;base64,AA" data-src="real.png"><img src="data:x">
    <img><img src=""><img src="javascript:x">"""
    images = read_page(html, url=URL).images
    assert [image.url for image in images] == ["https://example.org/gallery/real.png"]


def test_links_are_absolute_once_and_of_the_web():
    html = b"""<base href="https://cdn.example.org/x/"><a href="y"></a><a href="y#z"></a>
    <a href="mailto:a@b"></a><a href="http://[broken"></a><area href="/w">"""
    assert read_page(html, url=URL).links == (
        "https://cdn.example.org/x/y",
        "https://cdn.example.org/w",
    )


def test_the_charset_of_the_header_or_the_page_counts():
    body = '<meta charset="iso-8859-1"><img src="a" alt="Bär">'.encode("latin-1")
    assert read_page(body, url=URL).images[0].alt_text == "Bär"
    body = '<img src="a" alt="Bär">'.encode("cp1252")
    page = read_page(body, url=URL, content_type="text/html; charset=windows-1252")
    assert page.images[0].alt_text == "Bär"


@given(st.binary(max_size=400))
def test_any_bytes_are_a_page(body):
    read_page(body, url=URL)


@given(st.text(alphabet="<>imgasrchef=\"' /:[]#?&;", max_size=120))
def test_broken_markup_gives_only_web_addresses(text):
    page = read_page(text.encode(), url=URL)
    addresses = [image.url for image in page.images] + list(page.links)
    assert all(one.startswith(("http://", "https://")) for one in addresses)
