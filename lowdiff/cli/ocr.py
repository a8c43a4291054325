"""`lowdiff ocr`: read the text in images, search it, show a document."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lowdiff.cli.output import AsJson, emit, progress, say, say_left_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image as Picture

    from lowdiff.ocr.document import OcrDocument
    from lowdiff.settings import Settings

app = typer.Typer(rich_markup_mode="markdown")

Languages = Annotated[
    str | None,
    typer.Option(help="Tesseract's codes, such as eng,deu; default: the setting ocr_languages."),
]


@app.callback(invoke_without_command=True)
def read_all(
    context: typer.Context,
    retry: Annotated[
        bool, typer.Option("--retry", help="Also what an engine hung or crashed on before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read the text in every image that was not read yet, into one JSON document each.

    Engines, time limits and languages are settings (`ocr_engines`, `ocr_timeout_s`,
    `ocr_languages`); a source may name its own `languages`. After a change only what it
    concerns is read again.

    Example: `lowdiff ocr && lowdiff ocr find "sale"`
    """
    if context.invoked_subcommand is not None:
        return
    from lowdiff.catalog.chunks import chunks
    from lowdiff.ocr.groups import groups_of
    from lowdiff.ocr.open import reader_of
    from lowdiff.ocr.read import OcrReport, forget_hung, pending_groups, read_batch
    from lowdiff.ops.project import open_project

    with open_project() as project:
        settings = project.settings
        if retry:
            forget_hung(project.catalog)
        groups = groups_of(project.catalog, settings, project.workspace.sources, wrong=say_left_out)
        todo = [
            (reader_of(settings, group.languages), ids)
            for group, ids in pending_groups(project.catalog, groups)
            if ids
        ]
        report = OcrReport()
        with progress("reading text", sum(len(ids) for _, ids in todo)) as advance:
            for reader, ids in todo:
                for batch in chunks(ids, settings.batch_size):
                    report += read_batch(
                        batch,
                        catalog=project.catalog,
                        store=project.store,
                        reader=reader,
                        workers=settings.workers,
                        lease_s=settings.lease_s,
                        advance=advance,
                    )
    emit(
        asdict(report),
        as_json=as_json,
        text=f"{report.read} images read, {report.with_text} with text ({report.words} words), "
        f"{report.needs_review} to look at, {report.refused} refused",
    )


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="Part of what is written; case does not matter.")],
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: AsJson = False,
) -> None:
    """List the images in which a text is written.

    Example: `lowdiff ocr find "sale"`
    """
    from lowdiff.ocr.find import find_text
    from lowdiff.ops.project import open_project

    with open_project() as project:
        hits = find_text(project.catalog, text, limit=limit)
    for hit in hits:
        one_line = " / ".join(hit.text.splitlines())
        emit(asdict(hit), as_json=as_json, text=f"{hit.image_id[:12]}  {one_line}")
    say(f"{len(hits)} images" + (", more may follow: --limit" if len(hits) == limit else ""))


@app.command()
def show(
    image: Annotated[str, typer.Argument(help="An image file, an image id, or the start of one.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The .png or .html to write; default: its name + .ocr.html, here."),
    ] = None,
    languages: Languages = None,
    as_json: AsJson = False,
) -> None:
    """Draw boxes and words over the picture: green is sure, orange likely, red doubtful.

    With `--json` the OCR document is printed instead, unless `--out` asks for both.

    Example: `lowdiff ocr show poster.png --out words.png`
    """
    from lowdiff.ocr.document import to_record
    from lowdiff.ocr.draw import draw_document

    document, picture = _document_and_picture(image, languages)
    if as_json:
        emit(to_record(document), as_json=True)
    if out is None and as_json:
        return
    target = out or Path(f"{Path(image).stem if Path(image).is_file() else image}.ocr.html")
    draw_document(document, picture(), target)
    words = "1 word" if len(document.words) == 1 else f"{len(document.words)} words"
    say(f"{words} drawn into {target}")


def _document_and_picture(
    image: str, languages: str | None
) -> "tuple[OcrDocument, Callable[[], Picture]]":
    from lowdiff.ingest.decode import decode, sniff_format
    from lowdiff.ingest.decoders import open_decoders
    from lowdiff.ingest.limits import Limits
    from lowdiff.ocr.files import read_file
    from lowdiff.ocr.find import document_of, original_of
    from lowdiff.ocr.open import reader_of
    from lowdiff.ops.project import open_project

    path = Path(image)
    if path.exists():
        settings = _settings(languages)
        limits, reader = Limits.of(settings), reader_of(settings)
        with open_decoders(1) as decoders:
            document = read_file(path, reader=reader, decoders=decoders, limits=limits)
        body = path.read_bytes()
    else:
        with open_project() as project:
            document = document_of(image, catalog=project.catalog, store=project.store)
            body = original_of(document.image_id, catalog=project.catalog, store=project.store)
    return document, lambda: decode(body, sniff_format(body, item=image), item=image)


def _settings(languages: str | None) -> "Settings":
    from lowdiff.settings import load_settings

    settings = load_settings()
    if languages is None:
        return settings
    chosen = tuple(code.strip() for code in languages.split(",") if code.strip())
    return settings.model_copy(update={"ocr_languages": chosen or settings.ocr_languages})


@app.command()
def export(
    target: Annotated[
        Path, typer.Argument(help="A .jsonl or .parquet file; a folder for hocr and alto.")
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", help="jsonl, parquet, hocr or alto; default: by the ending."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the documents of all images: merged into one file, or in a format of archives.

    Example: `lowdiff ocr export texts.parquet && lowdiff ocr export alto/ --format alto`
    """
    from typing import cast, get_args

    from lowdiff.errors import InputError
    from lowdiff.ocr.export import Format, documents, export_documents
    from lowdiff.ops.project import open_project

    chosen = form or target.suffix.removeprefix(".")
    if chosen not in get_args(Format):
        raise InputError(
            target,
            "is in no known format",
            reason="bad_format",
            found=repr(chosen),
            allowed=", ".join(get_args(Format)),
            do="Choose one with --format.",
        )
    with open_project() as project:
        found = documents(project.catalog, project.store)
        number = export_documents(found, cast("Format", chosen), target)
    record = {"documents": number, "format": chosen, "path": str(target)}
    emit(record, as_json=as_json, text=f"{number} documents in {target}")


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(help="Image files, folders of them, patterns.")],
    languages: Languages = None,
    as_json: AsJson = False,
) -> None:
    """Read any image files, without a workspace; with `--json` one document a line.

    Files in folders that are no images are left out. What cannot be read is told on stderr, the
    others are read; the exit code is then 3.

    Example: `lowdiff ocr read poster.png drafts/ --languages eng,deu --json`
    """
    from lowdiff.errors import InputError
    from lowdiff.ingest.decoders import open_decoders
    from lowdiff.ingest.limits import Limits
    from lowdiff.ocr.document import to_record
    from lowdiff.ocr.files import read_files
    from lowdiff.ocr.open import reader_of

    settings = _settings(languages)
    workers, limits, reader = settings.workers, Limits.of(settings), reader_of(settings)
    refused = 0
    with open_decoders(workers) as decoders:
        for result in read_files(
            paths, reader=reader, decoders=decoders, limits=limits, workers=workers
        ):
            if isinstance(result, InputError):
                say(f"error: {result}")
                refused += 1
            else:
                text = f"{result.path}:\n{result.text or '(no text)'}\n"
                emit(to_record(result), as_json=as_json, text=text)
    if refused:
        raise typer.Exit(InputError.exit_code)
