"""Captions: one template, its way back, and subjects that read like English."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.labels.drafts.caption import (
    CaptionParts,
    compose_caption,
    parse_caption,
    parts_of,
    quotable,
    short_form,
    values_of,
)
from lowdiff.labels.drafts.subject import is_title, subject_of
from lowdiff.labels.measure.colour import NAMED
from lowdiff.labels.schema import load_schema

SCHEMA = {field.name: [choice.value for choice in field.choices] for field in load_schema().fields}
names = st.sampled_from(sorted({name for name, _ in NAMED}))
free_text = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=40)


@st.composite
def parts(draw) -> CaptionParts:
    def some(field):
        return draw(st.none() | st.sampled_from(SCHEMA[field]))

    background, saturation, count = some("background"), some("saturation"), some("figure_count")
    count = None if count == "none" else count
    return CaptionParts(
        subject=subject_of(draw(free_text.filter(is_title))),
        figure_count=count,
        figure_size=some("figure_size") if count else None,
        layout=some("layout"),
        saturation=saturation,
        background=background,
        colours=tuple(draw(st.lists(names, max_size=3, unique=True))) if saturation else (),
        ground_colour=draw(st.none() | names) if background == "plain" else None,
        words=quotable(draw(st.just("") | free_text)),
    )


@given(parts())
def test_everything_that_a_caption_says_can_be_read_back(said):
    caption = compose_caption(said)
    assert parse_caption(caption) == said
    assert short_form(caption) == said.subject.rstrip(".")
    assert parts_of(said.subject, values_of(said)) == said


def test_a_caption_reads_like_english():
    raccoon = CaptionParts(
        "A raccoon", "one", "large", "centred", "vivid", "transparent", ("brown", "grey")
    )
    assert compose_caption(raccoon) == (
        "A raccoon, one large centred figure in vivid brown and grey on a transparent background."
    )
    poster = CaptionParts(
        "A poster", "three", "small", "grid", "grey", "plain", ("black",), "white", "SALE 50%"
    )
    assert compose_caption(poster) == (
        "A poster, three small figures in a grid in black on a plain white background, "
        'with the words "SALE 50%".'
    )


def test_a_caption_tells_no_more_than_is_known():
    told = [
        {"layout": "left", "figure_size": "large"},
        {"figure_count": "few", "layout": "grid", "palette": ["red"]},
        {"figure_count": "none", "background": "plain", "background_colour": "several"},
        {"transcription": "SALE 50%"},
        {},
    ]
    assert [compose_caption(parts_of("A bird", one)) for one in told] == [
        "A bird, on the left.",
        "A bird, a few figures in a grid.",
        "A bird, on a plain background.",
        'A bird, with the words "SALE 50%".',
        "A bird.",
    ]


def test_what_a_person_wrote_freely_is_not_parsed():
    assert parse_caption("Our mascot, waving.") is None
    assert short_form("Our mascot, waving.") == "Our mascot"
    assert short_form("Our mascot.") == "Our mascot"


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("raccoon", "A raccoon"),
        ("owl", "An owl"),
        ("four fish", "Four fish"),
        ("four shopping bags", "Four shopping bags"),
        ("hourglass done", "An hourglass done"),
        ("unicorn", "A unicorn"),
        ("ATM sign", "An ATM sign"),
        ("NEW button", "A NEW button"),
        ("NG button", "An NG button"),
        ("O button (blood type)", "An O button (blood type)"),
        ("x-ray", "An x-ray"),
        ("t-shirt", "A t-shirt"),
        ("8 ball", "An 8 ball"),
        ("scissors", "Scissors"),
        ("glasses", "Glasses"),
        ("people holding hands", "People holding hands"),
        ("women with bunny ears", "Women with bunny ears"),
        ("cooked rice", "Cooked rice"),
        ("bus", "A bus"),
        ("compass", "A compass"),
        ("cactus", "A cactus"),
        ("person bouncing ball", "A person bouncing ball"),
        ("slightly smiling face", "A slightly smiling face"),
        ("rolling on the floor laughing", "Rolling on the floor laughing"),
        ("camping", "Camping"),
        ("ring", "A ring"),
        ("locked", "Locked"),
        ("twelve o’clock", "Twelve o’clock"),
        ("no smoking", "No smoking"),
        ("thumbs up", "Thumbs up"),
        ("four leaf clover", "A four leaf clover"),
        ("Internet Explorer", "Internet Explorer"),
        ("Statue of Liberty", "Statue of Liberty"),
        ("Japanese “here” button", "A Japanese “here” button"),
        ("flag: Sweden", "A flag of Sweden"),
        ("flag: Bahamas", "A flag of the Bahamas"),
        ("flag: United States", "A flag of the United States"),
        ("keycap: 3", "A keycap showing 3"),
        ("woman: blond hair", "A woman with blond hair"),
        ("man: bald", "A bald man"),
        ("person: beard", "A person with a beard"),
        ("family: man, woman, boy", "A family of a man and a woman and a boy"),
        ("person running: facing right", "A person running facing right"),
        ("A dog, running.", "A dog – running"),
        ('the "best" shop', "The 'best' shop"),
    ],
)
def test_a_title_becomes_a_subject(title, subject):
    assert subject_of(title) == subject


@given(free_text.filter(is_title))
def test_a_subject_holds_no_comma_and_no_double_quote(title):
    subject = subject_of(title)
    assert subject
    assert not set(subject) & {",", '"', "\n"}


@pytest.mark.parametrize("name", ["IMG_2041.jpg", "logo.svg", "1F99D", "12-34", "", "   ", "…"])
def test_file_names_and_numbers_are_no_titles(name):
    assert not is_title(name)
    assert not is_title(None)


@pytest.mark.parametrize("title", ["raccoon", "bee", "face", "Ü", "keycap: 3"])
def test_words_are_titles(title):
    assert is_title(title)


def test_a_long_text_is_not_quoted():
    assert quotable("one\ntwo") == "one two"
    assert quotable("word " * 13) == ""
