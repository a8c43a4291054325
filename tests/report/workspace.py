"""A small project at any stage of the road, filled through the real functions of the rooms."""

import colorsys
import io
import json
import math
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from lowdiff.catalog import Catalog
from lowdiff.catalog.artifacts import Outcome, Stage, record
from lowdiff.catalog.images import add_image, add_rejection
from lowdiff.catalog.labels import append_events
from lowdiff.catalog.tables import DuplicateEdge, LabelEvent, Run, Sighting
from lowdiff.catalog.tables import Image as ImageRow
from lowdiff.catalog.versions import finish_run, start_run
from lowdiff.datasets.export import export_version
from lowdiff.ingest.decode import decode, pixel_hash, sniff_format
from lowdiff.labels.accept.policy import by_confidence
from lowdiff.labels.schema import load_schema
from lowdiff.ocr.document import (
    REVIEW_BELOW,
    OcrDocument,
    Word,
    mean_confidence,
    sure_share,
    text_of,
    to_json,
)
from lowdiff.ocr.read import payload_of
from lowdiff.store import Store, image_key, ocr_key, sha256_hex
from lowdiff.workspace import Workspace

NOW = datetime(2026, 1, 2, 3, 4, 5)
OCR = Stage("ocr", "1", {"languages": ["eng"]})
ACCEPT = 0.75
WORDS = ["SALE", "OPEN", "HELLO", "PRESS", "NEW", "50%"]
SHAPES = ["circle", "square", "triangle", "star", "house", "sign"]
COLOURS = ["red", "coral", "gold", "green", "teal", "blue", "purple", "pink"]


@dataclass
class Small:
    """The parts of a small project, and the ids of its images in the order of drawing."""

    catalog: Catalog
    store: Store
    workspace: Workspace
    ids: list[str] = field(default_factory=list)

    def add_images(self, number: int = 48, *, title: str | None = None) -> "Small":
        for index in range(len(self.ids), len(self.ids) + number):
            body = drawn(index)
            name = title or f"{COLOURS[index % 8]} {SHAPES[index % 6]} {index}"
            self.ids.append(_keep(self, body, name, index))
        with self.catalog.write() as session:
            for url, reason, message in (
                ("logo.txt", "not_an_image", "logo.txt: is no image, found b'Dear', allowed svg"),
                ("empty.png", "broken_image", "empty.png: cannot be decoded (truncated file)"),
            ):
                add_rejection(
                    session, source="own", url=url, reason=reason, message=message, now=NOW
                )
        return self

    def add_twin(self) -> "Small":
        """The first image again, in another file."""
        with Image.open(io.BytesIO(drawn(0))) as image:
            file = io.BytesIO()
            image.save(file, "PNG", compress_level=0)
        twin = _keep(self, file.getvalue(), "red circle, again", 0)
        a, b = sorted([self.ids[0], twin])
        with self.catalog.write() as session:
            session.add(
                DuplicateEdge(
                    a_id=a, b_id=b, kind="exact", score=1.0, method_version="test/1", created_at=NOW
                )
            )
        return self

    def add_ocr(self) -> "Small":
        outcomes = []
        for index, image_id in enumerate(self.ids):
            document = ocr_document(image_id, _words(index))
            self.store.put(ocr_key(image_id), to_json(document))
            payload = payload_of(document, ocr_key(image_id))
            outcomes.append(Outcome(image_id, "ok", payload, seconds=document.seconds))
        with self.catalog.write() as session:
            record(session, OCR, outcomes, now=NOW)
        return self

    def add_drafts(self) -> "Small":
        events = []
        chance = random.Random(7)
        for index, image_id in enumerate(self.ids):
            shape, colour = SHAPES[index % 6], COLOURS[index % 8]
            word = f', with the word "{WORDS[index // 6 % 6]}"' if shape == "sign" else ""
            values: dict[str, Any] = {
                "caption": f"A {colour} {shape}, one large figure on a plain background{word}.",
                "background": ("plain", "transparent", "gradient")[index % 7 % 3],
                "layout": ("centred", "centred", "left", "top")[index % 4],
                "figure_size": ("medium", "large")[index % 2],
                "saturation": "vivid" if index % 5 else "muted",
                "logo": "none",
                "transcription": WORDS[index // 6 % 6] if shape == "sign" else "",
            }
            events += [
                _event(image_id, name, value, confidence=min(0.99, chance.betavariate(9, 1.6)))
                for name, value in values.items()
            ]
        with self.catalog.write() as session:
            append_events(session, events)
        return self

    def say(self, index: int, name: str, value: Any) -> "Small":
        """A person says something."""
        with self.catalog.write() as session:
            append_events(session, [_event(self.ids[index], name, value, human="ana@brand.org")])
        return self

    def export(self) -> str:
        """The next dataset version; returns its digest."""
        done = export_version(
            catalog=self.catalog,
            store=self.store,
            workspace=self.workspace,
            name="brand",
            image_px=96,
            policy=by_confidence(ACCEPT),
            schema=load_schema(),
            now=lambda: NOW,
        )
        return done.version.digest

    def train(self, kind: str, digest: str, *, vae: str | None = None, done: bool = True) -> Path:
        """A run folder as training leaves it."""
        run_id = f"{kind}-{sha256_hex((kind + digest).encode())[:12]}"
        folder = self.workspace.runs / run_id
        row = Run(
            id=run_id,
            kind=kind,
            preset="demo",
            state="running",
            dataset_digest=digest,
            vae_run_id=vae,
            parent_run_id=None,
            path=f"runs/{run_id}",
            summary={},
            created_at=NOW,
        )
        with self.catalog.write() as session:
            start_run(session, row)
        summary = _fill_run(folder, kind)
        if done:
            (folder / "run.json").write_text(json.dumps({"state": "done"} | summary))
            with self.catalog.write() as session:
                finish_run(
                    session, run_id, state="done", summary=summary, now=NOW + timedelta(minutes=6)
                )
        return folder

    def evaluate(self, folder: Path, *, prompt: str | None = None) -> None:
        """An evaluation as its room leaves it."""
        pictures = folder / "evaluation"
        pictures.mkdir()
        pairs, generated = [], []
        for index in range(12):
            small = _picture(index, 64)
            small.save(pictures / f"original_{index:02d}.png")
            small.resize((20, 20)).resize((64, 64), Image.Resampling.BICUBIC).save(
                pictures / f"redrawn_{index:02d}.png"
            )
            pairs.append(
                {
                    "original": f"evaluation/original_{index:02d}.png",
                    "redrawn": f"evaluation/redrawn_{index:02d}.png",
                }
            )
        for index in range(24):
            _picture(index + 100, 64).save(pictures / f"generated_{index:02d}.png")
            said = f"A {COLOURS[index % 8]} {SHAPES[index % 6]}, one large figure on white."
            generated.append(
                {
                    "prompt": prompt or said,
                    "seed": index,
                    "file": f"evaluation/generated_{index:02d}.png",
                    "nearest_image_id": self.ids[index],
                    "is_copy": index == 5,
                }
            )
        record = evaluation_record(folder.name) | {"generated": generated}
        record["reconstruction"]["pairs"] = pairs
        (folder / "evaluation.json").write_text(json.dumps(record))


def whole_road(small: Small) -> Small:
    """Everything there is, with a person's correction between two dataset versions."""
    small.add_images().add_twin().add_ocr().add_drafts()
    small.export()
    small.say(0, "caption", "A red ball, one large figure in vivid colours on a plain background.")
    small.say(1, "flags", ["licence-doubt"])
    digest = small.export()
    vae = small.train("vae", digest)
    unet = small.train("unet", digest, vae=vae.name)
    small.evaluate(unet)
    return small


def evaluation_record(run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "kind": "unet",
        "reconstruction": {
            "psnr_db": 23.7,
            "ssim": 0.912,
            "n": 12,
            "floor": {"psnr_db": 15.1, "ssim": 0.61, "what": "a thumbnail of 18 x 18 px"},
            "ceiling": {"psnr_db": 24.9, "ssim": 0.93, "n": 64, "what": "training images"},
        },
        "denoising": {
            "bands": [
                {
                    "low": i / 8,
                    "high": (i + 1) / 8,
                    "train": 0.9 - 0.08 * i,
                    "validation": 0.95 - 0.08 * i,
                }
                for i in range(8)
            ]
        },
        "retrieval": {
            "n": 64,
            "top1": 0.31,
            "top5": 0.58,
            "top10": 0.7,
            "floor": {"top1": 0.0156, "top5": 0.078, "top10": 0.156, "what": "guessing"},
            "ceiling": {"top1": 0.55, "top5": 0.8, "top10": 0.9, "what": "the real images"},
        },
        "distribution": {
            "mind": 9.4,
            "kid": 0.083,
            "n": 64,
            "floor": {"mind": 3.9, "kid": -0.002, "what": "real images"},
            "ceiling": {"mind": 88.0, "kid": 2.5, "what": "random pixels"},
        },
        "copies": {"rate": 0.04, "n": 24, "ceiling": {"rate": 0.01, "what": "held-out images"}},
        "verdict": {
            "decision": "promote",
            "incumbent": None,
            "reasons": ["no run is promoted yet"],
        },
    }


def drawn(index: int) -> bytes:
    """An image file: PNG, now and then an SVG or a JPEG."""
    if index % 12 == 6:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><circle cx="36" cy="36"'
            f' r="{12 + index % 20}" fill="{COLOURS[index % 8]}" stroke="black"/></svg>'
        ).encode()
    file = io.BytesIO()
    size = (160, 120) if index % 5 == 0 else (128, 128)
    _picture(index, 128).resize(size).save(file, "JPEG" if index % 9 == 4 else "PNG")
    return file.getvalue()


def _picture(index: int, side: int) -> Image.Image:
    image = Image.new("RGB", (128, 128), "white")
    pen = ImageDraw.Draw(image)
    hue = COLOURS.index(COLOURS[index % 8]) / 8
    fill = tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.7, 0.95))
    shift = index * 7 % 23 - 11
    box = (30 + shift, 30, 98 + shift, 98)
    line: dict[str, Any] = {"fill": fill, "outline": "black", "width": 3}
    shape = SHAPES[index % 6]
    if shape == "circle":
        pen.ellipse(box, **line)
    elif shape == "square":
        pen.rounded_rectangle(box, 10, **line)
    elif shape == "sign":
        pen.rectangle((10, 40, 118, 90), **line)
        font = ImageFont.load_default(size=26)
        pen.text((64, 65), WORDS[index // 6 % 6], fill="black", anchor="mm", font=font)
    else:
        corners = {"triangle": 3, "star": 10, "house": 5}[shape]
        pen.polygon(
            [
                (
                    64 + shift + 40 * (0.5 if shape == "star" and k % 2 else 1) * math.sin(angle),
                    66 - 40 * (0.5 if shape == "star" and k % 2 else 1) * math.cos(angle),
                )
                for k in range(corners)
                for angle in [2 * math.pi * k / corners]
            ],
            **line,
        )
    return image.resize((side, side), Image.Resampling.LANCZOS)


def ocr_document(image_id: str, words: list[Word]) -> OcrDocument:
    return OcrDocument(
        image_id=image_id,
        width_px=128,
        height_px=128,
        engine="tesseract",
        engine_version="tesseract 5.3.0",
        parameters={"page_modes": [3, 11]},
        languages=["eng"],
        words=words,
        text=text_of(words),
        mean_confidence=mean_confidence(words),
        sure_share=sure_share(words),
        needs_review=any(word.confidence < REVIEW_BELOW for word in words),
        seconds=0.05,
    )


def _words(index: int) -> list[Word]:
    if SHAPES[index % 6] != "sign":
        return []
    confidence = round(0.97 - index % 48 * 0.012, 4)
    box = {"x_px": 24, "y_px": 52, "w_px": 80, "h_px": 26, "rotation_deg": 0, "line": 0, "block": 0}
    return [
        Word(
            text=WORDS[index // 6 % 6],
            confidence=confidence,
            sure=confidence > 0.8,
            engine="tesseract",
            **box,
        )
    ]


def _keep(small: Small, body: bytes, title: str, index: int) -> str:
    image_id, image_format = sha256_hex(body), sniff_format(body, item=title)
    pixels = decode(body, image_format, item=title)
    small.store.put(image_key(image_id, image_format), body)
    row = ImageRow(
        id=image_id,
        pixel_hash=pixel_hash(pixels),
        format=image_format,
        width_px=pixels.width,
        height_px=pixels.height,
        size_bytes=len(body),
        has_alpha=False,
        family_id=pixel_hash(pixels),
        created_at=NOW,
    )
    own = index % 3 > 0
    sighting = Sighting(
        image_id=image_id,
        source="own" if own else "gallery",
        url=f"{title}-{image_id[:8]}",
        licence="LicenseRef-brand" if own else "CC-BY-SA-4.0",
        attribution="The brand team" if own else "The open drawing club",
        title=title,
        tags=[],
        evidence={},
        seen_at=NOW,
    )
    with small.catalog.write() as session:
        add_image(session, row, sighting)
    return image_id


def _event(
    image_id: str,
    name: str,
    value: Any,
    *,
    confidence: float | None = None,
    human: str | None = None,
) -> LabelEvent:
    said = sha256_hex(f"{image_id}{name}{value}".encode())[:16]
    return LabelEvent(
        image_id=image_id,
        field=name,
        value=value,
        origin="human" if human else "rule",
        actor=human or f"{name}-pixels/1",
        confidence=None if human else confidence,
        schema_version="1.0",
        annotation_key=f"annotation:{said}" if human else None,
        created_at=NOW,
    )


def _fill_run(folder: Path, kind: str) -> dict[str, Any]:
    (folder / "samples").mkdir(parents=True)
    config = {
        "kind": kind,
        "preset": "demo",
        "image_px": 64,
        "training": {"steps": 1500, "batch_size": 32, "learning_rate": 0.0004},
        "model": {"channels": [32, 64, 128]},
        "seed": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    environment = {"lowdiff": "0.1.0", "torch": "2.13.0", "python": "3.11.2", "device": "cpu"}
    (folder / "environment.json").write_text(json.dumps(environment))
    lines, chance = [], random.Random(3)
    for step in range(50, 1501, 50):
        point = {
            "step": step,
            "images_seen": step * 32,
            "loss": 0.9 / (1 + step / 120) + 0.12 + chance.uniform(-0.01, 0.01),
            "images_per_s": 140 + chance.uniform(-9, 9),
            "elapsed_s": step * 0.23,
            "eta_s": (1500 - step) * 0.23,
        }
        if step % 250 == 0 and kind == "unet":
            point["train_loss"] = 0.9 / (1 + step / 120) + 0.12
            point["val_loss"] = 0.9 / (1 + step / 120) + 0.15
        elif step % 250 == 0:
            point["train_psnr_db"] = 25.0 - 2_000 / step
            point["val_psnr_db"] = 24.0 - 2_000 / step
        lines.append(json.dumps(point))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    for step in range(250, 1501, 250):
        _sheet(step).save(folder / "samples" / f"step_{step:06d}.png")
    return {"train_s": 345.0, "images_seen": 48_000, "loss": 0.19}


def _sheet(step: int) -> Image.Image:
    """A sample grid that gets sharper with the steps."""
    sheet = Image.new("RGB", (4 * 66 + 2, 2 * 66 + 2), (224, 224, 224))
    detail = 6 + step // 30
    for index in range(8):
        tile = _picture(index + step, 64).resize((detail, detail))
        sheet.paste(tile.resize((64, 64)), (2 + index % 4 * 66, 2 + index // 4 * 66))
    return sheet
