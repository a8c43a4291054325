"""Many pictures in batches that become smaller when the memory is too small for them."""

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from lowdiff.errors import ServiceError

T = TypeVar("T")
HALVINGS = 2
"""So often a batch is halved before we give up."""


def in_batches(
    count: int,
    batch_size: int,
    draw: Callable[[slice], list[T]],
    *,
    advance: Callable[[int], None] | None = None,
) -> list[T]:
    """Call `draw` on slices of `count` items and join what it gives.

    A batch that does not fit into memory is halved, at most twice; the smaller size is kept for
    what follows.

    Args:
        advance: told the number of items after each batch.

    Raises:
        ServiceError: a quarter of a batch does not fit either.
    """
    done: list[T] = []
    size, halved = max(1, min(batch_size, count)), 0
    while len(done) < count:
        part = slice(len(done), min(len(done) + size, count))
        try:
            found = draw(part)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if size == 1 or halved == HALVINGS:
                raise _too_large(size) from error
            found = []
        if not found:  # outside of `except`, where the error still holds the tensors
            size, halved = (size + 1) // 2, halved + 1
            _let_go()
            continue
        done += found
        if advance is not None:
            advance(len(found))
    return done


def is_out_of_memory(error: BaseException) -> bool:
    """True for a GPU or CPU that has no memory left, as torch and Python say it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return "can't allocate memory" in said or "out of memory" in said


def _let_go() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _too_large(size: int) -> ServiceError:
    return ServiceError(
        "memory",
        "is too small to draw these pictures",
        reason="out_of_memory",
        found=f"a batch of {size}",
        do="Ask for a smaller --size or --batch, or let other programs go.",
    )
