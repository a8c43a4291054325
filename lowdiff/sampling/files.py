"""PNG files that say where they come from."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lowdiff.errors import InputError, ServiceError

PREFIX = "lowdiff:"
"""Keys of our PNG text chunks: `lowdiff:prompt`, `lowdiff:seed`, `lowdiff:run` and so on."""


def save_picture(picture: Image.Image, path: Path, origin: Mapping[str, object]) -> None:
    """Write a PNG with its origin in text chunks (UTF-8), aside and renamed.

    Args:
        origin: such as prompt, seed, run, dataset, guidance, steps; values become text.

    Raises:
        ServiceError: the file cannot be written.
    """
    info = PngInfo()
    for key, value in origin.items():
        info.add_itxt(PREFIX + key, str(value))
    aside = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(aside, format="PNG", pnginfo=info)
        aside.replace(path)
    except OSError as error:
        raise ServiceError(
            path, f"cannot be written ({error})", reason="picture_not_writable"
        ) from error


def read_origin(path: Path) -> dict[str, str]:
    """What a picture of ours says of itself; empty for a picture of somebody else.

    Raises:
        InputError: it is no PNG.
    """
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            picture.load()
            chunks = dict(picture.info)
    except (OSError, SyntaxError) as error:
        raise InputError(path, f"is no PNG ({error})", reason="not_a_png") from error
    return {
        key.removeprefix(PREFIX): str(value)
        for key, value in chunks.items()
        if isinstance(key, str) and key.startswith(PREFIX)
    }


def picture_path(folder: Path, origin: Mapping[str, object]) -> Path:
    """A readable name that differs whenever the picture does.

    Returns:
        such as `<folder>/a-raccoon-0-5d41402a.png`: prompt, seed, digest of the whole origin.
    """
    words = re.sub(r"[^\w]+", "-", str(origin["prompt"]).lower()).strip("-")[:48] or "picture"
    digest = sha256(repr(sorted((k, str(v)) for k, v in origin.items())).encode()).hexdigest()
    return folder / f"{words}-{origin['seed']}-{digest[:8]}.png"
