"""Bring what was written to the disk, all at once."""

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any


def flush_filesystem(folder: Path) -> None:
    """Return when everything written to the folder's filesystem would survive a power cut.

    On Linux this is `syncfs`: one journal commit for all files and names, where a call of `fsync`
    for each file would wait for one each. Elsewhere the whole system is flushed.

    Raises:
        OSError: the disk fails.
    """
    if not sys.platform.startswith("linux"):
        os.sync()
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _libc().syncfs(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


@cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)
