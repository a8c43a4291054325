"""`lowdiff label …`: images to annotators and their answers back."""

from typing import Annotated

import typer

from lowdiff.cli import label_correct, label_progress, label_quality, label_queue
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


@app.command()
def push(
    limit: Annotated[int | None, typer.Option(min=1, help="Push at most this many images.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, max=500, help="Tasks of one import.")] = 250,
    as_json: AsJson = False,
) -> None:
    """Make one Label Studio task for every drafted image; what is there is left alone.

    Example: `lowdiff label push && lowdiff label open`
    """
    from lowdiff.catalog.chunks import chunks
    from lowdiff.labels.desk.candidates import pending_push, unlicensed
    from lowdiff.labels.desk.projects import ensure_project
    from lowdiff.labels.desk.push import PushReport, push_batch
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.labeling import connect_label_studio, document_root
    from lowdiff.ops.project import open_project

    schema = load_schema()
    with open_project() as opened, connect_label_studio(opened) as client:
        settings, workspace = opened.settings, opened.workspace
        project = ensure_project(
            client,
            catalog=opened.catalog,
            schema=schema,
            name=settings.dataset_name,
            working_copies=workspace.working_copies,
        )
        every = settings.use_unknown_licences
        held_back = 0 if every else unlicensed(project, catalog=opened.catalog)
        ids = pending_push(project, catalog=opened.catalog, use_unknown_licences=every)[:limit]
        total = PushReport()
        with progress("pushing", len(ids)) as advance:
            for some in chunks(ids, batch_size):
                total.add(
                    push_batch(
                        some,
                        client=client,
                        project=project,
                        schema=schema,
                        catalog=opened.catalog,
                        store=opened.store,
                        workspace=workspace,
                        document_root=document_root(opened),
                        lease_s=settings.lease_s,
                    )
                )
                advance(len(some))
    for image_id, why in total.refused.items():
        say(f"refused {image_id[:12]}: {why}")
    if held_back:
        say(
            f"{held_back} images are held back: nobody knows their licence "
            "(setting use_unknown_licences)"
        )
    emit(
        {
            "pushed": total.pushed,
            "adopted": total.adopted,
            "refused": len(total.refused),
            "unknown_licence": held_back,
            "url": project.url,
        },
        as_json=as_json,
    )


@app.command()
def pull(as_json: AsJson = False) -> None:
    """Bring in what people submitted since the last pull.

    Example: `lowdiff label pull --json | jq .corrected`
    """
    from lowdiff.labels.desk.projects import find_project
    from lowdiff.labels.desk.pull import pull as pull_annotations
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.acceptance import decide_acceptance
    from lowdiff.ops.labeling import connect_label_studio
    from lowdiff.ops.project import open_project

    schema = load_schema()
    with open_project() as opened, connect_label_studio(opened) as client:
        project = find_project(
            client, catalog=opened.catalog, schema=schema, name=opened.settings.dataset_name
        )
        report = pull_annotations(
            client=client, project=project, schema=schema, catalog=opened.catalog
        )
        verdicts = decide_acceptance(opened, schema)
    label_progress.say_switched(verdicts)
    for address, why in report.refused.items():
        say(f"refused {address}: {why}")
    if report.withdrawn:
        say(
            f"{report.withdrawn} annotations were deleted in Label Studio; their labels still count"
        )
    emit(
        {
            "annotations": report.annotations,
            "images": report.images,
            "confirmed": report.confirmed,
            "corrected": report.corrected,
            "skipped": report.skipped,
            "withdrawn": report.withdrawn,
            "refused": len(report.refused),
            "human_seconds": round(report.human_seconds, 1),
        },
        as_json=as_json,
    )


@app.command("open")
def open_(as_json: AsJson = False) -> None:
    """Print where to label, and with which account.

    Example: `xdg-open "$(lowdiff label open --json | jq -r .url)"`
    """
    from lowdiff.labels.desk.projects import find_project
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.labeling import connect_label_studio
    from lowdiff.ops.project import open_project
    from lowdiff.ops.secrets import login_file

    with open_project() as opened, connect_label_studio(opened) as client:
        project = find_project(
            client, catalog=opened.catalog, schema=load_schema(), name=opened.settings.dataset_name
        )
        done_of = client.progress(project.project_id)
        login = login_file(opened.workspace)
        account = (
            "your own account" if opened.settings.label_studio_url else f"the login in {login}"
        )
    record = {"url": project.url, "login": account, "tasks": done_of[0], "done": done_of[1]}
    emit(record, as_json=as_json, text=project.url)
    say(f"Log in with {account}. {done_of[1]} of {done_of[0]} tasks are done.")
