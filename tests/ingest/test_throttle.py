from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowdiff.ingest.throttle import MAX_DELAY_S, Pace, rest_asked_s

NOW = datetime(2026, 1, 2, 3, 4, 5)


def test_the_delay_moves_halfway_towards_latency_over_concurrency():
    pace = Pace(least_s=0.0, concurrency=2)
    pace.delay_s = 4.0
    pace.saw(2.0, status=200)
    assert pace.delay_s == 2.5  # target 1.0
    pace.saw(20.0, status=200)
    assert pace.delay_s == 10.0  # never below the target


def test_errors_never_make_it_faster_and_may_make_it_slower():
    pace = Pace(least_s=0.0, concurrency=1)
    pace.delay_s = 4.0
    pace.saw(0.001, status=404)
    assert pace.delay_s == 4.0
    pace.saw(6.0, status=500)
    assert pace.delay_s == 6.0


@pytest.mark.parametrize("status", [429, 503])
def test_too_many_doubles_it(status):
    pace = Pace(least_s=3.0, concurrency=4)
    pace.saw(0.1, status=status)
    assert pace.delay_s == 6.0


def test_a_crawl_delay_is_kept_whatever_the_latency():
    pace = Pace(least_s=1.0, concurrency=2)
    pace.at_least(7.0)
    pace.saw(0.01, status=200)
    assert pace.delay_s == 7.0


@given(st.lists(st.tuples(st.floats(0, 1e4), st.sampled_from([200, 404, 429, 500, 503]))))
def test_it_stays_between_what_is_asked_and_a_minute(answers):
    pace = Pace(least_s=0.5, concurrency=3)
    for latency_s, status in answers:
        pace.saw(latency_s, status=status)
        assert 0.5 <= pace.delay_s <= MAX_DELAY_S


@pytest.mark.parametrize(
    ("asked", "date", "rest_s"),
    [
        ("0", None, 0.0),
        (" 120 ", None, 120.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", None, 60.0),
        ("Fri, 02 Jan 2026 04:05:05 +0100", None, 60.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", "Fri, 02 Jan 2026 03:05:00 GMT", 5.0),
        ("Fri, 02 Jan 2026 03:05:05 GMT", "nonsense", 60.0),
        ("Thu, 01 Jan 2026 00:00:00 GMT", None, 0.0),
        ("99999999999999999999", None, 1e8),
        ("-5", None, None),
        ("1.5", None, None),
        ("²", None, None),
        ("soon", None, None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None, None),
        (None, None, None),
    ],
)
def test_a_rest_is_asked_for_in_seconds_or_as_a_date(asked, date, rest_s):
    assert rest_asked_s(asked, date=date, now=NOW) == rest_s


@given(st.text(), st.one_of(st.none(), st.text()))
def test_any_header_is_read_without_a_crash(asked, date):
    rest_s = rest_asked_s(asked, date=date, now=NOW)
    assert rest_s is None or timedelta(seconds=rest_s) >= timedelta(0)
