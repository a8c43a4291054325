"""`lowdiff dedupe`: twins and cousins: find them, look at them, overrule what was found."""

from pathlib import Path
from typing import Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, how_we_are_called, progress, say

app = typer.Typer(rich_markup_mode="markdown")
ImageId = Annotated[str, typer.Argument(help="Image id, or the unique start of it.")]


@app.callback(invoke_without_command=True)
def dedupe(context: typer.Context, as_json: AsJson = False) -> None:
    """Find what is there twice (exact, near) and what belongs together (variants of a template).

    Only what is new is compared. A family (all that hang together) shares a split, so that no test
    image was seen in training; of exact and near twins a dataset takes the best one.

    Example: `lowdiff dedupe && lowdiff dedupe review`
    """
    if context.invoked_subcommand is None:
        run(as_json=as_json)


@app.command()
def run(as_json: AsJson = False) -> None:
    """Fingerprint and compare what is new, and give every image its family.

    Interrupt it at any time: the same command goes on where it stopped.

    Example: `lowdiff dedupe run --json`
    """
    from lowdiff.dedupe.comparing import pending_comparisons
    from lowdiff.dedupe.find import find_duplicates
    from lowdiff.dedupe.prints import pending_prints
    from lowdiff.ops.duplicates import decode_original
    from lowdiff.ops.project import open_project

    with open_project() as project:
        new, waiting = pending_prints(project.catalog), pending_comparisons(project.catalog)
        with progress("finding duplicates", 2 * len(new) + len(waiting)) as advance:
            counts = find_duplicates(
                project.catalog,
                project.store,
                decode=decode_original,
                workers=project.settings.workers,
                lease_s=project.settings.lease_s,
                advance=advance,
            )
    found = counts.as_dict()
    emit(found, as_json=as_json, text=_in_words(found))
    if counts.families.warning:
        say(f"warning: {counts.families.warning}")


@app.command()
def scan(
    folder: Annotated[Path, typer.Argument(help="Looked through with all folders in it.")],
    as_json: AsJson = False,
) -> None:
    """List the pairs of any folder that are exact, near or variants; no workspace is needed.

    Files that are no images are told and left out.

    Example: `lowdiff dedupe scan ~/Pictures --json | jq -r 'select(.relation == "exact") | .b'`
    """
    from lowdiff.dedupe.scan import scan as scan_files
    from lowdiff.errors import InputError
    from lowdiff.ingest.check import files_below
    from lowdiff.ops.duplicates import read_file

    if not folder.is_dir():
        raise InputError(folder, "is no folder", reason="no_such_folder")
    left_out = 0

    def told(_path: object, error: InputError) -> None:
        nonlocal left_out
        left_out += 1
        say(f"left out: {error}")

    files = list(files_below([folder]))
    numbers: dict[str, int] = {}
    for pair in scan_files(files, read=read_file, refused=told):
        numbers[pair.relation] = numbers.get(pair.relation, 0) + 1
        record = {
            "a": str(pair.a),
            "b": str(pair.b),
            "relation": pair.relation,
            "score": pair.score,
        }
        text = f"{pair.relation:<8} {pair.score:.3f}  {pair.a}  {pair.b}"
        emit(record, as_json=as_json, text=text)
    found = ", ".join(f"{number} {relation}" for relation, number in sorted(numbers.items()))
    rest = f", {left_out} files left out" if left_out else ""
    say(f"{len(files) - left_out} images: {found or 'no pairs'}{rest}")


@app.command()
def review(
    limit: Annotated[int, typer.Option(min=1, help="Pairs at most.")] = 200,
    by: Annotated[
        str, typer.Option(help="Who looks: written into the commands of the page.")
    ] = "you@example.com",
    out: Annotated[
        Path | None, typer.Option(help="The page; default: duplicates.html in the workspace.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page of pairs to look at, the most doubtful first, with the verdict beside each.

    One file that opens offline. Beside each pair is the command that overrules it.

    Example: `lowdiff dedupe review --limit 400 --by ann@example.org`
    """
    from lowdiff.dedupe.review import REVIEW_FILE, write_review
    from lowdiff.ops.duplicates import decode_original
    from lowdiff.ops.project import open_project

    with open_project() as project:
        target = out or project.workspace.root / REVIEW_FILE
        made = write_review(
            project.catalog,
            project.store,
            target,
            decode=decode_original,
            limit=limit,
            by=by,
            command=how_we_are_called(),
        )
    record: dict[str, Any] = {
        "page": str(target),
        "shown": made.shown,
        **{group.relation: group.number for group in made.groups},
        "by_people": made.by_people,
    }
    emit(record, as_json=as_json, text=f"{made.shown} pairs to look at: {target}")


@app.command()
def verdict(
    a: ImageId,
    b: ImageId,
    relation: Annotated[str, typer.Argument(help="near, variant or distinct.")],
    by: Annotated[str, typer.Option(help="Who says it, such as you@example.com.")],
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what two images are to each other; a person's word counts above the method's.

    near: one picture twice. variant: one template, other content. distinct: neither.
    The newest word on a pair counts, so another one takes it back.

    Example: `lowdiff dedupe verdict 3fa9c1 8a7b02 variant --by ann@example.org --note "other text"`
    """
    from lowdiff.dedupe.overrule import overrule
    from lowdiff.ops.project import open_project

    with open_project() as project:
        done = overrule(project.catalog, a, b, relation, by=by, note=note)
    said = done.verdict
    record = {
        "a": said.a_id,
        "b": said.b_id,
        "relation": said.relation,
        "before": done.before,
        "by": said.actor,
        "note": said.note,
        "changed": done.changed,
        "still_connected": list(done.still_connected),
    }
    before = f" (before: {done.before})" if done.before else ""
    text = f"{said.a_id[:12]} and {said.b_id[:12]}: {said.relation}{before}; "
    text += f"{done.changed} images have another family now"
    emit(record, as_json=as_json, text=text)
    if done.still_connected:
        chain = " – ".join(image_id[:12] for image_id in done.still_connected)
        say(f"both are still in one family, held together by other pairs: {chain}")


@app.command()
def show(image: ImageId, as_json: AsJson = False) -> None:
    """Show the family of an image, and all that is known of its pairs.

    Example: `lowdiff dedupe show 3fa9c1`
    """
    from lowdiff.dedupe.overrule import relatives
    from lowdiff.ops.project import open_project

    with open_project() as project:
        found = relatives(project.catalog, image)
    said = {tuple(sorted((v.a_id, v.b_id))): v for v in found.verdicts}
    record = {
        "image": found.image_id,
        "family": found.family_id,
        "members": list(found.members),
        "edges": [vars(edge) for edge in found.edges],
        "verdicts": [vars(one) for one in found.verdicts],
    }
    lines = [f"{found.image_id}", f"family {found.family_id[:12]}, {len(found.members)} images:"]
    lines += [f"  {member[:12]}" for member in found.members]
    lines += ["pairs:"] if found.edges or said else ["it was not compared, or with nothing alike"]
    lines += [
        f"  {_other(found.image_id, edge.a_id, edge.b_id)}  {edge.kind:<8} {edge.score:.3f}  "
        f"{edge.method_version}"
        for edge in found.edges
    ]
    lines += [
        f"  {_other(found.image_id, one.a_id, one.b_id)}  {one.relation:<8} said {one.actor}"
        + (f": {one.note}" if one.note else "")
        for one in said.values()
    ]
    emit(record, as_json=as_json, text="\n".join(lines))


def _other(image_id: str, a: str, b: str) -> str:
    return (b if a == image_id else a)[:12]


def _in_words(found: dict[str, Any]) -> str:
    lines = [
        f"{found['fingerprinted']} images fingerprinted, {found['compared_images']} compared "
        f"({found['compared_pairs']} pairs)",
        f"pairs: {found['exact']} exact, {found['near']} near, {found['variant']} variant, "
        f"{found['distinct']} looked alike but are distinct",
        f"{found['images']} images in {found['families']} families; the largest has "
        f"{found['largest_family']}",
    ]
    if found["refused"]:
        lines.append(f"{found['refused']} images could not be read again")
    if found["crowded"]:
        lines.append(f"{found['crowded']} have more look-alikes than were compared")
    return "\n".join(lines)
