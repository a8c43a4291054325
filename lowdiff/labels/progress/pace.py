"""How long people take for an image, how many they do in a day, and when all will be done."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import fmean, median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lowdiff.catalog.tables import LabelEvent
from lowdiff.labels.accept.evidence import CORRECTION

HUMAN = "human"
LONGEST = 5.0
"""A sitting counts at most this many times the median: what is longer was a break."""
LEAST_IMAGES = 20
"""With fewer timed images no number of hours is told."""
LEAST_DAYS = 2
NEWEST = 200
"""The hours are forecast from so many images: people get faster, screens shorter."""
WINDOW = timedelta(days=14)
_SATURDAY = 5


@dataclass(frozen=True)
class Visit:
    """One image that people have labelled, on whatever screens."""

    image_id: str
    seconds: float | None
    """As Label Studio counted it, with breaks; None where it did not."""
    first_at: datetime


@dataclass(frozen=True)
class Pace:
    """How fast it goes."""

    images: int
    """Images that people have labelled."""
    median_s: float | None
    """Seconds of a person for an image; None before anybody was timed."""
    recent_s: float | None
    """The mean of the newest images, without breaks: what the forecast rests on."""
    hours_spent: float
    """Without breaks."""
    per_day: float | None
    """Images of a working day over the last two weeks; None with fewer than two days."""
    days: tuple[tuple[date, int], ...]
    """Day → images labelled for the first time, over the whole time."""


@dataclass(frozen=True)
class Forecast:
    """When it is done, at the present pace."""

    images_left: int
    hours_left: float | None
    done_on: date | None
    caution: str
    """What is missing for a forecast; empty where nothing is."""


def read_visits(session: Session) -> list[Visit]:
    """All images that people have labelled, in the order in which they began.

    An edited annotation counts with its longest time: Label Studio counts it on. The same under a
    newer schema (`…~2`) is the same annotation.
    """
    event = LabelEvent
    query = (
        select(
            event.annotation_key, event.image_id, func.max(event.lead_time_s),
            func.min(event.created_at),
        )
        .where(
            event.origin == HUMAN,
            event.annotation_key.is_not(None),
            event.annotation_key.not_like(f"{CORRECTION}%"),
        )
        .group_by(event.annotation_key, event.image_id)
        .order_by(func.min(event.id))
    )  # fmt: skip
    seconds: dict[str, dict[str, float]] = {}
    first: dict[str, datetime] = {}
    for key, image_id, lead_s, at in session.execute(query):
        first[image_id] = min(at, first.get(image_id, at))
        if lead_s is not None:
            number, _, place = str(key).partition("@")
            annotation = f"{number.split(':')[0]}@{place.split('~')[0]}"
            of_image = seconds.setdefault(image_id, {})
            of_image[annotation] = max(lead_s, of_image.get(annotation, 0.0))
    return [
        Visit(image_id, sum(seconds[image_id].values()) if image_id in seconds else None, at)
        for image_id, at in first.items()
    ]


def measure_pace(visits: Sequence[Visit], *, today: date) -> Pace:
    """What the visits say. Breaks do not count: LONGEST times the median is the most."""
    timed = [visit.seconds for visit in visits if visit.seconds is not None]
    usual = median(timed) if timed else None
    short = [min(one, LONGEST * usual) for one in timed] if usual is not None else []
    days = sorted(Counter(visit.first_at.date() for visit in visits).items())
    return Pace(
        images=len(visits),
        median_s=usual,
        recent_s=fmean(short[-NEWEST:]) if short else None,
        hours_spent=sum(short) / 3600,
        per_day=_per_day(days, today),
        days=tuple(days),
    )


def forecast(pace: Pace, images_left: int, *, today: date) -> Forecast:
    """Hours and date at the present pace; says so where there is too little to tell."""
    if images_left == 0:
        return Forecast(0, 0.0, today, "")
    if pace.recent_s is None or pace.images < LEAST_IMAGES:
        return Forecast(
            images_left, None, None,
            f"people have labelled {pace.images} images: from {LEAST_IMAGES} on there is a "
            "forecast",
        )  # fmt: skip
    hours = images_left * pace.recent_s / 3600
    if pace.per_day is None:
        return Forecast(
            images_left, hours, None,
            f"no date yet: it takes {LEAST_DAYS} whole days of labeling in the last two weeks",
        )  # fmt: skip
    return Forecast(images_left, hours, _after(today, math.ceil(images_left / pace.per_day)), "")


def _per_day(days: Sequence[tuple[date, int]], today: date) -> float | None:
    """Images of a working day; days off within the time count, today does not: it is not over."""
    recent = {day: number for day, number in days if today - WINDOW <= day < today}
    if len(recent) < LEAST_DAYS:
        return None
    span = (min(recent) + timedelta(n) for n in range((today - min(recent)).days))
    working = sum(day.weekday() < _SATURDAY or day in recent for day in span)
    return sum(recent.values()) / working


def _after(day: date, working_days: int) -> date:
    """The day on which so many working days, beginning with this one, are over."""
    while True:
        working_days -= day.weekday() < _SATURDAY
        if working_days <= 0 and day.weekday() < _SATURDAY:
            return day
        day += timedelta(1)
