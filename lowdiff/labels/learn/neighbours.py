"""What a picture shows, guessed from the labeled pictures that are most like it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from lowdiff.catalog.chunks import chunks
from lowdiff.catalog.images import best_sighting, sightings_of
from lowdiff.labels.drafts.caption import NO_SUBJECT, short_form
from lowdiff.labels.learn.examples import CHUNK, Table, read_labels, source_words
from lowdiff.labels.learn.features import Floats
from lowdiff.labels.learn.heads import look_through
from lowdiff.labels.learn.statements import Statement, Statements, statements_of

BY = "caption-neighbours/1"
NEAREST = 5
LEAST_SIMILAR = 0.3
WORDS_COUNT = 0.5
"""Of the similarity comes from words, where both images have some; the rest from pixels."""
HIGHEST = 0.6
"""A guess from likeness alone is never surer."""
LEAST_LABELS = 10
LIKE_BY_PIXELS = 200
"""Labeled images whose words are compared, too: the ones that are most alike by pixels."""
MOST_TRIALS = 500
"""About so many labeled images tell how often guesses are right."""
STRENGTH = 4
"""Guesses that the cautious start is worth when it is counted how often guesses were right."""


@dataclass(frozen=True)
class Guess:
    """A subject, and how like the pictures are that have it."""

    subject: str
    similarity: float


def neighbours_say(session: Session, table: Table, *, audit_share: float) -> Statements:
    """Captions for the images whose source tells no subject.

    The confidence is how often such guesses were right for the labeled images themselves, each
    guessed from the others outside its family, at that similarity; it is low, and says so.
    """
    captions = read_labels(session, "caption", table.ids, audit_share=audit_share)
    known = [at for at, one in enumerate(table.ids) if _subject(captions.get(one))]
    if len(known) < LEAST_LABELS:
        return {}
    subjects = {at: _subject(captions[table.ids[at]]) for at in known}
    likeness = Likeness(table, _words(session, table))
    trials = [
        (guess.similarity, _same(guess.subject, subjects[at]))
        for at in known[:: max(1, len(known) // MOST_TRIALS)]
        if (guess := likeness.guess(at, known, subjects)) is not None
    ]
    said: Statements = {}
    for at, image_id in enumerate(table.ids):
        plain = statements_of(table.drafts[at]).get("caption", [])
        bare = next((one for one in plain if short_form(str(one.value)) == NO_SUBJECT), None)
        guess = likeness.guess(at, known, subjects) if bare and at not in subjects else None
        if bare is None or guess is None:
            continue
        caption = guess.subject + str(bare.value).removeprefix(NO_SUBJECT)
        one = Statement(caption, _confidence(guess.similarity, trials), BY)
        said[image_id] = {"caption": [one]}
    return said


class Likeness:
    """How like two images are, by pixels and by words; 1 is equal."""

    def __init__(self, table: Table, words: Sequence[frozenset[str]]) -> None:
        self._families = np.array(table.families)
        self._words = words
        turned = look_through(table.x)(table.x)
        self._axes: Floats = turned / np.maximum(np.linalg.norm(turned, axis=1), 1e-6)[:, None]

    def guess(self, at: int, known: Sequence[int], subjects: Mapping[int, str]) -> Guess | None:
        """The subject that most of the nearest labeled images outside its family have."""
        others = np.asarray(known)
        others = others[self._families[others] != self._families[at]]
        if not len(others):
            return None
        similar = self._axes[others] @ self._axes[at]
        first = np.argsort(-similar, kind="stable")[:LIKE_BY_PIXELS]
        others, similar = others[first], similar[first]
        for place, one in enumerate(others):
            shared = self._shared_words(at, int(one))
            if shared is not None:
                similar[place] = (1 - WORDS_COUNT) * similar[place] + WORDS_COUNT * shared
        nearest = np.argsort(-similar, kind="stable")[:NEAREST]
        votes: dict[str, float] = {}
        names: dict[str, str] = {}
        for place in nearest:
            if similar[place] < LEAST_SIMILAR:
                continue
            subject = subjects[int(others[place])]
            key = subject.casefold()
            names.setdefault(key, subject)
            votes[key] = votes.get(key, 0.0) + float(similar[place]) ** 2
        if not votes:
            return None
        best = max(votes, key=lambda key: votes[key])
        return Guess(names[best], votes[best] / sum(votes.values()) * float(similar[nearest[0]]))

    def _shared_words(self, a: int, b: int) -> float | None:
        """Shared of all words (Jaccard 1912); None where one image has no words."""
        one, other = self._words[a], self._words[b]
        if not one or not other:
            return None
        return len(one & other) / len(one | other)


def _words(session: Session, table: Table) -> list[frozenset[str]]:
    """Words of source and OCR, for every row."""
    found: list[frozenset[str]] = []
    for at, some in zip(range(0, len(table.ids), CHUNK), chunks(table.ids, CHUNK), strict=True):
        seen = sightings_of(session, some)
        for offset, image_id in enumerate(some):
            drafted = statements_of(table.drafts[at + offset]).get("transcription", [])
            text = str(drafted[0].value).lower() if drafted else ""
            read = re.findall(r"[^\W\d_]{3,}", text)
            found.append(frozenset([*source_words(best_sighting(seen[image_id])), *read]))
    return found


def _subject(caption: object) -> str:
    """The subject of a person's caption; empty where it has none."""
    short = short_form(caption) if isinstance(caption, str) else ""
    return "" if short == NO_SUBJECT or len(short.split()) > 8 else short


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _confidence(similarity: float, trials: Sequence[tuple[float, bool]]) -> float:
    """How often guesses at least nearly as similar were right; cautious where there are few."""
    alike = [right for other, right in trials if other >= similarity - 0.1]
    share = (sum(alike) + 0.1 * STRENGTH) / (len(alike) + STRENGTH)
    return round(min(HIGHEST, share), 4)
