"""What a full disk means for a run: one sentence, and the same command goes on later."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from lowdiff.errors import ServiceError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate what goes wrong while `path` is written.

    Raises:
        ServiceError: the disk is full or the folder cannot be written.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise ServiceError(
            path,
            f"cannot be written ({getattr(error, 'strerror', None) or error})",
            reason="run_not_writable",
            do="Free the disk, then run the same command again; it goes on where it stopped.",
        ) from error
