"""Characters, words, calibration and CPU seconds of our reading, beside what others read.

    python -m benchmarks.ocr DATA/ocr [--half held-out] [--readers ours,plain,rapid] [--posters N]

DATA/ocr holds `manifest.jsonl` (file, transcription, kind, strict, scope); see
`benchmarks/ocr_data.py`. Parameters are chosen on the half `tuning` and reported on `held-out`.
Engines' answers are kept in `--cache`, with the CPU seconds that they took then: what a change of
the merging costs or brings is seen in seconds. The readers take turns picture by picture, so that
a busy machine disturbs all alike. `--curve` compares all ways to read: once with each engine
(`quick…`), with one engine in all ways, with both. Needs rapidfuzz; `plain` is
`pytesseract.image_to_string`,
`rapid` is rapidocr with its own defaults, on one thread.
"""

import argparse
import hashlib
import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.ocr_cache import CachedEngine, cpu_seconds
from benchmarks.ocr_data import Row, Score, rows_of, score
from benchmarks.ocr_words import Judged, calibration_table, judge
from lowdiff.ingest.decode import decode, sniff_format
from lowdiff.ocr.document import text_of
from lowdiff.ocr.engine import Engine, ForOneImage
from lowdiff.ocr.first_look import look_for_text
from lowdiff.ocr.plan import Plan
from lowdiff.ocr.prepare import prepare
from lowdiff.ocr.rapid import open_rapid
from lowdiff.ocr.reader import place_words
from lowdiff.ocr.reading import read_words, worth_reading
from lowdiff.ocr.tesseract import open_tesseract

ReadPicture = Callable[[Row], tuple[str, float, list[Judged]]]
"""Text, CPU seconds, and words with their confidence where there is one."""


def main() -> None:
    """Read, compare, print."""
    options = _options()
    os.environ["OMP_THREAD_LIMIT"] = "1"
    rows = list(rows_of(options.data)) if options.data else []
    if options.posters:
        from benchmarks.ocr_posters import poster_rows

        rows += poster_rows(
            options.posters, options.cache / "posters", fonts=options.fonts, seed=options.seed
        )
    if options.stamps:
        from benchmarks.ocr_stamps import stamp_rows

        rows += stamp_rows(
            options.stamps, options.cache / "stamps", fonts=options.fonts, seed=options.seed
        )
    if options.half != "all":
        rows = [row for row in rows if row.half == options.half]
    names = list(READERS) if options.curve else options.readers.split(",")
    readers = {name: READERS[name](options.cache) for name in names}
    tables: dict[str, dict[str, Score]] = {name: defaultdict(Score) for name in readers}
    words: dict[str, list[Judged]] = defaultdict(list)
    worst: list[tuple[float, str]] = []
    for row in rows:
        for name, read in readers.items():
            text, cpu_s, judged = read(row)
            one = score(row, text, cpu_s)
            tables[name][row.kind if row.strict else f"{row.kind} (recall only)"] += one
            if row.strict:
                tables[name]["all strict"] += one
            if row.whole:
                words[name] += judged
            if name == "ours" and row.strict and one.edits:
                worst.append((one.edits, f"{row.file}: {row.truth!r} read as {text!r}"))
    for name, table in tables.items():
        print(f"\n{name}, {options.half}")
        print_table(table)
        if words[name]:
            print(calibration_table(words[name]))
    if options.curve:
        print_curve(tables)
    if options.worst:
        for edits, line in sorted(worst, reverse=True)[: options.worst]:
            print(f"{edits:5.0f} {line[:220]}")


def print_table(table: dict[str, Score]) -> None:
    """One line a kind."""
    heads = ("CER", "mean", "WER", "prec.", "recall", "CPU s")
    print(f"{'kind':30}{'n':>5}" + "".join(f"{head:>8}" for head in heads))
    for kind, one in sorted(table.items()):
        figures = (one.cer, one.mean_cer, one.wer, one.precision, one.recall)
        cells = "".join(f"{figure:8.3f}" for figure in figures)
        print(f"{kind:30}{one.images:5}{cells}{one.cpu_s / one.images:8.2f}")


def print_curve(tables: dict[str, dict[str, Score]]) -> None:
    """Quality against time: one line a reader, the cheapest first."""
    print(f"\n{'all strict':22}{'CPU s':>8}{'CER':>8}{'mean':>8}{'prec.':>8}{'recall':>8}")
    whole = {name: table["all strict"] for name, table in tables.items()}
    for name, one in sorted(whole.items(), key=lambda pair: pair[1].cpu_s):
        figures = (one.cpu_s / max(1, one.images), one.cer, one.mean_cer, one.precision, one.recall)
        print(f"{name:22}" + "".join(f"{figure:8.3f}" for figure in figures))


def ours(*names: str, quick: bool = False) -> Callable[[Path], ReadPicture]:
    """Our plan with these engines, answers from the cache."""

    def open_it(folder: Path) -> ReadPicture:
        makers: dict[str, Callable[[], Engine]] = {
            "tesseract": lambda: ForOneImage(open_tesseract(("eng",), timeout_s=120), math.inf),
            "rapidocr": open_rapid,
        }
        engines = {name: CachedEngine(makers[name](), folder) for name in names}
        plan = Plan(engines, quick=quick)

        def read(row: Row) -> tuple[str, float, list[Judged]]:
            before = sum(engine.cpu_s for engine in engines.values())
            started = time.process_time()
            body = row.path.read_bytes()
            rgba = decode(body, sniff_format(body, item=row.file), item=row.file)
            marks = look_for_text(prepare(rgba).image)
            is_worth_it = worth_reading(rgba, plan, marks=marks, item=row.file)
            reading = read_words(rgba, plan, item=row.file) if is_worth_it else None
            words = (
                place_words(reading.words, decoded_px=rgba.size, size_px=rgba.size)
                if reading
                else []
            )
            own = time.process_time() - started
            engine_s = sum(engine.cpu_s for engine in engines.values()) - before
            return text_of(words), own + engine_s, judge(row, words)

        return read

    return open_it


def plain(folder: Path) -> ReadPicture:
    """`pytesseract.image_to_string` on the file as it is."""
    import pytesseract
    from PIL import Image

    return _remembered(
        folder / "plain", lambda row: str(pytesseract.image_to_string(Image.open(row.path)))
    )


def rapid(folder: Path) -> ReadPicture:
    """rapidocr with its own defaults but for the number of threads.

    It gets the picture in RGB, transparent parts on white: given the path, it would take the
    numbers of a palette for grey tones, and lay half of the logos on black.
    """
    from PIL import Image
    from rapidocr import RapidOCR

    threads = "EngineConfig.onnxruntime.{}_op_num_threads"
    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            threads.format("intra"): 1,
            threads.format("inter"): 1,
        }
    )

    def read(row: Row) -> str:
        rgba = Image.open(row.path).convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        white.alpha_composite(rgba)
        said: Any = engine(white.convert("RGB"))
        return "\n".join(said.txts or ())

    return _remembered(folder / "rapid-rgb", read)


def _remembered(folder: Path, read: Callable[[Row], str]) -> ReadPicture:
    folder.mkdir(parents=True, exist_ok=True)

    def remembered(row: Row) -> tuple[str, float, list[Judged]]:
        key = hashlib.sha256(row.path.read_bytes()).hexdigest()
        path = folder / f"{key}.json"
        if not path.is_file():
            started = cpu_seconds()
            text = read(row)
            record = {"text": text, "cpu_s": cpu_seconds() - started}
            path.write_text(json.dumps(record), encoding="utf-8")
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept["text"], kept["cpu_s"], []

    return remembered


READERS: dict[str, Callable[[Path], ReadPicture]] = {
    "ours": ours("tesseract", "rapidocr"),
    "ours-tesseract": ours("tesseract"),
    "ours-rapidocr": ours("rapidocr"),
    "quick": ours("tesseract", "rapidocr", quick=True),
    "quick-tesseract": ours("tesseract", quick=True),
    "plain": plain,
    "rapid": rapid,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--half", choices=("tuning", "held-out", "all"), default="held-out")
    parser.add_argument("--readers", default="ours,plain,rapid")
    parser.add_argument("--curve", action="store_true", help="all readers, quality against time")
    parser.add_argument("--posters", type=int, default=0, help="add so many generated posters")
    parser.add_argument("--stamps", type=int, default=0, help="add so many generated stamps")
    parser.add_argument("--seed", type=int, default=7, help="of posters and stamps")
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/.ocr-cache"))
    parser.add_argument("--worst", type=int, default=0, help="show so many hard pictures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
