"""`lowdiff label correct` and `lowdiff label corrections`: a mistake in many labels."""

from typing import TYPE_CHECKING, Annotated

import typer

from lowdiff.cli.output import AsJson, emit, say

if TYPE_CHECKING:
    from lowdiff.datasets.affected import Affected
    from lowdiff.labels.correct import Correction

SHOWN = 10


def correct(
    where: Annotated[
        list[str],
        typer.Option(
            "--where",
            help="Which labels: a field's value (logo=present), source=…, drafter=…, by=…, "
            "origin=…, image=…; several must hold together.",
        ),
    ],
    change: Annotated[str, typer.Option("--set", help="What they should say: field=value.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the correction.")] = "",
    by: Annotated[str | None, typer.Option(help="Who decides. Default: your account.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else only show.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replace a value that turned out to be wrong; shows what would happen until --apply.

    The history stays: the new value is one more statement, above all others. Dataset versions and
    runs that know the old value are listed and marked; the next export and retraining take the
    new one. Captions are not rewritten.

    Example: `lowdiff label correct --where logo=present --where source=icons --set logo=none
    --reason "icons carry no brand"`
    """
    import getpass

    from lowdiff.catalog.engine import utc_now
    from lowdiff.datasets.affected import find_affected
    from lowdiff.labels.correct import apply_correction, plan_correction
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.project import open_project

    schema = load_schema()
    if apply and not reason.strip():
        raise typer.BadParameter("say why: it is kept with the correction", param_hint="--reason")
    with open_project() as project:
        with project.catalog.read() as session:
            planned = plan_correction(session, schema, where=where, change=change)
        affected = find_affected(project.catalog, project.workspace, schema, planned)
        identity = None
        if apply and planned.replaced:
            with project.catalog.write() as session:
                identity = apply_correction(
                    session,
                    planned,
                    schema=schema,
                    marks=[one.mark for one in affected],
                    actor=by or getpass.getuser(),
                    reason=reason,
                    now=utc_now(),
                )
    record = {
        "applied": identity is not None,
        "correction": identity,
        "field": planned.field,
        "value": planned.value,
        "images": len(planned.replaced),
        "replaced": [vars(one) for one in planned.replaced],
        "affected": [vars(one) for one in affected],
    }
    emit(record, as_json=as_json, text=_in_words(planned, affected))
    if identity:
        say("kept; `lowdiff export` makes a version without the mistake, `lowdiff retrain` a model")
    elif planned.replaced:
        say("nothing is changed yet: add --reason … --apply")


def corrections(as_json: AsJson = False) -> None:
    """List all corrections, and the dataset versions and runs that know the old values.

    Example: `lowdiff label corrections --json | jq .affected`
    """
    from lowdiff.labels.correct import list_corrections
    from lowdiff.ops.project import open_project

    with open_project() as project, project.catalog.read() as session:
        rows = list_corrections(session)
    if not rows:
        say("no label was corrected by `lowdiff label correct`")
    for row in rows:
        affected = ", ".join(f"{one['kind']} {one['target'][:20]}" for one in row["affected"])
        asked = " and ".join(f"{name}={value}" for name, value in row["query"].items())
        emit(
            row,
            as_json=as_json,
            text=f"{row['made_at']:%Y-%m-%d} {row['actor']}: {row['field']} is {row['value']!r} "
            f"where {asked} ({row['images']} images). {row['reason']}. "
            f"The old value is in: {affected or 'nothing'}",
        )


def _in_words(planned: "Correction", affected: "list[Affected]") -> str:
    lines = [f"{len(planned.replaced):,} labels of {planned.field} would say {planned.value!r}"]
    lines += [f"  {one.image_id[:12]}  {one.old!r} by {one.by}" for one in planned.replaced[:SHOWN]]
    if len(planned.replaced) > SHOWN:
        lines.append(f"  … and {len(planned.replaced) - SHOWN:,} more")
    lines += [
        f"{one.kind} {one.name} holds {one.images:,} of the old values" for one in affected
    ] or ["no dataset version and no run holds the old values"]
    return "\n".join(lines)
