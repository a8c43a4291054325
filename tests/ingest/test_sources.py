from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.catalog.images import UNKNOWN_LICENCE
from lowdiff.errors import InputError
from lowdiff.ingest.demo_corpus import GALLERY_PORT, GALLERY_SOURCE, OWN_SOURCE
from lowdiff.ingest.limits import Limits
from lowdiff.ingest.source_kinds import KINDS
from lowdiff.ingest.sources import WebSource, choose_sources, load_source, load_sources

FOLDER = {
    "name": '"brand"',
    "kind": '"folder"',
    "licence": '"CC0-1.0"',
    "attribution": '"us"',
    "path": '"x"',
}
WEB = {
    **FOLDER,
    "kind": '"web"',
    "contact": '"me@example.org"',
    "start_urls": '["https://example.org/"]',
}
del WEB["path"]
ARCHIVE = {**FOLDER, "kind": '"archive"', "path": '"x.zip"'}
URLS = {**FOLDER, "kind": '"urls"', "path": '"x.csv"', "contact": '"me@example.org"'}
COLLECTION = {**FOLDER, "kind": '"collection"'}
BUCKET = {**FOLDER, "kind": '"bucket"', "url": '"s3://brand/x"'}
del BUCKET["path"]


def toml(tmp_path: Path, values: dict[str, str], more: str = "") -> Path:
    path = tmp_path / "brand.toml"
    path.write_text("".join(f"{key} = {value}\n" for key, value in values.items()) + more)
    return path


def refusal_of(path: Path) -> str:
    with pytest.raises(InputError) as refusal:
        load_source(path)
    assert str(path) in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize("key", FOLDER)
def test_a_missing_key_is_named(tmp_path, key):
    values = {name: value for name, value in FOLDER.items() if name != key}
    assert f"'{key}' is missing" in refusal_of(toml(tmp_path, values))


def test_an_unknown_key_is_named_with_the_allowed_ones(tmp_path):
    message = refusal_of(toml(tmp_path, {**FOLDER, "globs": '["*"]'}))
    assert "'globs'" in message
    assert "glob," in message
    columns = refusal_of(toml(tmp_path, URLS, '[columns]\ntitel = "t"\n'))
    assert "'columns.titel'" in columns
    assert "title" in columns
    nested = refusal_of(toml(tmp_path, FOLDER, "[limits]\nmax_gb = 1\n"))
    assert "'limits.max_gb'" in nested
    assert "max_mb" in nested


@pytest.mark.parametrize(
    ("values", "key", "found"),
    [
        ({**FOLDER, "licence": '"free for all!"'}, "licence", "free for all!"),
        ({**FOLDER, "name": '"My Brand"'}, "name", "My Brand"),
        ({**FOLDER, "kind": '"ftp"'}, "kind", "ftp"),
        ({**FOLDER, "glob": '"*.svg"'}, "glob", "*.svg"),
        ({**FOLDER, "attribution": '""'}, "attribution", "''"),
        ({**FOLDER, "optouts_waived": '"because"'}, "optouts_waived", "because"),
        ({**ARCHIVE, "path": '"x.rar"'}, "path", "x.rar"),
        ({**ARCHIVE, "max_members": "0"}, "max_members", "0"),
        ({**ARCHIVE, "max_total_gb": "-1"}, "max_total_gb", "-1"),
        ({**URLS, "path": '"x.xlsx"'}, "path", "x.xlsx"),
        ({**URLS, "contact": '"x"'}, "contact", "x"),
        ({**URLS, "concurrency": "99"}, "concurrency", "99"),
        ({**COLLECTION, "image": "1"}, "image", "1"),
        ({**BUCKET, "url": '"brand/x"'}, "url", "brand/x"),
        ({**BUCKET, "url": '"https://a.example/x"'}, "url", "https:"),
        ({**BUCKET, "url": '"simplecache::s3://a/x"'}, "url", "simplecache::"),
        ({**BUCKET, "anonymous": '"no"'}, "anonymous", "no"),
        ({**WEB, "max_depth": "-1"}, "max_depth", "-1"),
        ({**WEB, "contact": '"nobody"'}, "contact", "nobody"),
        ({**WEB, "start_urls": '["file:///etc/passwd"]'}, "start_urls.0", "file:"),
        ({**WEB, "start_urls": "[]"}, "start_urls", "[]"),
        ({**WEB, "follow": '["("]'}, "follow.0", "("),
        ({**WEB, "delay_s": "-1"}, "delay_s", "-1"),
        ({**WEB, "max_pages": '"many"'}, "max_pages", "many"),
        ({**WEB, "allow_loopback": '"yes"'}, "allow_loopback", "yes"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_found(tmp_path, values, key, found):
    message = refusal_of(toml(tmp_path, values))
    assert f"'{key}'" in message
    assert found in message.partition("found ")[2]
    assert "allowed" in message


def test_broken_toml_and_a_missing_file_are_one_clear_error(tmp_path):
    path = tmp_path / "brand.toml"
    path.write_text("name = ")
    assert "no valid TOML" in refusal_of(path)
    assert "cannot be read" in refusal_of(tmp_path / "none.toml")
    path.write_bytes(b"\xff\xfe")
    assert "no valid TOML" in refusal_of(path)


@given(st.text(max_size=60))
def test_any_text_is_a_source_or_an_input_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("toml") / "x.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(InputError):
        load_source(path)


def test_two_sources_of_one_name_are_an_error(tmp_path):
    toml(tmp_path, FOLDER).rename(tmp_path / "other.toml")
    toml(tmp_path, WEB)
    with pytest.raises(InputError, match="one name"):
        load_sources(tmp_path)


def test_an_unknown_source_is_named_with_those_that_are_there(tmp_path):
    path = toml(tmp_path, FOLDER)
    assert list(choose_sources(tmp_path, [])) == ["brand"]
    assert list(choose_sources(tmp_path / "elsewhere", [str(path)])) == ["brand"]
    with pytest.raises(InputError, match="allowed brand"):
        choose_sources(tmp_path, ["brnad"])
    with pytest.raises(InputError, match="defines no source"):
        choose_sources(tmp_path / "elsewhere", [])


def test_a_source_limits_itself_and_takes_the_rest_from_the_settings(tmp_path):
    source = load_source(toml(tmp_path, FOLDER, "[limits]\nmax_mb = 1\n"))
    assert source.limits_over(Limits(max_mb=9, max_side_px=7)) == Limits(max_mb=1, max_side_px=7)


@pytest.mark.parametrize("values", [FOLDER, ARCHIVE, URLS, WEB, COLLECTION, BUCKET])
def test_every_kind_may_have_an_unknown_licence_and_a_waiver_and_says_where_it_is(tmp_path, values):
    more = {"licence": '"unknown"', "optouts_waived": '"we hold all rights"'}
    source = load_source(toml(tmp_path, {**values, **more}))
    assert source.licence == UNKNOWN_LICENCE
    assert source.optouts_waived == "we hold all rights"
    assert repr(source.where).replace("'", '"') in "".join(values.values())


def test_the_hosts_of_the_start_addresses_are_allowed_unless_others_are_named(tmp_path):
    source = load_source(toml(tmp_path, WEB))
    assert isinstance(source, WebSource)
    assert source.hosts == {"example.org"}


def test_the_demo_sources_in_the_repository_are_what_the_corpus_command_writes():
    folder = Path(__file__).parents[2] / "data" / "sources"
    assert (folder / "openmoji-own.toml").read_text(encoding="utf-8") == OWN_SOURCE
    gallery = GALLERY_SOURCE.format(port=GALLERY_PORT)
    assert (folder / "openmoji-gallery.toml").read_text(encoding="utf-8") == gallery
    assert set(load_sources(folder)) >= {"openmoji-own", "openmoji-gallery"}


def test_the_examples_in_the_workspace_readme_are_right(tmp_path):
    readme = (Path(__file__).parents[2] / "data" / "README.md").read_text(encoding="utf-8")
    examples = readme.split("```toml\n")[1:]
    kinds = []
    for example in examples:
        path = tmp_path / "example.toml"
        path.write_text(example.partition("```")[0], encoding="utf-8")
        kinds.append(load_source(path).kind)
    assert sorted(kinds) == sorted(KINDS)


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ('licens = "CC0-1.0"', ["'licence' is missing", "licens", "SPDX"]),
        ("licence = 3", ["allowed a valid string"]),
        ('licence = "Creative Commons"', ["'Creative Commons'", "CC-BY-4.0"]),
    ],
)
def test_a_wrong_licence_is_told_with_what_is_right(tmp_path, instead, told):
    path = toml(tmp_path, FOLDER)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("licence")]
    path.write_text("\n".join([instead, *lines]))
    with pytest.raises(InputError) as wrong:
        load_source(path)
    assert all(words in str(wrong.value) for words in told)


def test_a_name_that_cannot_be_one_is_told_in_words(tmp_path):
    with pytest.raises(InputError, match="allowed up to 64 lower-case letters"):
        load_source(toml(tmp_path, {**FOLDER, "name": '"My Source!"'}))
