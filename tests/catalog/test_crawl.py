import subprocess
import sys
from datetime import timedelta

from sqlalchemy import select

from lowdiff.catalog.crawl import (
    LeasedPage,
    PageEnd,
    finish_page,
    give_back_pages,
    held_by_others,
    lease_pages,
    new_crawler,
    open_round,
    pages_by_state,
)
from lowdiff.catalog.engine import utc_now
from lowdiff.catalog.policies import PolicyAnswers
from lowdiff.catalog.tables import CrawlPage

NOW = utc_now()
STARTS = ["http://a/1", "http://a/2"]


def begin(catalog, starts=STARTS, max_images=9) -> bool:
    with catalog.write() as session:
        return open_round(session, "site", starts, max_images=max_images, now=NOW)


def lease(catalog, crawler, most=9, now=NOW) -> list[LeasedPage]:
    with catalog.write() as session:
        return lease_pages(session, "site", crawler=crawler, most=most, lease_s=900, now=now)


def finish(catalog, page, end, crawler, max_pages=99) -> bool:
    with catalog.write() as session:
        return finish_page(
            session, "site", page, end, crawler=crawler, max_pages=max_pages, now=NOW
        )


def states(catalog) -> dict[str, int]:
    with catalog.read() as session:
        return pages_by_state(session, "site")


def depths(catalog) -> dict[str, int]:
    with catalog.read() as session:
        return {row.url[-1]: row.depth for row in session.scalars(select(CrawlPage))}


def test_pages_of_a_dead_crawler_are_free_and_those_of_a_living_one_are_not(catalog):
    begin(catalog)
    code = "from lowdiff.catalog.crawl import new_crawler; print(new_crawler())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (first,) = lease(catalog, dead.stdout.strip(), most=1)
    mine, other = new_crawler(), new_crawler()
    assert [one.id for one in lease(catalog, mine)] == [first.id, first.id + 1]
    assert lease(catalog, other) == []
    with catalog.read() as session:
        assert held_by_others(session, "site", now=NOW) == 2
    assert len(lease(catalog, other, now=NOW + timedelta(seconds=901))) == 2


def test_a_crawler_that_lost_its_lease_writes_nothing(catalog):
    begin(catalog)
    mine, other = new_crawler(), new_crawler()
    (page, _) = lease(catalog, mine)
    lease(catalog, other, now=NOW + timedelta(seconds=901))
    assert not finish(catalog, page, PageEnd("done", links=["http://a/3"]), mine)
    assert finish(catalog, page, PageEnd("done"), other)
    assert states(catalog) == {"done": 1, "leased": 1}
    with catalog.write() as session:
        give_back_pages(session, "site", crawler=mine)
    assert states(catalog) == {"done": 1, "leased": 1}
    with catalog.write() as session:
        give_back_pages(session, "site", crawler=other)
    assert states(catalog) == {"done": 1, "open": 1}


def test_links_are_pages_once_at_their_shortest_way_as_far_as_there_is_room(catalog):
    begin(catalog, STARTS[:1])
    me = new_crawler()
    (start,) = lease(catalog, me)
    links = ["http://a/1", "http://a/5", "http://a/6", "http://a/5"]
    finish(catalog, start, PageEnd("done", links=links), me)
    (five, six) = lease(catalog, me)
    finish(catalog, five, PageEnd("done", links=["http://a/7", "http://a/8"]), me, max_pages=4)
    assert depths(catalog) == {"1": 0, "5": 1, "6": 1, "7": 2}
    begin(catalog, [*STARTS[:1], "http://a/9"])
    (nine, seven) = lease(catalog, me)
    assert (nine.depth, seven.depth) == (0, 2)
    finish(catalog, nine, PageEnd("done", links=["http://a/7"]), me)
    assert depths(catalog)["7"] == 1
    finish(catalog, six, PageEnd("done"), me)


def test_a_round_ends_when_all_pages_have_ended_or_the_images_are_enough(catalog):
    assert not begin(catalog)
    me = new_crawler()
    (one, two) = lease(catalog, me)
    finish(catalog, one, PageEnd("done", images=5), me)
    finish(catalog, two, PageEnd("failed", error="later"), me)
    assert not begin(catalog)
    assert states(catalog) == {"done": 1, "open": 1}
    assert begin(catalog, max_images=5)
    assert states(catalog) == {"open": 2}
    for page in lease(catalog, me):
        finish(catalog, page, PageEnd("rejected"), me)
    assert begin(catalog)
    assert states(catalog) == {"open": 2}


def test_no_round_begins_while_somebody_reads(catalog):
    begin(catalog)
    me = new_crawler()
    (one, _two) = lease(catalog, me)
    finish(catalog, one, PageEnd("done", images=9), me)
    assert not begin(catalog, max_images=9)
    assert states(catalog) == {"done": 1, "leased": 1}


def test_answers_are_kept_once_and_recalled_for_a_day(catalog):
    time = [NOW]
    answers = PolicyAnswers(catalog, lambda: time[0])
    assert answers.recall("http://a/robots.txt") is None
    answers.keep("http://a/robots.txt", status=200, digest="1" * 64, body="first \x00")
    answers.keep("http://a/robots.txt", status=0, digest="0" * 64, body="no answer")
    status, body = answers.recall("http://a/robots.txt") or (0, "")
    assert (status, body.startswith("first")) == (200, True)
    time[0] += timedelta(hours=2)
    answers.keep("http://a/robots.txt", status=404, digest="2" * 64, body="")
    assert answers.recall("http://a/robots.txt") == (404, "")
    time[0] += timedelta(hours=23, minutes=59)
    assert answers.recall("http://a/robots.txt") == (404, "")
    time[0] += timedelta(minutes=1)
    assert answers.recall("http://a/robots.txt") is None
