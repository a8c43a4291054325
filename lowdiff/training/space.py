"""Is there room on the disk for a run?"""

import shutil
from collections.abc import Callable
from pathlib import Path

from lowdiff.errors import ServiceError


def free_bytes(folder: Path) -> int:
    """Free space where a folder lies or will lie."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).free


def check_space(folder: Path, needed: int, *, free: Callable[[Path], int] = free_bytes) -> None:
    """Refuse a run that would fill the disk before it is done.

    Args:
        needed: bytes.
        free: tells the free bytes where a folder lies.

    Raises:
        ServiceError: there is less.
    """
    there = free(folder)
    if there < needed:
        raise ServiceError(
            folder,
            "there is not enough room on the disk for this run",
            reason="disk_too_small",
            found=f"{there / 2**30:.2f} GB free",
            allowed=f"{needed / 2**30:.2f} GB and more",
            do="Free the disk, use another workspace, or a preset with fewer snapshots.",
        )


def disk_bytes(parameters: int, *, kept: int, snapshots: int) -> int:
    """What a run folder needs at most: two checkpoints while one replaces the other, and the rest.

    Args:
        kept: averages.
        snapshots: of the averages, in half precision.
    """
    checkpoint = 4 * (3 + kept) * parameters
    return 2 * checkpoint + 4 * parameters + 2 * kept * snapshots * parameters + 50 * 2**20
