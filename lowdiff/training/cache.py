"""Tensors that cost time to make, kept by the digest of everything they depend on.

The cache may be deleted at any time. A file is written aside and renamed; one that is damaged all
the same is made again.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lowdiff.training.checkpoint import save_tensors


def cached(
    folder: Path, parts: Sequence[str | bytes | memoryview], make: Callable[[], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """The tensors made from `parts`: read back, or made and kept.

    Args:
        folder: of this kind of tensor, inside the workspace's cache.
        parts: everything that the tensors depend on; bytes in one contiguous block.

    Raises:
        ServiceError: the cache cannot be written.
    """
    key = sha256()
    for part in parts:
        body = memoryview(part.encode() if isinstance(part, str) else part)
        key.update(body.nbytes.to_bytes(8, "big"))
        key.update(body)
    path = folder / f"{key.hexdigest()}.safetensors"
    try:
        return load_file(path)
    except (FileNotFoundError, SafetensorError):
        tensors = make()
        save_tensors(tensors, path)
        return tensors
