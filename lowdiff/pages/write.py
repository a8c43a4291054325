"""Write a page: a reader sees the whole of it or the earlier one."""

import os
from contextlib import suppress
from pathlib import Path

from lowdiff.errors import ServiceError


def write_page(path: Path, text: str) -> None:
    """Write a page aside and rename it.

    Raises:
        ServiceError: the file cannot be written.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise ServiceError(
            path,
            f"the page cannot be written ({error.strerror or error})",
            reason="page_not_writable",
            do="Free the disk, or choose another file with --out.",
        ) from error
    finally:
        with suppress(OSError):  # gone already when all went well
            aside.unlink()
