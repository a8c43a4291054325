"""Two readings become one: agreement counts, conflicts are decided, nothing is read twice."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lowdiff.ocr.calibrate import FEATURES, features, odds
from lowdiff.ocr.engine import RawWord
from lowdiff.ocr.merge import (
    Evidence,
    agreement,
    choose_words,
    group_words,
    overlaps,
    squeezed,
)
from lowdiff.ocr.plan import Plan, merge
from lowdiff.ocr.strays import without_edge_signs, without_lone_script, without_monogram


def word(text: str, confidence: float = 0.9, *, x: float = 0, engine: str = "rapidocr") -> RawWord:
    return RawWord(text, confidence, (x, 0, 10 * len(text), 20), (0, 0, 0), engine)


def tess(text: str, confidence: float = 0.9, *, x: float = 0) -> RawWord:
    return word(text, confidence, x=x, engine="tesseract")


boxes = st.tuples(*[st.floats(0, 50)] * 2, *[st.floats(1, 50)] * 2)
readings = st.lists(
    st.builds(
        RawWord,
        st.text("abc1.", min_size=1, max_size=5),
        st.floats(0, 1),
        boxes,
        st.tuples(st.integers(0, 2), st.just(0), st.integers(0, 3)),
        st.just("rapidocr"),
    ),
    max_size=8,
)


@given(readings, readings)
def test_every_word_of_both_readings_is_in_exactly_one_group(ours, theirs):
    groups = group_words(ours, theirs)
    lead = Counter(id(one) for group in groups for one in group.lead)
    other = Counter(id(one) for group in groups for one in group.other)
    assert lead == Counter(map(id, ours))
    assert other == Counter(map(id, theirs))


@given(readings)
def test_a_reading_agrees_with_itself(ours):
    groups = group_words(ours, ours)
    assert agreement(groups) == (1.0 if ours else 0.0)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_whole_with_itself(one, two):
    both = overlaps([one, two], [one, two])
    assert both[0, 1] == both[1, 0]
    assert abs(both[0, 0] - 1) < 1e-9 or one[2] * one[3] < 1


def test_agreement_is_surer_than_either_engine_alone():
    group = group_words([word("SALE")], [tess("SALE")])[0]
    together = choose_words(group, company=1.0, odds=odds).words[0]
    assert together.engine == "rapidocr+tesseract"
    assert together.confidence > odds(Evidence("alone", "rapidocr", "SALE", 0.9, 0, 0, 0.5))
    assert together.confidence > odds(Evidence("only", "tesseract", "SALE", 0.9, 0, 0, 0))


def test_a_conflict_is_won_by_the_better_odds_and_says_whose_it_is():
    group = group_words([word("ûdemy", 0.4)], [tess("udemy", 0.95)])[0]
    choice = choose_words(group, company=0.0, odds=lambda evidence: evidence.mine)
    assert [(one.text, one.engine) for one in choice.words] == [("udemy", "tesseract")]
    group = group_words([word("knitr", 0.999)], [tess("Nis", 0.1)])[0]
    assert choose_words(group, company=0.0, odds=odds).words[0].text == "knitr"


def test_spaces_come_from_the_engine_that_is_better_at_them():
    dropped = group_words([word("OpenDay")], [tess("Open"), tess("Day", x=40)])[0]
    choice = choose_words(dropped, company=1.0, odds=odds)
    assert [one.text for one in choice.words] == ["Open", "Day"]
    invented = group_words([word("www.example.org")], [tess("www."), tess("example.org", x=45)])[0]
    choice = choose_words(invented, company=1.0, odds=odds)
    assert [one.text for one in choice.words] == ["www.example.org"]


def test_what_only_tesseract_sees_in_a_picture_is_dropped():
    reading = merge([word("grammarly", 0.999, x=200)], [tess("ce", 0.3)], Plan({}))
    assert [one.text for one in reading.words] == ["grammarly"]


def test_signs_at_the_ends_of_a_word_are_a_logo_and_no_writing():
    found = without_edge_signs([word("▲Vercel"), word("■"), word("a▲b")])
    assert [one.text for one in found] == ["Vercel", "a▲b"]


def test_a_lone_foreign_word_is_a_drawing_and_a_foreign_text_is_writing():
    assert [w.text for w in without_lone_script([word("siuba"), word("座位")])] == ["siuba"]
    chinese = [word("没有什么"), word("OK")]
    assert without_lone_script(chinese) == chinese


def test_the_first_letter_beside_a_word_mark_is_its_sign():
    assert [w.text for w in without_monogram([word("G"), word("grammarly")])] == ["grammarly"]
    plan_b = [word("B"), word("plan")]
    assert without_monogram(plan_b) == plan_b


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.text(max_size=9))
def test_odds_are_probabilities_for_any_evidence(mine, theirs, company, text):
    for state, engine in [("agree", "rapidocr"), ("conflict", "tesseract"), ("only", "rapidocr")]:
        evidence = Evidence(state, engine, text, mine, theirs, company, company)
        assert 0 <= odds(evidence) <= 1
        assert len(features(evidence)) == len(FEATURES)


def test_quotes_and_dashes_of_any_form_are_the_same():
    assert squeezed([word("“a–b”")]) == squeezed([word('"a-b"')])
