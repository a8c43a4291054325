"""The verdict on two images: near (one picture twice), variant (one template) or distinct."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from lowdiff.dedupe.align import Alignment, box_on_box, corner_on_corner, refine, rescaled
from lowdiff.dedupe.evidence import Evidence, gather
from lowdiff.dedupe.fine import FineEvidence, look_closely
from lowdiff.dedupe.fingerprint import Fingerprint, find_corners
from lowdiff.dedupe.first import FirstLook, first_look
from lowdiff.dedupe.glance import glance
from lowdiff.dedupe.ground import Colour, over
from lowdiff.dedupe.side import Side, quick_fit
from lowdiff.dedupe.trim import ground_of
from lowdiff.dedupe.verdict import Comparison, probabilities, probability, yes_from

Corners = tuple[NDArray[np.float16], NDArray[np.uint8]]
LEAST_SIMILAR = 0.67
"""No picture is a copy whose structure agrees less: of 2,535 copies found in the half that was
learned from, one in 200 does. Skies, seas and faint thin lines look alike otherwise."""
OTHER_GROUND = 24
"""Levels (of 255) by which the grounds around and inside a border must differ to try both."""
AT_HAND = 96
"""Pictures that are kept unpacked, some 2 MB each."""
TURNED = 0.8
"""Correlation of a turned or mirrored picture from which the turn is tried."""


def compare(a: Fingerprint, b: Fingerprint) -> Comparison:
    """Compare two images by their fingerprints; the order does not matter."""
    return compare_many([(a, b)])[0]


def compare_many(pairs: Sequence[tuple[Fingerprint, Fingerprint]]) -> list[Comparison]:
    """The same for many pairs; the glance at all of them together costs little more than at one."""
    if not pairs:
        return []
    worth = probabilities("glance", glance_at(pairs))
    return [
        _compare(a, b)
        if chance >= yes_from("glance") or a.key == b.key
        else Comparison("distinct", round(1 - float(chance), 4))
        for (a, b), chance in zip(pairs, worth, strict=True)
    ]


def glance_at(pairs: Sequence[tuple[Fingerprint, Fingerprint]]) -> NDArray[np.float64]:
    """What a glance tells of each pair, in whatever order its pictures are given."""
    ordered = [(b, a) if b.key < a.key else (a, b) for a, b in pairs]
    return glance([a.glanced for a, _ in ordered], [b.glanced for _, b in ordered])


def _compare(a: Fingerprint, b: Fingerprint) -> Comparison:
    if a.key == b.key:
        return Comparison("near", 1.0)
    pair = Pair(_at_hand(a), _at_hand(b))
    if not pair.can_be_laid_on_each_other:
        return Comparison("distinct", 1.0)
    related = probability("related", pair.first.vector())
    if related < yes_from("related") or pair.evidence is None:
        return Comparison("distinct", round(1 - related, 4))
    near = _near(pair, pair.evidence)
    if near >= yes_from("copy"):
        return Comparison("near", round(near, 4))
    variant = probability("variant", pair.evidence.vector())
    if variant >= yes_from("variant"):
        return Comparison("variant", round((1 - near) * variant, 4))
    return Comparison("distinct", round((1 - near) * (1 - variant), 4))


def _near(pair: "Pair", evidence: Evidence) -> float:
    """Probability that both show one picture; only the finest look says so with certainty."""
    if evidence.mean_similarity < LEAST_SIMILAR:
        return 0.0
    seen = evidence.vector()
    near = probability("near", seen)
    if near < yes_from("near"):
        return near
    return probability("copy", np.concatenate([seen, pair.fine.vector()]))


@dataclass(frozen=True)
class _Guessed:
    """Two pictures on common grounds, and how alignments of them fit."""

    one: Side
    two: Side
    grounds: tuple[Colour, Colour]
    turn: int
    fits: list[tuple[float, Alignment]]
    """The best first."""


class Pair:
    """Two fingerprints; each look is taken when first asked for."""

    def __init__(self, a: Fingerprint, b: Fingerprint) -> None:
        self._a, self._b = (b, a) if b.key < a.key else (a, b)

    @cached_property
    def _guessed(self) -> _Guessed:
        ways = [self._guess(grounds) for grounds in _grounds(self._a, self._b)]
        return max(ways, key=lambda way: way.fits[0][0] if way.fits else -1.0)

    def _guess(self, grounds: tuple[Colour, Colour]) -> _Guessed:
        a, b = self._a, self._b
        one, two = _over(a, grounds[0]), _over(b, grounds[1])
        corners = (b.corners, b.descriptors)
        if turn := _turn(one, two):
            two = Side(_turned(two.rgb, turn))
            corners = find_corners(two.rgb)
        guesses = _guesses(one, two, (a.corners, a.descriptors), corners)
        fits = [(quick_fit(one, two, guess), -rank, guess) for rank, guess in enumerate(guesses)]
        fits.sort(key=lambda entry: entry[:2], reverse=True)
        return _Guessed(one, two, grounds, turn, [(fit, guess) for fit, _rank, guess in fits])

    @property
    def can_be_laid_on_each_other(self) -> bool:
        """Whether there is any alignment."""
        return bool(self._guessed.fits)

    @cached_property
    def first(self) -> FirstLook:
        """Cheap: whether more is worth the time."""
        at = self._guessed
        return first_look(self._a.views, self._b.views, at.one, at.two, at.fits)

    @cached_property
    def _alignment(self) -> Alignment:
        at = self._guessed
        fit, guess = at.fits[0]
        refined = refine(guess, at.one.gray, at.two.gray)
        better = refined is not guess and quick_fit(at.one, at.two, refined) > fit - 0.02
        return refined if better else guess

    @cached_property
    def evidence(self) -> Evidence | None:
        """The evidence under the alignment that fits best; None when they hardly overlap."""
        at = self._guessed
        return gather(at.one, at.two, self._alignment, turned=at.turn > 0)

    @cached_property
    def fine(self) -> FineEvidence:
        """The finer pictures under the same alignment."""
        at = self._guessed
        one, two = self._a.fine_over(at.grounds[0]), self._b.fine_over(at.grounds[1])
        two = _turned(two, at.turn) if at.turn else two
        sizes = [(gray.shape[1], gray.shape[0]) for gray in (one, two)]
        return look_closely(
            one, two, rescaled(self._alignment, at.one.size, at.two.size, sizes[0], sizes[1])
        )


def _grounds(a: Fingerprint, b: Fingerprint) -> list[tuple[Colour, Colour]]:
    """Grounds to lay both on; what is transparent in one may have got a ground in the other.

    That ground is the colour at the edge of the other, or inside its border: a transparent logo
    is first put on white, then framed in black.
    """
    if a.has_alpha and b.has_alpha:
        return [(a.ground, a.ground)]
    if a.has_alpha:
        return [(ground, b.ground) for ground in _edges(b)]
    if b.has_alpha:
        return [(a.ground, ground) for ground in _edges(a)]
    return [(a.ground, b.ground)]


def _edges(opaque: Fingerprint) -> list[Colour]:
    left, top, right, bottom = opaque.box
    # two pixels further in: packing has mixed the border's colour into the first
    inside = opaque.rgb[top + 2 : bottom - 2, left + 2 : right - 2]
    outer = ground_of(opaque.rgb)
    inner = ground_of(inside) if inside.size else outer
    apart = max(abs(one - other) for one, other in zip(outer, inner, strict=True))
    return [outer, inner] if apart > OTHER_GROUND else [outer]


def _over(print_: Fingerprint, ground: Colour) -> Side:
    if not print_.has_alpha or ground == print_.ground:
        return _side(print_)
    return Side(over(print_.rgba, ground))


@lru_cache(maxsize=AT_HAND)
def _at_hand(print_: Fingerprint) -> Fingerprint:
    """The fingerprint that was given first: what was unpacked of it need not be again.

    Those that come from other processes are new objects every time.
    """
    return print_


@lru_cache(maxsize=AT_HAND)
def _side(print_: Fingerprint) -> Side:
    return Side(print_.rgb, print_.box)


def _guesses(one: Side, two: Side, corners_a: Corners, corners_b: Corners) -> list[Alignment]:
    """Wholes and contents on each other: an icon's white margin is content inside a black frame."""
    boxes = [list(dict.fromkeys([(0, 0, *side.size), side.content])) for side in (one, two)]
    guesses = [box_on_box(a, b) for a in boxes[0] for b in boxes[1]]
    guesses.append(corner_on_corner(*corners_a, *corners_b))
    return [guess for guess in guesses if guess is not None]


def _turn(one: Side, two: Side) -> int:
    """Which of the eight turns and mirrorings of the second looks like the first; 0 is none."""
    fits = [float((one.tile * _turned(two.tile, turn)).mean()) for turn in range(8)]
    best = int(np.argmax(fits))
    return best if fits[best] > TURNED and fits[best] > fits[0] + 0.15 else 0


def _turned(picture: NDArray[np.generic], turn: int) -> NDArray:  # type: ignore[type-arg]
    mirrored = picture[:, ::-1] if turn >= 4 else picture
    return np.ascontiguousarray(np.rot90(mirrored, turn % 4))
