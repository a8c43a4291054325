"""What is known of the pictures that a scripted annotator labels, from three places."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.brand_set import TRUTH_FILE, make_brand_set, read_truth
from lowdiff.ingest.openmoji import read_graphics
from lowdiff.labels.drafts.caption import parse_caption, quotable, short_form, values_of
from lowdiff.labels.drafts.subject import subject_of
from lowdiff.labels.schema import Schema

TOLD = 0.55
"""Share of OpenMoji and of the graphics whose title lowdiff is told; as many as in the brand set
have an alt text or a title that says something."""
INDEX = "index.json"


@dataclass(frozen=True)
class Known:
    """What is true of one picture."""

    file: str
    fields: dict[str, Any]
    """Only those that are known exactly; `caption` is a whole one, as a person would type it."""
    subject: str
    """What a caption must say before its first comma."""
    source: dict[str, Any] = field(default_factory=dict)
    """What a source would say: `title`, `alt_text`, `tags`."""
    texts: tuple[dict[str, Any], ...] = ()
    """Lines of text: `{text, x_px, y_px, w_px, h_px}`."""
    logos: tuple[dict[str, Any], ...] = ()
    """Boxes of logos, in percent of the sides."""

    @property
    def usable(self) -> bool:
        """False where nobody will ever ask for its labels."""
        return "unusable" not in self.fields.get("flags", ())


def brand_set(folder: Path, count: int, seed: int) -> list[Known]:
    """Pictures of the generator, drawn unless they are there: every field is known."""
    drawn = (folder / TRUTH_FILE).exists()
    return [
        Known(
            file=row.file,
            fields=row.fields,
            subject=row.caption_parts["subject"],
            source=row.source,
            texts=tuple(box for box in row.boxes if box["label"] == "Text"),
            logos=tuple(
                {
                    "label": "Logo",
                    "x_pct": 100 * box["x_px"] / row.width_px,
                    "y_pct": 100 * box["y_px"] / row.height_px,
                    "w_pct": 100 * box["w_px"] / row.width_px,
                    "h_pct": 100 * box["h_px"] / row.height_px,
                }
                for box in row.boxes
                if box["label"] == "Logo"
            ),
        )
        for row in (read_truth(folder) if drawn else make_brand_set(folder, count, seed))
    ]


def openmoji(folder: Path, package: Path, count: int, seed: int) -> list[Known]:
    """OpenMoji: annotation → caption, the subgroup `brand` → logo and which one."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = json.loads((package / "data" / "openmoji.json").read_text(encoding="utf-8"))
    brands = {row["hexcode"] for row in rows if row["subgroups"] == "brand"}
    found = []
    for graphic in _drawn(read_graphics(package), count, seed, lambda one: one.hexcode):
        shutil.copyfile(graphic.path, folder / graphic.path.name)
        is_brand = graphic.hexcode in brands
        found.append(
            _titled(
                graphic.path.name,
                graphic.title,
                seed,
                {
                    "logo": "present" if is_brand else "none",
                    "brand": graphic.title if is_brand else "",
                },
                [*graphic.tags, graphic.group],
            )
        )
    return found


def graphics(folder: Path, data: Path, count: int, seed: int) -> list[Known]:
    """The graphics of the test data: caption, and whether it is a logo and whose."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (data / "graphics" / "manifest.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    found = []
    for row in _drawn(rows, count, seed, lambda one: str(one["file"])):
        name = row["file"].replace("/", "__")
        shutil.copyfile(data / row["file"], folder / name)
        brand = row.get("brand") or row.get("sublabel") if row["logo"] else ""
        fields = {"logo": "present" if row["logo"] else "none", "brand": brand}
        found.append(_titled(name, row["caption"], seed, fields, row.get("tags") or []))
    return found


def write_index(folder: Path, known: Sequence[Known]) -> None:
    """What the source says, beside the pictures."""
    rows = [
        {"file": one.file, **{key: one.source.get(key) for key in ("title", "alt_text", "tags")}}
        for one in known
    ]
    (folder / INDEX).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def is_right(schema: Schema, name: str, said: Any, truth: Known) -> bool:
    """Whether a label says what is true.

    A caption is right when its subject is, and when nothing else that it says is wrong; how much
    it says beside the subject is free.
    """
    wanted = truth.fields[name]
    if name == "caption":
        return caption_is_right(str(said or ""), truth)
    if schema.field(name).kind == "text":
        return str(said or "").split() == str(wanted or "").split()
    if isinstance(wanted, list):
        return set(said or ()) == set(wanted)
    return bool(said == wanted)


def caption_is_right(caption: str, truth: Known) -> bool:
    """Its subject is the true one, and none of its claims is wrong."""
    if caption == truth.fields["caption"]:
        return True
    if short_form(caption).casefold() != short_form(truth.subject).casefold():
        return False
    return not wrong_claims(caption, truth)


def wrong_claims(caption: str, truth: Known) -> list[str]:
    """The fields of which a caption of the template says something that is not true."""
    parts = parse_caption(caption)
    told = {} if parts is None else values_of(parts)
    wrong = [
        name
        for name, said in told.items()
        if name in truth.fields and name not in ("palette", "transcription")
        if said != truth.fields[name]
    ]
    if "palette" in told and set(told["palette"]) != set(truth.fields.get("palette", ())):
        wrong.append("palette")
    words = quotable(str(truth.fields.get("transcription", "")))
    if told.get("transcription", words) != words:
        wrong.append("transcription")
    return wrong


def lot(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on nothing else."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _drawn(rows: Sequence[Any], count: int, seed: int, name: Any) -> list[Any]:
    return sorted(rows, key=lambda one: lot(seed, name(one)))[:count]


def _titled(file: str, title: str, seed: int, fields: dict[str, Any], tags: Sequence[str]) -> Known:
    told = lot(seed, f"told {file}") < TOLD
    subject = subject_of(title.replace(",", " –"))
    source = {
        "title": title if told else None,
        "alt_text": None,
        "tags": list(tags) if told else [],
    }
    return Known(file, {"caption": f"{subject}.", **fields}, subject, source=source)
