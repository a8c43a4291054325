"""Sample grids as PNG files."""

from pathlib import Path

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from lowdiff.training.disk import writing

GAP_PX = 2


def save_grid(rows: list[UInt8[Tensor, "n h w 3"]], path: Path) -> None:
    """Write pictures as a grid, one row of pictures per entry, on light grey.

    Raises:
        ServiceError: the file cannot be written.
    """
    height_px, width_px = rows[0].shape[1:3]
    columns = max(len(row) for row in rows)
    sheet = Image.new(
        "RGB",
        (columns * (width_px + GAP_PX) + GAP_PX, len(rows) * (height_px + GAP_PX) + GAP_PX),
        (224, 224, 224),
    )
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            at = (GAP_PX + x * (width_px + GAP_PX), GAP_PX + y * (height_px + GAP_PX))
            sheet.paste(Image.fromarray(picture.contiguous().numpy()), at)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(path)
