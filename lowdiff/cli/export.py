"""`lowdiff export` and `lowdiff dataset …`: versions of the dataset."""

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from lowdiff.cli.output import AsJson, emit, progress, say

if TYPE_CHECKING:
    from lowdiff.datasets.read import Version
    from lowdiff.datasets.twins import Twins
    from lowdiff.ops.project import Project

dataset_app = typer.Typer(
    help="List, show, verify and compare the versions of a dataset.", no_args_is_help=True
)
Reference = Annotated[
    str, typer.Argument(help="name, name@3, or 3; default: the newest of your dataset.")
]


def export(
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset; default: setting dataset_name.")
    ] = None,
    image_px: Annotated[
        int | None,
        typer.Option(min=16, max=4096, help="Longest side; default: setting dataset_image_px."),
    ] = None,
    twins: Annotated[
        str | None,
        typer.Option(
            help="best: of exact and near twins only the best one; all. "
            "Default: setting dataset_twins."
        ),
    ] = None,
    use_unknown_licences: Annotated[
        bool | None,
        typer.Option(
            help="Take images too whose licence nobody knows. Default: setting "
            "use_unknown_licences."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the accepted labels and images as the next version of the dataset.

    When nothing has changed there is no new version, and it says so.

    Example: `lowdiff export && lowdiff dataset show`
    """
    from lowdiff.datasets.export import export_version
    from lowdiff.labels.schema import load_schema
    from lowdiff.ops.acceptance import present_policy
    from lowdiff.ops.project import open_project

    with open_project() as project, progress("export", None) as advance:
        settings = project.settings
        exported = export_version(
            catalog=project.catalog,
            store=project.store,
            workspace=project.workspace,
            name=name or settings.dataset_name,
            image_px=image_px or settings.dataset_image_px,
            policy=present_policy(project),
            schema=load_schema(),
            seed=settings.seed,
            twins=_twins(twins) or settings.dataset_twins,
            use_unknown_licences=(
                settings.use_unknown_licences
                if use_unknown_licences is None
                else use_unknown_licences
            ),
            workers=settings.workers,
            advance=advance,
        )
    for image_id, (old, new) in sorted(exported.moved.items()):
        say(f"{image_id[:12]} moved from {old} to {new}: its family has become one with another")
    record = describe_version(exported.version) | {"is_new": exported.is_new}
    emit(record, as_json=as_json, text=_in_words(exported.version, is_new=exported.is_new))


@dataset_app.command("list")
def list_versions(as_json: AsJson = False) -> None:
    """List all versions, oldest first.

    Example: `lowdiff dataset list --json | jq .digest`
    """
    from lowdiff.datasets.find import list_versions
    from lowdiff.ops.project import open_project

    with open_project() as project:
        rows = list_versions(project.catalog)
    if not rows:
        say("there is no dataset yet: make one with `lowdiff export`")
    for row in rows:
        splits = ", ".join(f"{split} {n}" for split, n in row["counts"]["splits"].items())
        emit(
            row,
            as_json=as_json,
            text=f"{row['name']}@{row['version']}  {row['created_at']}  "
            f"{row['counts']['images']} images ({splits})  {row['digest'][:12]}",
        )


@dataset_app.command()
def show(version: Reference = "", as_json: AsJson = False) -> None:
    """Show what a version holds and where it lies.

    Example: `lowdiff dataset show brand@2`
    """
    from lowdiff.ops.project import open_project

    with open_project() as project:
        found = _open(project, version)
    emit(describe_version(found), as_json=as_json, text=_in_words(found))


@dataset_app.command()
def verify(version: Reference = "", as_json: AsJson = False) -> None:
    """Hash every shard and compare it with the manifest; exit code 5 when one differs.

    Example: `lowdiff dataset verify brand@2`
    """
    from lowdiff.ops.project import open_project

    with open_project() as project:
        found = _open(project, version)
        found.verify()
    emit(
        {"name": found.name, "version": found.number, "digest": found.digest, "sound": True},
        as_json=as_json,
        text=f"{found.name}@{found.number} is sound: {len(found.shards)} shards, "
        f"digest {found.digest[:12]}",
    )


@dataset_app.command()
def diff(
    old: Annotated[str, typer.Argument(help="The older version, such as 1.")],
    new: Reference = "",
    as_json: AsJson = False,
) -> None:
    """Say what came, what went and what changed between two versions.

    Example: `lowdiff dataset diff 1 2`
    """
    from lowdiff.datasets.diff import diff_versions
    from lowdiff.ops.project import open_project

    with open_project() as project:
        before, after = _open(project, old), _open(project, new)
        found = diff_versions(before, after)
    summary = found.summary()
    record: dict[str, Any] = {
        "old": f"{before.name}@{before.number}",
        "new": f"{after.name}@{after.number}",
        **summary,
        "added_ids": found.added,
        "removed_ids": found.removed,
        "changes": [vars(change) for change in found.changed],
    }
    columns = ", ".join(f"{column} {n}" for column, n in summary["changed"].items()) or "nothing"
    emit(
        record,
        as_json=as_json,
        text=f"{record['old']} → {record['new']}: {summary['added']} images came, "
        f"{summary['removed']} went, {summary['changed_images']} changed "
        f"({columns}; {summary['changed_by_human']} values by a person)",
    )


def describe_version(version: "Version") -> dict[str, Any]:
    """The plain facts of a version, for `--json`."""
    return {
        "name": version.name,
        "version": version.number,
        "digest": version.digest,
        "path": str(version.folder),
        "schema_version": version.schema_version,
        "created_at": version.manifest["created_at"],
        "counts": version.manifest["counts"],
        "bytes": sum(shard.size_bytes for shard in version.shards),
    }


def _twins(text: str | None) -> "Twins | None":
    if text in (None, "best", "all"):
        return cast("Twins | None", text)
    raise typer.BadParameter("is best or all", param_hint="--twins")


def _open(project: "Project", text: str) -> "Version":
    from lowdiff.datasets.find import open_dataset, parse_reference

    name, number = parse_reference(text, default_name=project.settings.dataset_name)
    return open_dataset(project.catalog, project.workspace, name, number)


def _in_words(version: "Version", *, is_new: bool | None = None) -> str:
    counts = version.manifest["counts"]
    head = f"{version.name}@{version.number}"
    if is_new is not None:
        head += ", a new version" if is_new else ": nothing has changed since, no new version"
    splits = ", ".join(f"{split} {n}" for split, n in counts["splits"].items())
    left_out = counts.get("left_out_twins", 0)  # older versions took all
    unlicensed = counts.get("left_out_unknown_licences", 0)
    size_mb = sum(shard.size_bytes for shard in version.shards) / 1e6
    lines = [
        head,
        f"  {counts['images']} images ({splits}), {size_mb:.1f} MB in {version.folder}",
        *([f"  {left_out} accepted images are left out: a twin stands for them"] * (left_out > 0)),
        *([f"  {unlicensed} are left out: nobody knows their licence"] * (unlicensed > 0)),
        f"  digest {version.digest}",
        f"  {'field':<16}{'a person':>10}{'a machine':>11}{'not said':>10}",
    ]
    lines += [
        f"  {field:<16}{who['human']:>10}{who['machine']:>11}{who['none']:>10}"
        for field, who in counts["fields"].items()
    ]
    return "\n".join(lines)
