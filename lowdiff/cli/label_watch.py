"""`lowdiff label watch`, and how a pull is told."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowdiff.cli.output import AsJson, emit, progress, say

if TYPE_CHECKING:
    from lowdiff.labels.desk.pulled import PullReport
    from lowdiff.ops.label_round import Round


def watch(
    every: Annotated[float, typer.Option(min=1, help="Seconds between two pulls.")] = 60,
    refresh: Annotated[
        float, typer.Option(min=1, help="Seconds after which tasks follow what came in.")
    ] = 600,
    refresh_after: Annotated[
        int, typer.Option(min=1, help="Answers after which they do so at once.")
    ] = 25,
    receive: Annotated[
        bool,
        typer.Option("--receive", help="Let Label Studio call us, for pulls within seconds."),
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="End after so many pulls. Default: never.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep labeling going: pull, learn, decide what counts, bring the tasks up to date.

    Polling is the truth. With --receive a small receiver listens on this machine, and Label
    Studio's webhooks only hint that a pull is worth while now. Ctrl+C ends it at any time.

    Example: `lowdiff label watch --receive`
    """
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.label_watch import watch_labels
    from lowdiff.ops.labeling import connect_label_studio
    from lowdiff.ops.project import open_project

    left = rounds

    def told(found: "Round") -> bool:
        nonlocal left
        left = None if left is None else left - 1
        tell_round(found, as_json=as_json)
        return left is None or left > 0

    with open_project() as opened, connect_label_studio(opened) as client:
        watch_labels(
            opened,
            client,
            load_schema(),
            every_s=every,
            refresh_s=refresh,
            refresh_after=refresh_after,
            receive=receive,
            told=told,
            say=say,
            watch=progress,
        )


def tell_round(found: "Round", *, as_json: bool) -> None:
    """One line for a round in which something happened."""
    from lowdiff.cli.label_progress import say_switched

    pulled, done = found.pulled, found.done
    say_pulled(pulled)
    say_switched(found.switched)
    record: dict[str, Any] = pulled.record()
    record["redrafted"] = found.learned.redrafted.images if found.learned else None
    if done is not None:
        record |= {name: value for name, value in done.record().items() if name != "refused"}
    came = pulled.annotations + pulled.skipped + pulled.withdrawn + pulled.gone
    if not as_json and not came and done is None:
        return
    text = f"{pulled.annotations} annotations, {pulled.corrected} fields corrected"
    if found.learned:
        text += f"; learned: {found.learned.redrafted.images} images have other drafts"
    if done is not None:
        text += f"; tasks: {done.pushed.pushed} new, {done.refreshed.updated} changed, "
        text += f"{done.refreshed.removed} taken away"
    emit(record, as_json=as_json, text=text)


def say_pulled(report: "PullReport") -> None:
    """What a person has to know of a pull."""
    for address, why in report.refused.items():
        say(f"refused {address}: {why}")
    if report.withdrawn:
        say(f"{report.withdrawn} annotations were deleted or skipped since: they count no more")
    if report.gone:
        say(f"{report.gone} tasks were deleted in Label Studio; what was said on them stays")
    if report.looked_again:
        say(
            f"{report.looked_again} labels were looked at once more, {report.changed_again} of "
            "them say something else now (the history keeps both)"
        )
