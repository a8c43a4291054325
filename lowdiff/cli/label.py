"""`lowdiff label …`: images to annotators and their answers back."""

from typing import Annotated

import typer

from lowdiff.cli import label_correct, label_progress, label_quality, label_queue, label_watch
from lowdiff.cli.output import AsJson, emit, progress, say

app = typer.Typer(
    help="Push drafts to Label Studio, pull what people confirmed.", no_args_is_help=True
)
app.command()(label_progress.status)
app.command()(label_progress.accept)
app.command()(label_correct.correct)
app.command()(label_correct.corrections)
app.command()(label_queue.queue)
app.add_typer(label_queue.gold, name="gold")
app.command()(label_quality.agreement)
app.command()(label_quality.suspects)
app.command()(label_watch.watch)


@app.command()
def push(
    limit: Annotated[
        int | None, typer.Option(min=1, help="Make at most this many new tasks on each screen.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=500, help="Tasks of one import.")] = 250,
    as_json: AsJson = False,
) -> None:
    """Bring Label Studio's tasks up to date: one for every image with something left to ask.

    Tasks come in the order of the queue and show only the open fields, filled in. Tasks that
    nobody has touched follow newer drafts; those that ask nothing any more go away. What people
    have worked on, or begun, is left alone. Doubtful text is asked on a screen of its own.

    Example: `lowdiff label push && lowdiff label open`
    """
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.label_push import push_all
    from lowdiff.ops.labeling import connect_label_studio
    from lowdiff.ops.project import open_project

    with open_project() as opened, connect_label_studio(opened) as client:
        done = push_all(
            opened, client, load_schema(), limit=limit, batch_size=batch_size, watch=progress
        )
    for image_id, why in done.pushed.refused.items():
        say(f"refused {image_id[:12]}: {why}")
    if done.unlicensed:
        say(
            f"{done.unlicensed} images are held back: nobody knows their licence "
            "(setting use_unknown_licences)"
        )
    emit(done.record(), as_json=as_json)


@app.command()
def pull(as_json: AsJson = False) -> None:
    """Bring in what people submitted since the last pull.

    Only fields that were shown become labels. An edited annotation replaces what it said, a deleted
    one counts no more, both stay in the history; a deleted task takes no label with it.

    Example: `lowdiff label pull --json | jq .corrected`
    """
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.acceptance import decide_acceptance
    from lowdiff.ops.labeling import connect_label_studio, pull_screens
    from lowdiff.ops.project import open_project

    schema = load_schema()
    with open_project() as opened, connect_label_studio(opened) as client:
        report = pull_screens(opened, client, schema)
        verdicts = decide_acceptance(opened, schema)
    label_progress.say_switched(verdicts)
    label_watch.say_pulled(report)
    emit(report.record(), as_json=as_json)


@app.command("open")
def open_(as_json: AsJson = False) -> None:
    """Print where to label, and with which account: the form, then the screen of doubtful text.

    Example: `xdg-open "$(lowdiff label open --json | head -1 | jq -r .url)"`
    """
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.labeling import connect_label_studio, screens, stream_url
    from lowdiff.ops.project import open_project
    from lowdiff.ops.secrets import login_file

    schema = load_schema()
    with open_project() as opened, connect_label_studio(opened) as client:
        stream_url(opened, client, schema)  # says what to do where nothing was pushed yet
        found = [
            (target, *client.progress(target.project_id))
            for target in screens(opened, client, schema)
        ]
        login = login_file(opened.workspace)
        account = (
            "your own account" if opened.settings.label_studio_url else f"the login in {login}"
        )
    for target, tasks, done in found:
        record = {
            "screen": target.screen,
            "url": target.url,
            "list": target.first_page,
            "login": account,
            "tasks": tasks,
            "done": done,
        }
        emit(record, as_json=as_json, text=target.url)
        say(f"{target.screen}: {done} of {tasks} tasks are done.")
    say(f"Log in with {account}.")
    say(
        f"Several people at once: start at {found[0][0].first_page} with the button that labels "
        "all tasks; it gives the same order, and never one image to two."
    )
