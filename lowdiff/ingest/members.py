"""Which members of an archive may be read at all, judged by what the archive says of them."""

import re
from pathlib import PurePosixPath

from lowdiff.errors import InputError

_DRIVE = re.compile(r"^[A-Za-z]:")
MAX_NAME = 1024
MAX_NAME_BYTES = 2000
"""PostgreSQL finds nothing again by more than 2,700."""
SHOWN = 500
"""Characters of a name that a message tells."""


def is_hidden(name: str) -> bool:
    """Whether a member is no content: hidden files, and what macOS adds."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in (".", "..")]
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def check_name(name: str) -> InputError | None:
    """Refuse names that lead out of the archive or cannot be written down."""
    try:
        length = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return refuse(name, "its name is no valid UTF-8", reason="bad_name")
    if not name.isprintable() or len(name) > MAX_NAME or length > MAX_NAME_BYTES:
        problem = "its name has control characters or is very long"
        return refuse(name, problem, reason="bad_name")
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(name):
        return refuse(name, "its name leads out of the archive", reason="unsafe_name")
    return None


def refuse(name: str, problem: str, *, reason: str, **more: object) -> InputError:
    """A refusal of one member; its name is made printable."""
    return InputError(printable(name), problem, reason=reason, **more)  # type: ignore[arg-type]


def printable(name: str) -> str:
    """A name with escapes for what cannot be printed."""
    plain = name.encode("utf-8", errors="backslashreplace").decode("utf-8")
    shown = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in plain)
    return shown[:SHOWN]
