"""`lowdiff status`: what is there, and what runs."""

from typing import Any

from lowdiff.cli.output import AsJson, emit


def status(as_json: AsJson = False) -> None:
    """Show how far the workspace is: images, text, labels, datasets, runs, services.

    Example: `lowdiff status --json | jq .images`
    """
    from lowdiff.ops.project import open_project
    from lowdiff.ops.status import describe

    with open_project() as project:
        found = describe(project)
    emit(found, as_json=as_json, text=_in_words(found))


def _in_words(found: dict[str, Any]) -> str:
    said = found["labels"]
    human = sum(row.get("human", 0) for row in said.values())
    machine = sum(sum(row.values()) for row in said.values()) - human
    rows = [("workspace", found["workspace"]), ("images", found["images"])]
    for name, counts in found["sources"].items():
        rows.append((f"  {name}", f"{counts['images']} images, {counts['rejected']} refused"))
    if found["unknown_licences"]:
        rows.append(("unknown licence", f"{found['unknown_licences']} images, kept apart"))
    pairs = {kind: found["duplicates"][kind] for kind in ("exact", "near", "variant")}
    rows += [
        ("pairs", _counted(pairs)),
        ("text", _counted(found["ocr"]) or "not read yet"),
        ("labels", f"{human} by people, {machine} by machines"),
        ("dataset", found["newest_dataset"] or "none yet"),
        ("model", found["newest_model"] or "none yet"),
        ("runs", _counted(found["runs"]) or "none yet"),
    ]
    rows += [(name, url) for name, url in found["services"].items()]
    return "\n".join(f"{name:<20} {value}" for name, value in rows)


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items())
