"""Big images are read piece by piece: shrinking them would lose their small print."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from PIL import Image

from lowdiff.ocr.engine import Box, RawWord, moved

TILE_PX = 2400
"""Images with a longer side are cut."""
SHARED_PX = 400
"""Neighbours share so much, so that a word at a seam is whole in one of them."""


BIG_LETTER_PX = 250
"""Higher words may be torn at a seam: they are taken from a look at the whole image …"""
OVERVIEW_PX = 1000
"""… shrunk to this longest side: engines do not see letters that fill half of what they get."""


def tiles_of(size_px: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of each tile, from top to bottom; one tile for most images."""
    for top, bottom in _spans(size_px[1]):
        for left, right in _spans(size_px[0]):
            yield left, top, right, bottom


def read_in_tiles(
    image: Image.Image, read: Callable[[Image.Image], list[RawWord]]
) -> list[RawWord]:
    """All words of an image in its pixels; blocks are numbered on from tile to tile.

    A word belongs to the tile in whose core, which it shares with no other, its middle lies;
    big letters are read in the shrunken image, and pieces of them in tiles are left out.
    """
    boxes = list(tiles_of(image.size))
    if len(boxes) == 1:
        return read(image)
    words = _big_words(image, read)
    places = [word.box for word in words]
    for tile in boxes:
        first_block = 1 + max((word.line[0] for word in words), default=-1)
        for word in moved(read(image.crop(tile)), x=-tile[0], y=-tile[1]):
            if _is_in_core(word, tile, image.size) and not _is_piece(word, places):
                block, *rest = word.line
                words.append(replace(word, line=(first_block + block, rest[0], rest[1])))
    return words


def _big_words(image: Image.Image, read: Callable[[Image.Image], list[RawWord]]) -> list[RawWord]:
    scale = OVERVIEW_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    words = moved(read(image.resize(size, Image.Resampling.BOX)), scale=scale)
    return [word for word in words if min(word.box[2:]) >= BIG_LETTER_PX]


def _is_piece(word: RawWord, places: Sequence[Box]) -> bool:
    """Whether its middle lies in a big word."""
    x, y, width, height = word.box
    middle = (x + width / 2, y + height / 2)
    return any(
        all(box[axis] <= middle[axis] <= box[axis] + box[axis + 2] for axis in (0, 1))
        for box in places
    )


def _spans(length_px: int) -> list[tuple[int, int]]:
    if length_px <= TILE_PX:
        return [(0, length_px)]
    number = -(-(length_px - SHARED_PX) // (TILE_PX - SHARED_PX))
    step = (length_px - TILE_PX) / (number - 1)
    return [(round(part * step), round(part * step) + TILE_PX) for part in range(number)]


def _is_in_core(word: RawWord, tile: tuple[int, int, int, int], size_px: tuple[int, int]) -> bool:
    middle = (word.box[0] + word.box[2] / 2, word.box[1] + word.box[3] / 2)
    return all(
        _core_start(tile[axis], axis, size_px) <= middle[axis]
        and middle[axis] < _core_end(tile[axis + 2], axis, size_px)
        for axis in (0, 1)
    )


def _core_start(start: int, axis: int, size_px: tuple[int, int]) -> float:
    if start == 0:
        return float("-inf")
    before = max(end for begin, end in _spans(size_px[axis]) if begin < start)
    return (start + before) / 2


def _core_end(end: int, axis: int, size_px: tuple[int, int]) -> float:
    if end >= size_px[axis]:
        return float("inf")
    after = min(begin for begin, finish in _spans(size_px[axis]) if finish > end)
    return (after + end) / 2
