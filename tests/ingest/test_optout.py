import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.ingest.optout import (
    embedded_optout,
    follows_links,
    forbids_training,
    header_marks,
    meta_marks,
    opted_out,
    path_matches,
    robots_usage_mark,
    tdmrep_mark,
)


@pytest.mark.parametrize(
    "value",
    ["noai", "NoImageAI", "noindex", "noimageindex", "none", "noml", "noarchive, noai",
     "lowdiff: noai", "LowDiff: noindex, nofollow", "googlebot: all, lowdiff: nofollow, noai",
     "*: noai", "lowdiff/0.1: noai", "unavailable_after: 25 Jun 2030 15:00:00 PST, noai",
     "max-snippet: 20, noai", "noai, googlebot: nofollow"],
)  # fmt: skip
def test_a_robots_header_that_means_us_is_a_mark(value):
    (mark,) = header_marks([("X-Robots-Tag", value)])
    assert (mark.kind, mark.said) == ("x-robots-tag", value)


@pytest.mark.parametrize(
    "value",
    ["all", "nofollow", "noarchive", "googlebot: noai", "otherbot: noindex, noai",
     "otherbot: noai, lowdiff: all", "lowdiffer: noai", "max-image-preview: none", "noaix", ""],
)  # fmt: skip
def test_a_robots_header_for_others_or_about_other_things_is_none(value):
    assert header_marks([("X-Robots-Tag", value)]) == ()


def test_several_headers_are_each_read_on_their_own():
    headers = [("x-robots-tag", "otherbot: noindex"), ("X-ROBOTS-TAG", "noai")]
    assert [mark.said for mark in header_marks(headers)] == ["noai"]


def test_tdm_and_usage_headers_are_marks():
    assert header_marks([("TDM-Reservation", " 1 ")])[0].kind == "tdm-reservation"
    assert header_marks([("TDM-Reservation", "0")]) == ()
    (mark,) = header_marks([("Content-Usage", "search=y"), ("Content-Usage", "train-ai=n")])
    assert mark.said == "search=y, train-ai=n"


@pytest.mark.parametrize(
    ("preferences", "forbids"),
    [
        ("train-ai=n", True),
        ("train-ai=y", False),
        ("search=n", False),
        ("train-ai=n;exceptions=(1 2), search=y", True),
        ('note="a,train-ai=n"', False),
        ("train-ai=n, train-ai=y", False),  # a dictionary's last member counts
        ("train-ai", False),
        ("bots=n", True),
        ("bots=n, train-ai=y", False),
        ("train-ai=y, train-genai=n", True),
        ("", False),
        ("\x00=;,=n", False),
    ],
)
def test_usage_preferences_are_a_dictionary(preferences, forbids):
    assert forbids_training(preferences) is forbids


@pytest.mark.parametrize("name", ["robots", "ROBOTS", "lowdiff"])
@pytest.mark.parametrize("content", ["noai", "index, NOIMAGEAI", "noindex,nofollow", "none"])
def test_a_page_says_no_in_its_metas(name, content):
    assert meta_marks([(name, content)])[0].kind == "meta"


def test_metas_for_others_or_for_indexing_only_are_no_marks():
    metas = [("googlebot", "noai"), ("robots", "nofollow, noarchive"), ("tdm-reservation", "0")]
    assert meta_marks(metas) == ()
    assert meta_marks([("tdm-reservation", "1")])[0].kind == "meta"
    assert follows_links([("robots", "noai")])
    assert not follows_links([("robots", "noai, nofollow")])
    assert not follows_links([("lowdiff", "none")])


TDMREP = """[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://e.org/p"},
 {"location": "/open/*", "tdm-reservation": 0}, {"location": "/open/*.png$", "tdm-reservation": 1}]
"""


@pytest.mark.parametrize(
    ("path", "reserved"),
    [("/a.png", True), ("/open/a.jpg", False), ("/open/a.png", True), ("/open/a.png?x", False)],
)
def test_of_tdmrep_the_most_specific_location_counts(path, reserved):
    mark = tdmrep_mark(TDMREP, path=path, where="w")
    assert (mark is not None) is reserved


@pytest.mark.parametrize("text", ["", "<html>not found", "{}", "[1, null]", "[" * 100_000, "null"])
def test_a_tdmrep_that_is_none_reserves_nothing(text):
    assert tdmrep_mark(text, path="/", where="w") is None


USAGE = """User-agent: other
Content-Usage: train-ai=n

User-Agent: *
Allow: /
Content-Usage: train-ai=n   # all
Content-Usage: /free/ train-ai=y
"""


def test_usage_lines_of_robots_txt_have_paths_and_groups():
    assert robots_usage_mark(USAGE, path="/a", where="w") is not None
    assert robots_usage_mark(USAGE, path="/free/a", where="w") is None
    assert (
        robots_usage_mark(USAGE + "\nUser-agent: lowdiff\nAllow: /\n", path="/a", where="w") is None
    )
    own = "User-agent: x\nUser-agent: LowDiff\nContent-Usage: /art train-ai=n\n"
    assert robots_usage_mark(own, path="/art/a", where="w") is not None
    assert robots_usage_mark(own, path="/b", where="w") is None
    assert robots_usage_mark("Content-Usage: train-ai=n", path="/", where="w") is None


@pytest.mark.parametrize(
    ("value", "forbids"),
    [
        ("DMI-PROHIBITED", True),
        ("http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING", True),
        ("DMI-PROHIBITED-GENAIMLTRAINING", True),
        ("DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", True),
        ("DMI-PROHIBITED-SEECONSTRAINT", True),
        ("dmi-prohibited-seeembeddedrightsexpr", True),
        ("Prohibited", True),
        ("http://ns.useplus.org/ldf/vocab/DMI-ALLOWED", False),
        ("DMI-UNSPECIFIED", False),
        ("Allowed", False),
        ("", False),
    ],
)
def test_a_files_own_mark_is_read_by_the_plus_vocabulary(value, forbids):
    mark = embedded_optout({"data_mining": value, "data_mining_source": "XMP plus:DataMining"})
    assert (mark is not None) is forbids
    assert mark is None or mark.where == "XMP plus:DataMining"
    assert embedded_optout({}) is None


def test_the_refusal_says_where_the_mark_is_and_carries_it():
    refusal = opted_out("http://a/b", header_marks([("X-Robots-Tag", "noai")]))
    assert refusal.reason == "opted_out"
    assert "X-Robots-Tag: noai" in str(refusal)
    assert refusal.evidence["optouts"] == [
        {"kind": "x-robots-tag", "where": "X-Robots-Tag", "said": "noai"}
    ]


def test_patterns_match_as_in_robots_txt():
    assert path_matches("/a", "/abc")
    assert path_matches("a", "/abc")
    assert path_matches("/*.png$", "/x/y.png")
    assert not path_matches("/*.png$", "/x/y.png?z")
    assert path_matches("/*a*b", "/xaxxb/c")
    assert path_matches("*", "/")
    assert not path_matches("", "/")


@given(st.text(alphabet="*a/$", max_size=60), st.text(alphabet="a/b", max_size=200))
def test_no_pattern_takes_for_ever(pattern, path):
    path_matches(pattern, "/" + path * 5)


@given(st.text(), st.text())
def test_any_text_is_read_without_a_crash(name, text):
    header_marks([(key, text) for key in ("X-Robots-Tag", "Content-Usage", "TDM-Reservation")])
    meta_marks([(name, text), ("robots", text)])
    tdmrep_mark(text, path="/a", where="w")
    robots_usage_mark(f"User-agent: *\nContent-Usage: {text}", path="/a", where="w")
    embedded_optout({"data_mining": text})
