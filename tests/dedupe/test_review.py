import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from typer.testing import CliRunner

from lowdiff.catalog import Catalog
from lowdiff.catalog.duplicates import Edge, Verdict, keep_edges
from lowdiff.catalog.tables import DuplicateVerdict, Image
from lowdiff.cli.app import app
from lowdiff.dedupe.doubtful import KINDS, Judged, choose
from lowdiff.dedupe.fingerprint import METHOD_VERSION
from lowdiff.dedupe.link import link_all
from lowdiff.dedupe.overrule import overrule, relatives
from lowdiff.dedupe.review import write_review
from lowdiff.errors import InputError
from lowdiff.ops.duplicates import decode_original
from lowdiff.store import Store, preview_key
from tests.dedupe.pictures import NOW, corpus, drawing, jpeg, keep, png

NASTY = "<script>alert('twins')</script>"
ANN = "ann@example.org"


def three(catalog: Catalog, store: Store) -> tuple[str, str, str]:
    """Three images, all tied to each other: the middle pair as a variant."""
    a, b, c = sorted(
        keep(catalog, store, png(drawing(seed)), "png", title=f"{NASTY} {seed}", at=NOW)
        for seed in range(3)
    )
    edges = [
        Edge(a, b, "near", 0.95, METHOD_VERSION),
        Edge(a, c, "near", 0.55, METHOD_VERSION),
        Edge(b, c, "variant", 0.7, METHOD_VERSION),
    ]
    with catalog.write() as session:
        keep_edges(session, edges, now=NOW)
    link_all(catalog)
    return a, b, c


def families(catalog: Catalog) -> set[str | None]:
    with catalog.read() as session:
        return set(session.scalars(select(Image.family_id)))


class Tags(HTMLParser):
    """The tags of a page, and the addresses that it would ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "action")]


def page(catalog: Catalog, store: Store, folder: Path, **options: object) -> str:
    out = folder / "page.html"
    write_review(catalog, store, out, decode=decode_original, now=lambda: NOW, **options)
    return out.read_text()


def test_a_person_s_word_counts_the_newest_one_wins_and_all_are_kept(catalog, store):
    a, b, c = three(catalog, store)
    first = overrule(catalog, a, c, "distinct", by=ANN, note="another car")
    assert (first.before, first.still_connected) == ("near", (a, b, c))
    assert len(families(catalog)) == 1
    second = overrule(catalog, c[:9], b[:9], "distinct", by=ANN)
    assert (second.before, second.still_connected) == ("variant", ())
    assert len(families(catalog)) == 2
    third = overrule(catalog, a, c, "variant", by="bob@example.org")
    assert third.before == "distinct"
    assert len(families(catalog)) == 1
    with catalog.read() as session:
        rows = session.scalars(select(DuplicateVerdict).order_by(DuplicateVerdict.id)).all()
    assert [(row.a_id, row.b_id, row.relation) for row in rows] == [
        (a, c, "distinct"),
        (b, c, "distinct"),
        (a, c, "variant"),
    ]
    found = relatives(catalog, a[:9])
    assert (found.members, [one.relation for one in found.verdicts]) == ((a, b, c), ["variant"])


@pytest.mark.parametrize(
    ("pair", "relation", "by", "says"),
    [
        (("", ""), "near", ANN, "not one image"),
        (("zz", "zz"), "near", ANN, "no image"),
        (("a", "a"), "near", ANN, "the same image"),
        (("a", "b"), "twin", ANN, "near, variant, distinct"),
        (("a", "b"), "near", "  ", "must be named"),
    ],
)
def test_what_cannot_be_a_verdict_is_refused_and_leaves_no_row(
    catalog, store, pair, relation, by, says
):
    ids = dict(zip("abc", three(catalog, store), strict=True))
    with pytest.raises(InputError, match=says):
        overrule(catalog, *(ids.get(name, name) for name in pair), relation, by=by)
    with catalog.read() as session:
        assert session.scalars(select(DuplicateVerdict)).all() == []


def test_the_page_is_whole_in_itself_and_titles_are_only_text(catalog, store, tmp_path):
    three(catalog, store)
    text = page(catalog, store, tmp_path)
    assert NASTY not in text
    found = Tags(text)
    assert found.tags.count("script") == 1  # ours, which copies commands
    assert found.addresses
    assert all(one.startswith(("data:", "#")) for one in found.addresses)
    assert found.tags.count("article") == 3
    assert "default-src 'none'" in text


def test_the_most_doubtful_pair_of_a_kind_comes_first_and_what_a_person_judged_last(
    catalog, store, tmp_path
):
    a, _, c = three(catalog, store)

    def order() -> list[str]:
        text = page(catalog, store, tmp_path)
        near = text[text.index('id="near"') : text.index('id="variant"')]
        return re.findall(r"score (0\.\d+)", near)

    assert order() == ["0.550", "0.950"]
    overrule(catalog, a, c, "near", by=ANN)
    assert order() == ["0.950", "0.550"]


def test_each_command_of_the_page_does_what_it_says(
    catalog, store, workspace, tmp_path, monkeypatch
):
    monkeypatch.setenv("LOWDIFF_WORKSPACE", "")  # the command sets it; this puts it back
    three(catalog, store)
    text = page(catalog, store, tmp_path, command=["lowdiff", "-w", str(workspace.root)], by=ANN)
    commands = re.findall(r"<code>lowdiff (-w [^<]+ dedupe verdict [^<]+)</code>", text)
    assert len(commands) == 6  # two other relations for each of three pairs
    runner = CliRunner()
    for command in commands:
        done = runner.invoke(app, [*command.split(), "--json"])
        assert done.exit_code == 0, done.output
        said = json.loads(done.stdout.splitlines()[0])
        assert said["relation"] == command.split()[-3]
        assert said["by"] == ANN


def test_a_preview_is_shown_where_there_is_one_else_the_original_else_nothing(
    catalog, store, tmp_path
):
    a, _, c = three(catalog, store)
    before = page(catalog, store, tmp_path)
    store.put(preview_key(a), jpeg(drawing(77, 100)))
    store.remove(f"images/{c[:2]}/{c[2:4]}/{c}.png")
    after = page(catalog, store, tmp_path)
    pictures = [set(re.findall(r"data:image/webp[^\"]+", text)) for text in (before, after)]
    assert len(pictures[0] & pictures[1]) == 1  # b's
    assert len(pictures[1]) == 2
    assert "no picture" in after


judgements = st.lists(
    st.builds(
        Judged,
        st.tuples(st.text("abc", min_size=3, max_size=3), st.text("xyz", min_size=3, max_size=3)),
        st.builds(
            Edge,
            st.just("a"),
            st.just("b"),
            st.sampled_from(KINDS),
            st.floats(0, 1),
            st.just("test/1"),
        ),
        st.none()
        | st.builds(
            Verdict,
            st.just("a"),
            st.just("b"),
            st.sampled_from(["near", "variant", "distinct"]),
            st.just(ANN),
            st.none(),
            st.just(datetime(2026, 1, 2)),
        ),
    ),
    max_size=40,
    unique_by=lambda one: one.pair,
)


@given(judgements, st.integers(0, 50))
def test_no_more_pairs_than_asked_for_and_no_room_is_left_unused(judged, limit):
    chosen = choose(judged, limit)
    assert sum(len(pairs) for pairs in chosen.values()) == min(limit, len(judged))
    for kind, pairs in chosen.items():
        assert all(one.relation == kind for one in pairs)
        left = [one for one in judged if one.relation == kind and one not in pairs]
        for one in left:  # none that is left out is more doubtful than one that is shown
            assert all(one.certainty >= shown.certainty for shown in pairs)


def test_the_commands_find_overrule_and_show(workspace, catalog, store, monkeypatch):
    for number, (title, (body, image_format)) in enumerate(corpus().items()):
        at = NOW + timedelta(seconds=number)
        keep(catalog, store, body, image_format, title=title, at=at)
    monkeypatch.setenv("LOWDIFF_WORKSPACE", str(workspace.root))
    runner = CliRunner()

    def said(*arguments: str) -> dict[str, object]:
        done = runner.invoke(app, ["dedupe", *arguments])
        assert done.exit_code == 0, done.output
        record: dict[str, object] = json.loads(done.stdout.splitlines()[0])
        return record

    first, again = said("--json"), said("run", "--json")
    assert (first["fingerprinted"], again["fingerprinted"]) == (len(corpus()), 0)
    assert first["exact"] == again["exact"] == 1
    made = said("review", "--json", "--limit", "5")
    assert made["shown"] == 5
    assert Path(str(made["page"])).is_file()
    with catalog.read() as session:
        image_id = session.scalars(select(Image.id)).first()
    assert image_id in said("show", str(image_id)[:10], "--json")["members"]  # type: ignore[operator]
    told = runner.invoke(app, ["status", "--json"])
    assert json.loads(told.stdout)["duplicates"]["exact"] == 1


def test_a_folder_is_scanned_without_a_workspace(tmp_path, monkeypatch):
    folder = tmp_path / "pictures"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOWDIFF_WORKSPACE", raising=False)
    (folder / "one.png").write_bytes(png(drawing(1)))
    (folder / "two.jpg").write_bytes(jpeg(drawing(1)))
    (folder / "three.png").write_bytes(png(drawing(2)))
    (folder / "notes.txt").write_text("no image")
    done = CliRunner().invoke(app, ["dedupe", "scan", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    (pair,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert {Path(pair["a"]).name, Path(pair["b"]).name} == {"one.png", "two.jpg"}
    assert pair["relation"] == "near"
    assert 0 <= pair["score"] <= 1
    assert not (tmp_path / "data").exists()
