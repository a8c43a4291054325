"""The Jinja2 environment of all pages: everything is escaped, nothing is silently empty."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lowdiff.pages import format as human

TEMPLATES = Path(__file__).parent / "templates"


def page_environment(*folders: Path) -> Environment:
    """An environment that finds the templates of `folders` and the shared ones.

    Autoescape is on for every template, whatever its name; a name without a value is an error.
    Shared: `base.html` (the frame), `style.css`, `parts.html` (macros). Filters: the functions of
    `lowdiff.pages.format`.

    Args:
        folders: the caller's templates; they win over the shared ones.
    """
    environment = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=human.count,
        number=human.number,
        percent=human.percent,
        size=human.size,
        duration=human.duration,
        day=human.day,
        short=human.short,
        clip=human.clip,
    )
    environment.globals.update(share_of=human.share_of, plural=human.plural)
    return environment
