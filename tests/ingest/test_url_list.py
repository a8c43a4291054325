from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lowdiff.catalog.engine import Catalog
from lowdiff.catalog.tables import Find, Rejection
from lowdiff.errors import InputError
from lowdiff.ingest.discover import discover
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.offered import Found
from lowdiff.ingest.outside import open_outside
from lowdiff.ingest.source_kinds import UrlsSource
from lowdiff.ingest.url_list import ListedHosts, offers_of_list
from lowdiff.workspace import Workspace
from tests.ingest.conftest import Site, png, reply
from tests.ingest.stored import source_of

CREDITED = {"caption": "said", "licence": "terms", "attribution": "by", "tags": ["words"]}


def listed(path: Path, **keys: Any) -> UrlsSource:
    source = source_of("urls", path=str(path), contact="me@example.org", **keys)
    assert isinstance(source, UrlsSource)
    return source


def look(path: Path, **keys: Any) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Address → hints, and what was refused → reason; the file's own error among them."""
    found: dict[str, dict[str, Any]] = {}
    refused: dict[str, str] = {}
    try:
        for one in offers_of_list(listed(path, **keys), path.parent):
            if isinstance(one, Found):
                found[one.offer.url] = one.offer.hints
            else:
                refused[one.item] = one.reason
    except InputError as error:
        refused[error.item] = error.reason
    return found, refused


def test_a_text_list_has_an_address_a_line_and_comments(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(
        b"\xef\xbb\xbfhttps://a.example/1.png\r\n# a comment\n\n  https://b.example/2.png  \n"
    )
    found, refused = look(path)
    assert list(found) == ["https://a.example/1.png", "https://b.example/2.png"]
    assert refused == {}


def test_lines_without_a_good_address_are_refused_by_their_number(tmp_path):
    path = tmp_path / "list.txt"
    bad = [
        "ftp://a.example/1.png",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "no address",
        "https://user:secret@a.example/1.png",
        f"https://a.example/{'x' * 9000}",
    ]
    path.write_bytes("\n".join([*bad, "https://a.example/good.png"]).encode() + b"\n\xff\xfe\n")
    found, refused = look(path)
    assert list(found) == ["https://a.example/good.png"]
    assert refused == {f"list.txt#line={n}": "bad_url" for n in (1, 2, 3, 4, 5, 6, 7, 9)}


def test_a_password_in_an_address_is_told_to_nobody(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("https://user:secret@a.example/1.png\n")
    [refusal] = offers_of_list(listed(path), tmp_path)
    assert isinstance(refusal, InputError)
    assert "secret" not in str(refusal)


def test_a_csv_list_brings_captions_licences_and_tags(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(
        "link,said,terms,by,words\n"
        'https://a.example/1.png,"a ""red"" dot",'
        'https://creativecommons.org/licenses/by/4.0/,A,"x, y"\n'
        "https://a.example/2.png,,,,\n",
        encoding="utf-8-sig",
    )
    found, refused = look(path, url="link", columns=CREDITED)
    assert found == {
        "https://a.example/1.png": {
            "caption": 'a "red" dot',
            "licence": "CC-BY-4.0",
            "attribution": "A",
            "tags": ["x", "y"],
        },
        "https://a.example/2.png": {"licence": "NOASSERTION"},
    }
    assert refused == {}


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("link,said\nhttps://a.example/1.png,x\n")
    with pytest.raises(InputError, match=r"'url'.*found link, said"):
        list(offers_of_list(listed(path), tmp_path))
    with pytest.raises(InputError, match="'terms'"):
        list(offers_of_list(listed(path, url="link", columns={"licence": "terms"}), tmp_path))


def test_a_huge_cell_does_not_end_the_list_and_is_cut(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(
        f"url,said\nhttps://a.example/1.png,{'x' * 300_000}\nhttps://a.example/2.png,short\n"
    )
    found, refused = look(path, columns={"caption": "said"})
    assert [len(hints["caption"]) for hints in found.values()] == [10_000, 5]
    assert refused == {}


@pytest.mark.parametrize("rest", [b'"' + b"x" * 5_000_000, b"https://a.example/\xff.png"])
def test_a_csv_that_is_broken_in_the_middle_gives_the_rows_before(tmp_path, rest):
    path = tmp_path / "list.csv"
    path.write_bytes(b"url\n" + b"https://a.example/1.png\n" * 2000 + rest)
    found, refused = look(path)
    assert (list(found), refused) == (["https://a.example/1.png"], {str(path): "bad_list"})


def test_an_empty_list_and_one_with_a_head_only_are_told_apart(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("")
    assert look(path) == ({}, {str(path): "bad_columns"})
    path.write_text("url\n")
    assert look(path) == ({}, {})
    assert look(tmp_path / "none.txt") == ({}, {str(tmp_path / "none.txt"): "unreadable"})


def test_a_parquet_list_is_read_with_its_nulls(tmp_path):
    path = tmp_path / "list.parquet"
    table = pa.table(
        {
            "url": pa.array(["https://a.example/1.png", None, "https://a.example/2.png"]),
            "said": pa.array(["one", "two", None]).dictionary_encode(),
            "terms": ["CC0-1.0", "MIT", None],
            "by": pa.nulls(3, pa.string()),
            "words": [["x", None, " y "], [], None],
            "unused": [b"x" * 1000] * 3,
        }
    )
    pq.write_table(table, path, row_group_size=1)
    found, refused = look(path, columns=CREDITED)
    assert found == {
        "https://a.example/1.png": {"caption": "one", "licence": "CC0-1.0", "tags": ["x", "y"]},
        "https://a.example/2.png": {"licence": "NOASSERTION"},
    }
    assert refused == {"list.parquet#row=1": "bad_url"}


def test_a_parquet_list_with_a_wrong_type_or_none_at_all_is_one_clear_error(tmp_path):
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"url": [1, 2]}), path)
    with pytest.raises(InputError, match="found int64, allowed string"):
        list(offers_of_list(listed(path), tmp_path))
    path.write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(InputError, match="no Parquet"):
        list(offers_of_list(listed(path), tmp_path))


def test_a_parquet_list_that_is_broken_in_the_middle_gives_the_rows_before(tmp_path):
    path = tmp_path / "list.parquet"
    urls = [f"https://a.example/{number}.png" for number in range(3000)]
    pq.write_table(pa.table({"url": urls}), path, row_group_size=1000, compression="zstd")
    raw = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(2).column(0).dictionary_page_offset
    raw[start : start + 200] = b"\xff" * 200
    path.write_bytes(raw)
    found, refused = look(path)
    assert list(found) == urls[:2000]
    assert refused == {str(path): "bad_list"}


def test_only_hosts_of_the_list_and_those_allowed_besides_may_be_asked(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("https://A.example/1.png\nhttp://b.example:8080/2.png\n")
    source = listed(path, allowed_hosts=["CDN.example"])
    hosts = source.with_listed(ListedHosts(source, tmp_path)).hosts
    assert all(host in hosts for host in ("a.example", "b.example", "cdn.example"))
    assert "c.example" not in hosts
    path.write_text("https://c.example/1.png\n")
    assert "c.example" in hosts
    assert "a.example" not in hosts


def test_a_list_is_queued_once_and_fetched(
    site: Site, workspace: Workspace, catalog: Catalog, tmp_path: Path
):
    site.has("/1.png", reply(png((255, 0, 0)), Content_Type="image/png"))
    path = tmp_path / "list.txt"
    path.write_text(f"{site.url}/1.png\n{site.url}/1.png\nnothing\n")
    source = listed(path, delay_s=0.0, allow_loopback=True)
    with open_outside({"one": source}, workspace=workspace, limits=Limits(), workers=1) as outside:
        first = discover("one", outside=outside, catalog=catalog)
        again = discover("one", outside=outside, catalog=catalog)
        body = outside.fetch("one", f"{site.url}/1.png").body
    assert (first.new, again.new, first.refused) == (1, 0, 1)
    assert body == png((255, 0, 0))
    with catalog.read() as session:
        assert [row.url for row in session.query(Find)] == [f"{site.url}/1.png"]
        assert [row.reason for row in session.query(Rejection)] == ["bad_url"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_list_may_be_separated_as_excel_does_it(tmp_path, separator):
    path = tmp_path / "list.csv"
    rows = [["url", "said"], ["https://a.example/1.png", '"one, two; three"']]
    path.write_text("\n".join(separator.join(row) for row in rows))
    found, refused = look(path, columns={"caption": "said"})
    assert found == {"https://a.example/1.png": {"caption": "one, two; three"}}
    assert refused == {}
