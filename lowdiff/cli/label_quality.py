"""`lowdiff label agreement` and `lowdiff label suspects`: how good the labels of people are."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lowdiff.cli.output import AsJson, emit, how_we_are_called, say

if TYPE_CHECKING:
    from lowdiff.labels.quality.agreement import Agreement
    from lowdiff.labels.quality.annotators import Annotator, Share


def agreement(as_json: AsJson = False) -> None:
    """Show how far annotators agree, field by field, and what each of them did.

    Choices and flags: Krippendorff's alpha (1 is perfect, 0 is chance; from about 0.8 on labels are
    called reliable). Texts: likeness by edits. Boxes: overlap. With 95 % intervals. People saw the
    drafts, so they agree more than they would over empty forms. Annotators are sorted by name: who
    got the hard images changes more, takes longer and agrees less.

    Example: `lowdiff label agreement`
    """
    from lowdiff.labels.quality.agreement import measure_agreement
    from lowdiff.labels.quality.annotators import describe_annotators
    from lowdiff.labels.quality.ratings import read_ratings
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.project import open_project

    schema = load_schema()
    with open_project() as project, project.catalog.read() as session:
        ratings = read_ratings(session)
        people = describe_annotators(session, ratings, schema)
    if not ratings:
        say("people have labelled nothing yet: `lowdiff label push`, label, `lowdiff label pull`")
        return
    for row in measure_agreement(ratings, schema):
        _show_agreement(row, as_json=as_json)
    for one in people:
        _show_annotator(one, as_json=as_json)


def _show_agreement(row: "Agreement", *, as_json: bool) -> None:
    found = row.interval
    record = {
        "field": row.field,
        "measure": row.measure,
        "value": found and round(found.value, 4),
        "low": found and round(found.low, 4),
        "high": found and round(found.high, 4),
        "images": found.images if found else 0,
        "judgements": found.values if found else 0,
        "same": row.same,
        "why": row.why,
    }
    text = f"{row.field:<18} {row.measure:<14} "
    if found:
        text += f"{found.value:5.2f} ({found.low:.2f} to {found.high:.2f}, {found.images} images)"
    emit(record, as_json=as_json, text=text + ("" if found else row.why))


def _show_annotator(one: "Annotator", *, as_json: bool) -> None:
    record = {
        "annotator": one.name,
        "images": one.images,
        "median_s": one.median_s,
        "changed": {name: vars(share) for name, share in one.changed.items()},
        "agrees": one.agrees and vars(one.agrees),
        "gold": {name: vars(score) for name, score in one.gold.items()},
    }
    seconds = "no time known" if one.median_s is None else f"{one.median_s:.0f} s an image (median)"
    text = (
        f"{one.name}: {one.images} images, {seconds}; changed {_words(one.changed_total)} of the "
        f"drafts; agrees with others in {_words(one.agrees)}; gave {_words(one.gold_total)} of "
        "the known answers"
    )
    emit(record, as_json=as_json, text=text)


def _words(share: "Share | None") -> str:
    return "–" if share is None else f"{share.value:.0%} ({share.part} of {share.of})"


def suspects(
    limit: Annotated[int, typer.Option(min=1, help="Labels at most.")] = 50,
    field: Annotated[str | None, typer.Option(help="Only this field.")] = None,
    push: Annotated[
        bool, typer.Option("--push", help="Give the listed labels back for a second look.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The page; default: suspects.html in the workspace.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List labels of people that are probably wrong, with reasons, and write a page with pictures.

    Three kinds of evidence: the label contradicts what was measured or another label; a twin says
    otherwise; images labelled so look different (confident learning). A suspicion is a question:
    nothing is changed. With --push the queue brings the images back to annotators.

    Example: `lowdiff label suspects --limit 30 --push`
    """
    from lowdiff.catalog.engine import utc_now
    from lowdiff.labels.quality.page import SUSPECTS_FILE, told, write_suspects
    from lowdiff.labels.quality.second_look import ask_again
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.duplicates import decode_original
    from lowdiff.ops.label_queue import present_suspects
    from lowdiff.ops.project import open_project

    schema = load_schema()
    if field is not None:
        schema.field(field)
    with open_project() as project:
        found = present_suspects(project, schema)
        chosen = [one for one in found if field in (None, one.field)]
        listed = chosen[:limit]
        target = out or project.workspace.root / SUSPECTS_FILE
        write_suspects(
            listed, target, schema=schema, catalog=project.catalog, store=project.store,
            decode=decode_original, number=len(chosen), command=how_we_are_called(),
        )  # fmt: skip
        asked = 0
        if push:
            with project.catalog.write() as session:
                whys = [(one.image_id, one.field, "; ".join(one.reasons)) for one in listed]
                asked = ask_again(session, whys, now=utc_now())
    for one in listed:
        rather = "" if one.instead is None else f", or rather {told(one.instead)}?"
        emit(
            vars(one),
            as_json=as_json,
            text=f"{one.image_id[:12]}  {one.field}: {told(one.value)}{rather}  "
            + "; ".join(one.reasons),
        )
    say(f"{len(listed)} of {len(chosen)} suspected labels, with pictures: {target}")
    if push:
        say(f"{asked} are given back for a second look")
