"""`lowdiff label status` and `lowdiff label accept`: how far it is, and what counts by itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lowdiff.cli.output import AsJson, emit, say

if TYPE_CHECKING:
    from lowdiff.labels.accept.decide import Verdict


def status(as_json: AsJson = False) -> None:
    """Show how far labeling is, at which pace, when it is done, and what to label next.

    Needs no server. `accepted` are drafts that count without a person: audits by people have shown
    that at most so many of a field's labels are wrong as the setting accept_error_limit allows.

    Example: `lowdiff label status`, or `lowdiff label status --json | jq .forecast`
    """
    from lowdiff.catalog.engine import utc_now
    from lowdiff.labels.progress.words import status_text
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.acceptance import label_status
    from lowdiff.ops.project import open_project

    with open_project() as project:
        found = label_status(project, load_schema())
    emit(found.record(), as_json=as_json, text=status_text(found, today=utc_now().date()))


def accept(
    preview: Annotated[
        bool, typer.Option("--preview", help="Only say what would be decided.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Decide again which drafts count without a person; every pull does it too.

    For every field and drafter: the confidence from which on drafts are tried is chosen on labels
    of people, and whether they are right often enough is tested on audited images only, which
    nobody chose. Deciding often costs nothing: the bound holds however often one looks.

    Example: `lowdiff label accept --preview`
    """
    from dataclasses import asdict

    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.acceptance import decide_acceptance
    from lowdiff.ops.project import open_project

    with open_project() as project:
        verdicts = decide_acceptance(project, load_schema(), preview=preview)
        mode = project.settings.acceptance
    for one in verdicts:
        state = "on" if one.is_on else "off"
        changed = " (was " + ("off" if one.is_on else "on") + ")" if one.switched else ""
        where = "" if one.threshold is None else f" from confidence {one.threshold:.2f}"
        emit(
            asdict(one),
            as_json=as_json,
            text=f"{one.field} by {one.family}: {state}{changed}{where}. {one.reason}",
        )
    if not verdicts:
        say("people have not judged any draft yet: `lowdiff label push`, label, `label pull`")
    if mode == "confidence":
        say("the setting acceptance = confidence is on: drafts count unaudited, whatever is here")


def say_switched(verdicts: "Sequence[Verdict]") -> None:
    """Tell a person whose drafts count since now, and whose do not any more."""
    for one in verdicts:
        if one.switched:
            state = "count without a person now" if one.is_on else "do not count any more"
            say(f"{one.field}: drafts by {one.family} {state}. {one.reason}")
