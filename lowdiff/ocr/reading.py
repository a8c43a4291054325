"""What is read at all, and by whom: the ways of reading for the engines that there are."""

from PIL import Image

from lowdiff.ocr.alone import with_tesseract
from lowdiff.ocr.both import seen_alone, with_both
from lowdiff.ocr.layout import in_reading_order
from lowdiff.ocr.looks import BIG_PX, glance
from lowdiff.ocr.merge import judge_alone
from lowdiff.ocr.plan import Plan, Reading


def read_words(rgba: Image.Image, plan: Plan, *, item: str) -> Reading:
    """Read an image with all engines of the plan.

    Args:
        rgba: decoded pixels, mode RGBA.
        plan: the engines and their modes.
        item: id or path for messages.

    Raises:
        InputError: an engine hung or crashed on it.
    """
    if "rapidocr" not in plan.engines:
        return with_tesseract(rgba, plan, item=item)
    if "tesseract" in plan.engines:
        return with_both(rgba, plan, item=item)
    words = judge_alone(seen_alone(rgba, plan.engines["rapidocr"], item=item), plan.odds)
    return Reading(in_reading_order([word for word in words if word.confidence >= plan.keep]))


def worth_reading(rgba: Image.Image, plan: Plan, *, marks: int, item: str) -> bool:
    """Whether anything shows that looks like writing: cheaper than reading it.

    Args:
        marks: what the first look said.

    Raises:
        InputError: an engine hung or crashed on it.
    """
    if marks or "rapidocr" not in plan.engines or max(rgba.size) > BIG_PX:
        return marks > 0
    return glance(rgba, plan.engines["rapidocr"], item=item)
