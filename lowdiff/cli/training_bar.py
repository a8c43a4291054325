"""How a training run shows itself: loss, images per second, time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lowdiff.cli.output import messages, say

if TYPE_CHECKING:
    from lowdiff.training.progress import Progress


@contextmanager
def training_bar(what: str, steps: int) -> "Iterator[Callable[[Progress], None]]":
    """A bar of images seen on a terminal; elsewhere a line now and then.

    Args:
        steps: of the run, for the bar until the first figures come.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        console=messages,
        transient=not messages.is_terminal,
        disable=not messages.is_terminal,
    )
    told = 0

    def tell(progress: "Progress") -> None:
        nonlocal told
        figures = (
            f"loss {progress.loss:.4f} · {progress.images_per_s:.0f} img/s · "
            f"{progress.eta_s:.0f} s left"
        )
        seen, total = progress.images_seen, progress.images
        bar.update(task, completed=seen, total=total, figures=figures)
        tenth = progress.step * 10 // progress.steps
        if not messages.is_terminal and (tenth > told or told == 0):
            told = max(tenth, 1)
            say(f"{what} {seen:,} of {total:,} images · {figures}")

    with bar:
        task = bar.add_task(what, total=steps, figures="preparing images and captions")
        yield tell
