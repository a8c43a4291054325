"""`lowdiff draft`: a first proposal for every field of every image."""

from lowdiff.cli.output import AsJson, emit, progress, say_left_out


def draft(as_json: AsJson = False) -> None:
    """Draft all label fields of the images whose text was read: measured, read, or from the source.

    Prints one line a field: how often each value, and the mean confidence.

    Example: `lowdiff ocr && lowdiff draft`
    """
    from lowdiff.catalog.chunks import chunks
    from lowdiff.labels.drafts.draft import DraftReport, draft_batch, pending_draft
    from lowdiff.labels.schema import load_schema
    from lowdiff.ocr.groups import groups_of
    from lowdiff.ops.project import open_project

    with open_project() as project:
        settings, schema = project.settings, load_schema()
        groups = groups_of(project.catalog, settings, project.workspace.sources, wrong=say_left_out)
        todo = [
            (group.stage, group.of(pending_draft(project.catalog, ocr=group.stage, schema=schema)))
            for group in groups
        ]
        report = DraftReport()
        with progress("drafting labels", sum(len(ids) for _, ids in todo)) as advance:
            for ocr, ids in todo:
                for batch in chunks(ids, settings.batch_size):
                    report += draft_batch(
                        batch,
                        catalog=project.catalog,
                        store=project.store,
                        ocr=ocr,
                        schema=schema,
                        details=settings.acceptance == "confidence",
                        workers=settings.workers,
                        lease_s=settings.lease_s,
                        advance=advance,
                    )
    emit(
        {"drafted": report.drafted, "refused": report.refused, "labels": report.labels},
        as_json=as_json,
        text=f"{report.drafted} images drafted, {report.refused} refused, {report.labels} labels",
    )
    for name, count in report.fields.items():
        values = dict(sorted(count.values.items(), key=lambda pair: (-pair[1], pair[0])))
        told = ", ".join(f"{value} {number}" for value, number in values.items())
        emit(
            {"field": name, "values": values, "mean_confidence": round(count.mean_confidence, 4)},
            as_json=as_json,
            text=f"{name:<14} {count.mean_confidence:.2f}  {told}",
        )
