"""`lowdiff label queue` and `lowdiff label gold`: what comes next, and known answers in it."""

from typing import Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, say

gold = typer.Typer(
    help="Known answers, mixed into the queue: how often do annotators give them?",
    no_args_is_help=True,
)
ImageIds = Annotated[list[str], typer.Argument(help="Image ids, or the unique starts of them.")]


def queue(
    limit: Annotated[int, typer.Option(min=1, help="Images at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show which images people should see next, and why.

    The most valuable first: how unsure the drafts are × how unlike what is labelled × how many
    images of its family it speaks for × what the next training would gain. Audited images and
    known answers lie evenly between them. The push gives this order to Label Studio.

    Example: `lowdiff label queue --limit 5`
    """
    from lowdiff.labels.queue.words import reasons
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.label_queue import present_queue
    from lowdiff.ops.project import open_project

    with open_project() as project:
        found = present_queue(project, load_schema())
    for place, one in enumerate(found[:limit], start=1):
        why = reasons(one)
        record: dict[str, Any] = {
            "image": one.image_id,
            "priority": round(one.priority, 6),
            "kind": one.kind,
            "ask": list(one.ask),
            "why": why,
        }
        if one.worth:
            record |= vars(one.worth)
        text = f"{place:>4}  {one.image_id[:12]}  {len(one.ask):>2} fields  {'; '.join(why)}"
        emit(record, as_json=as_json, text=text)
    say(f"{len(found):,} images are left to see")


@gold.command("add")
def add(
    images: ImageIds,
    answers: Annotated[
        list[str] | None, typer.Option("--set", help="A known answer: field=value; several times.")
    ] = None,
    from_human: Annotated[
        bool, typer.Option("--from-human", help="Take what people said of these images.")
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who knows it. Default: your account.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make answers known: they are asked again of annotators who do not know that.

    A known answer also counts above what annotators say of that image. With --from-human nobody is
    measured on an answer of their own.

    Example: `lowdiff label gold add 3fa9c1 --set background=plain --set layout=centred`
    """
    import getpass

    from lowdiff.catalog.duplicates import find_image
    from lowdiff.catalog.engine import utc_now
    from lowdiff.labels.correct import parse_change
    from lowdiff.labels.queue.gold import add_gold, human_answers
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.project import open_project

    schema = load_schema()
    if from_human == bool(answers):
        raise typer.BadParameter("give --set field=value, or --from-human")
    changes = [parse_change(schema, text) for text in answers or ()]
    said = {field.name: value for field, value in changes}
    made = 0
    with open_project() as project, project.catalog.write() as session:
        ids = [find_image(session, image) for image in images]
        for image_id in ids:
            if from_human:
                known = human_answers(session, image_id, schema)
            else:
                known = {by or getpass.getuser(): said}
            for actor, values in (known or {"": {}}).items():
                made += add_gold(
                    session, image_id, values, schema=schema, made_by=actor, now=utc_now()
                )
    emit({"images": len(ids), "answers": made}, as_json=as_json)


@gold.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the known answers.

    Example: `lowdiff label gold list --json | jq -r .image | sort -u`
    """
    from lowdiff.labels.queue.gold import list_gold
    from lowdiff.ops.project import open_project

    with open_project() as project, project.catalog.read() as session:
        found = list_gold(session)
    for one in found:
        record = {
            "image": one.image_id,
            "field": one.field,
            "value": one.value,
            "made_by": one.made_by,
            "made_at": one.made_at,
        }
        text = f"{one.image_id[:12]}  {one.field}: {one.value!r} by {one.made_by}"
        emit(record, as_json=as_json, text=text)
    if not found:
        say("no answer is known: `lowdiff label gold add IMAGE --from-human`")


@gold.command("remove")
def remove(images: ImageIds, as_json: AsJson = False) -> None:
    """Forget the known answers of some images; they do not count any more.

    Example: `lowdiff label gold remove 3fa9c1`
    """
    from lowdiff.catalog.duplicates import find_image
    from lowdiff.catalog.engine import utc_now
    from lowdiff.labels.queue.gold import remove_gold
    from lowdiff.ops.project import open_project

    with open_project() as project, project.catalog.write() as session:
        ids = [find_image(session, image) for image in images]
        removed = remove_gold(session, ids, now=utc_now())
    emit({"images": len(ids), "removed": removed}, as_json=as_json)
