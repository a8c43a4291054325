"""What to do when a batch does not fit into memory: the same batch in smaller parts."""

import gc

import torch

from lowdiff.errors import ServiceError


def is_out_of_memory(error: BaseException) -> bool:
    """True for what torch and Python say when memory is short, on a GPU or a CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # the CPU's allocator has no exception of its own
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def free_memory(device: torch.device) -> None:
    """Give back what the failed try held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def no_memory(item: object, rows: int) -> ServiceError:
    """The error of a run whose smallest part does not fit."""
    return ServiceError(
        item,
        f"there is not enough memory to train, not even on {rows} image at a time",
        reason="no_memory",
        do="Close what else runs on this device, choose a smaller preset, or pass --device cpu.",
    )
