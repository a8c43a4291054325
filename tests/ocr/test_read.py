"""The stage: each image once, refusals are rows, a killed run resumes to the same facts."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from lowdiff.catalog.artifacts import counts, payloads
from lowdiff.catalog.tables import Artifact
from lowdiff.errors import ContractError, InputError
from lowdiff.ocr.document import from_json
from lowdiff.ocr.export import documents, export_documents
from lowdiff.ocr.find import document_of, find_text, original_of
from lowdiff.ocr.open import open_reader
from lowdiff.ocr.read import OcrReport, ocr_stage, pending_ocr, read_batch
from lowdiff.ocr.stage import stage_of
from lowdiff.store import image_key, ocr_key, sha256_hex

pytestmark = pytest.mark.integration

STAGE = ocr_stage(("eng",))


@pytest.fixture
def three(written, keep) -> list[str]:
    blank = written("")
    return [keep(written("SUMMER\nSALE")), keep(written("Green Hafen")), keep(blank)]


def test_every_image_gets_one_document_and_is_done(catalog, store, reader, three, now):
    assert pending_ocr(catalog, STAGE) == sorted(three)
    tools = {"catalog": catalog, "store": store, "reader": reader, "now": lambda: now}
    told: list[int] = []
    report = read_batch(three, workers=2, advance=told.append, **tools)
    assert report == OcrReport(read=3, with_text=2, words=4)
    assert sum(told) == 3
    assert pending_ocr(catalog, STAGE) == []
    document = from_json(store.read(ocr_key(three[0])), item="it")
    assert (document.image_id, document.text) == (three[0], "SUMMER\nSALE")
    with catalog.read() as session:
        payload = payloads(session, STAGE)[three[0]]
    assert payload["text"] == document.text
    assert payload["key"] == ocr_key(three[0])
    assert read_batch(three, **tools) == OcrReport(elsewhere=3)
    assert pending_ocr(catalog, ocr_stage(("eng", "deu"))) == sorted(three)


def test_the_stage_of_the_settings_is_the_stage_of_their_reader(reader):
    assert stage_of(reader).params_hash == STAGE.params_hash
    alone = open_reader(("eng",), ("tesseract",), timeout_s=60)
    assert stage_of(alone).params_hash == ocr_stage(("eng",), ("tesseract",)).params_hash
    assert stage_of(alone).params_hash != STAGE.params_hash


def test_text_is_found_in_any_case_and_over_line_ends(catalog, store, reader, three):
    read_batch(three, catalog=catalog, store=store, reader=reader)

    def ids(query: str) -> list[str]:
        return [hit.image_id for hit in find_text(catalog, query)]

    assert ids("summer sale") == [three[0]]
    assert ids("hafen") == [three[1]]
    assert ids("e") == sorted(three[:2])
    assert len(find_text(catalog, "e", limit=1)) == 1
    assert ids("%") == ids("_") == ids("winter") == []
    with pytest.raises(InputError, match="empty"):
        find_text(catalog, "  ")


def test_text_beyond_ascii_is_found_in_any_case(catalog, three, now):
    with catalog.write() as session:
        payload = {"text": "GRÜNE STRASSE", "words": 2, "mean_confidence": 0.9}
        session.add(
            Artifact(
                image_id=three[1], stage="ocr", stage_version="1", params_hash="x",
                state="ok", payload=payload, updated_at=now,
            )
        )  # fmt: skip
    assert [hit.image_id for hit in find_text(catalog, "grüne straße")] == [three[1]]


def test_a_document_is_shown_by_the_start_of_its_id(catalog, store, reader, three):
    with pytest.raises(InputError, match="has no OCR document"):
        document_of(three[0], catalog=catalog, store=store)
    read_batch(three, catalog=catalog, store=store, reader=reader)
    assert document_of(three[0][:20], catalog=catalog, store=store).text == "SUMMER\nSALE"
    with pytest.raises(InputError, match="several images"):
        document_of("", catalog=catalog, store=store)
    with pytest.raises(InputError, match="no image"):
        document_of("xyz", catalog=catalog, store=store)


def test_every_document_is_exported_and_its_original_is_at_hand(
    catalog, store, reader, three, tmp_path
):
    assert list(documents(catalog, store)) == []
    read_batch(three, catalog=catalog, store=store, reader=reader)
    assert [document.image_id for document in documents(catalog, store)] == sorted(three)
    path = tmp_path / "all.jsonl"
    assert export_documents(documents(catalog, store), "jsonl", path) == 3
    texts = {row["image_id"]: row["text"] for row in map(json.loads, path.read_text().splitlines())}
    assert texts == {three[0]: "SUMMER\nSALE", three[1]: "Green Hafen", three[2]: ""}
    body = original_of(three[0], catalog=catalog, store=store)
    assert sha256_hex(body) == three[0]


def test_a_broken_image_is_a_refusal_and_the_others_go_on(catalog, store, reader, three):
    store.put(image_key(three[0], "png"), b"not a picture")
    report = read_batch(three, catalog=catalog, store=store, reader=reader)
    assert (report.read, report.refused) == (2, 1)
    assert pending_ocr(catalog, STAGE) == []
    with catalog.read() as session:
        row = session.scalars(select(Artifact).where(Artifact.state == "refused")).one()
    assert row.image_id == three[0]
    assert row.error_class == "not_an_image"


def test_a_missing_original_stops_and_the_rest_stays_to_do(catalog, store, reader, three):
    store.remove(image_key(three[0], "png"))
    with pytest.raises(ContractError, match="is missing from the store"):
        read_batch(three, catalog=catalog, store=store, reader=reader)
    assert three[0] in pending_ocr(catalog, STAGE)


RUN = """
import sys
from pathlib import Path
from lowdiff.ocr.read import ocr_stage, open_reader, pending_ocr, read_batch
from lowdiff.ops.project import open_project
with open_project(Path(sys.argv[1])) as project:
    todo = pending_ocr(project.catalog, ocr_stage(("eng",)))
    print("ready", flush=True)
    read_batch(
        todo, catalog=project.catalog, store=project.store,
        reader=open_reader(("eng",), timeout_s=60), workers=1,
    )
"""


def test_kill_9_in_the_middle_and_again_ends_with_the_same_facts(
    catalog, store, reader, keep, written, workspace
):
    ids = sorted(keep(written(f"Number {100 + number}")) for number in range(40))
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(workspace.root)], stdout=subprocess.PIPE, text=True
    ) as victim:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with catalog.read() as session:
                if counts(session, "ocr").get("ok", 0) >= 16:
                    break
            time.sleep(0.02)
        os.kill(victim.pid, signal.SIGKILL)
    assert 0 < len(pending_ocr(catalog, STAGE)) < 40
    read_batch(ids, catalog=catalog, store=store, reader=reader)
    with catalog.read() as session:
        after = payloads(session, STAGE)
    documents = {i: from_json(store.read(ocr_key(i)), item=i) for i in ids}
    assert sorted(after) == ids
    with catalog.write() as session:
        for row in session.scalars(select(Artifact)):
            session.delete(row)
    read_batch(ids, catalog=catalog, store=store, reader=reader, workers=2)
    with catalog.read() as session:
        assert payloads(session, STAGE) == after
    for image_id, document in documents.items():
        again = from_json(store.read(ocr_key(image_id)), item=image_id)
        assert again.model_copy(update={"seconds": 0}) == document.model_copy(update={"seconds": 0})
