"""The contact sheet of copies: drawings beside their nearest training images, the nearest first."""

import numpy as np
from PIL import Image

from lowdiff.evaluation.neighbours import Neighbours
from lowdiff.evaluation.pixels import Pixels

PAIRS, COLUMNS = 32, 8
LEAST_PX, GAP_PX = 64, 4
MARK, GROUND = (200, 50, 30), (240, 240, 238)


def nearest_sheet(drawn: Pixels, training: Pixels, near: Neighbours) -> Image.Image:
    """Pairs in rows: left the drawing, right the training image; red around what is a copy.

    The first pair is the most suspicious one: by how much nearer the nearest training image is than
    the second nearest.
    """
    order = near.ratio.argsort()[:PAIRS].tolist()
    side = max(LEAST_PX, min(128, drawn.shape[1]))
    columns = max(1, min(COLUMNS, len(order)))
    rows = max(1, -(-len(order) // columns))
    cell = (2 * side + 3 * GAP_PX, side + 2 * GAP_PX)
    sheet = Image.new("RGB", (columns * cell[0], rows * cell[1]), GROUND)
    for place, row in enumerate(order):
        left, top = place % columns * cell[0], place // columns * cell[1]
        if near.is_copy[row]:
            frame = Image.new("RGB", (cell[0] - GAP_PX // 2, cell[1] - GAP_PX // 2), MARK)
            sheet.paste(frame, (left + GAP_PX // 4, top + GAP_PX // 4))
        pair = (drawn[row], training[int(near.index[row])])
        for index, pixels in enumerate(pair):
            picture = Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side))
            sheet.paste(picture, (left + GAP_PX + index * (side + GAP_PX), top + GAP_PX))
    return sheet
