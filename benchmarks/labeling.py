"""How long labeling takes until it is finished, and how right the labels are then.

    python -m benchmarks.labeling [brand|openmoji|graphics] [--count 1500] [--seed 101]
        [--words truth|ocr] [--batch 75] [--slip 0.01] [--logos] [--breakdown]
        [--through-label-studio] [--closed transcription brand] [--folder FOLDER]

A scripted annotator with the truth (`annotator.py`) works through lowdiff's own queue: ingest,
families, words, drafts, then round by round queue → answers → decisions → learning, until no image
has an open field. What that costs a person is told by the keystroke-level model; every assumption
of it stands in `keystrokes.py`. It is compared with the same form filled in once and never learned
from (all fields shown), and with an empty one.

Fields count whose most frequent value covers less than 90 % of the images. Seeds below 100 are for
tuning, those from 101 on for reporting.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.annotator import Annotator, chunks_of
from benchmarks.keystrokes import Effort, M
from benchmarks.label_truth import Known, brand_set, graphics, is_right, openmoji
from benchmarks.labeling_after import Steady, steady
from benchmarks.labeling_breakdown import breakdown
from benchmarks.labeling_project import bring, copied, draft_all, truths
from benchmarks.labeling_run import HEADING, Run, work_through
from benchmarks.labeling_server import own_server
from lowdiff.catalog.labels import Label, current_labels
from lowdiff.ingest.openmoji import bring_openmoji
from lowdiff.labels.schema import Schema, applies, load_schema
from lowdiff.ops.project import Project, open_project
from lowdiff.settings import SETTINGS_FILE
from lowdiff.workspace import Workspace

COUNTS = {"brand": 1500, "openmoji": 1200, "graphics": 1200}
WHOLE = 10_028
"""Images of the story."""


def main() -> None:
    """Run one set and print."""
    asked = _options()
    torch.set_num_threads(1)
    count = asked.count or COUNTS[asked.set]
    folder = asked.folder / f"{asked.set}-{count}-{asked.seed}-{asked.words}"
    known = _known(asked.set, folder / "pictures", count, asked.seed, asked.folder)
    space = bring(folder, folder / "pictures", known, words=asked.words)
    schema = load_schema()
    fields = [one for one in schema.fields if one.name in known[0].fields]
    fields = [replace(one, free=one.free and one.name not in asked.closed) for one in fields]
    schema = replace(schema, fields=tuple(fields))
    started = time.process_time()
    with open_project(space) as project:
        draft_all(project, schema)
    drafting = time.process_time() - started
    own = copied(space, folder / f"run-{os.getpid()}")
    settings = {"audit_share": asked.audit_share, "accept_error_limit": asked.limit}
    lines = [f"{name} = {value}\n" for name, value in settings.items() if value is not None]
    (own / SETTINGS_FILE).write_text("".join(["gold_share = 0.0\n", *lines]), encoding="utf-8")
    with open_project(own) as project:
        facts = truths(project, known)
        with project.catalog.read() as session:
            drafts = current_labels(session)
        annotator = Annotator(schema, slip=asked.slip, seed=asked.seed)
        filled = _whole(annotator, schema, facts, drafts)
        empty = sum((annotator.from_nothing(one) for one in facts.values()), Effort())
        asked_of = [[f.name for f in schema.fields if applies(f, t.fields)] for t in facts.values()]
        spared = sum(len(names) - chunks_of(names) for names in asked_of)
        print(f"{len(facts)} images ({asked.set}, seed {asked.seed}, words: {asked.words})")
        _print_drafts(schema, facts, drafts)
        print(f"\n{HEADING}", flush=True)
        run = _run(project, schema, facts, annotator, asked)
        others = {"plain": (empty, spared), "filled in once": (filled, spared)}
        _print_run(run, schema, facts, others)
        after = steady(project, schema, run.counted, facts, annotator)
        _print_whole(run, after, len(facts))
        if asked.breakdown:
            later = {name: after.ledger.of(name, ("worth",)) for name in after.ledger.names}
            rest = max(0, WHOLE - len(facts))
            print(f"\n{breakdown(run.ledger, len(facts), later, after.images, rest)}")
    print(
        f"machine: {drafting / len(facts):.2f} CPU s an image for drafts that were not there yet, "
        f"{run.machine_cpu_s / len(facts):.2f} for queue, decisions and learning"
    )


def _run(
    project: Project, schema: Schema, facts: Mapping[str, Known], annotator: Annotator,
    asked: argparse.Namespace,
) -> Run:  # fmt: skip
    def say(line: str) -> None:
        print(line, flush=True)

    with ExitStack() as stack:
        server = None
        if asked.through_label_studio:
            server = stack.enter_context(own_server(project, schema, say=say))
        run = work_through(
            project, schema, facts, annotator, batch=asked.batch, logos=asked.logos, say=say,
            server=server,
        )  # fmt: skip
        if server is not None:
            told = ", ".join(f"{what} {spent:.0f} s" for what, spent in server.seconds.items())
            say(f"through Label Studio: {run.visits} answers; {told}")
    return run


def _options() -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=COUNTS, nargs="?", default="brand")
    parser.add_argument("--count", type=int, help=f"images; the whole: {WHOLE}")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--words", choices=("truth", "ocr"), default="truth")
    parser.add_argument("--batch", type=int, default=75, help="images between rounds of learning")
    parser.add_argument("--slip", type=float, default=0.0, help="share of errors of the annotator")
    parser.add_argument("--audit-share", type=float, help="instead of the default setting")
    parser.add_argument("--limit", type=float, help="error limit, instead of the default setting")
    parser.add_argument(
        "--closed", nargs="+", default=[], metavar="FIELD",
        help="texts that audits may accept, too, as `free = false` in the schema would have it",
    )  # fmt: skip
    parser.add_argument(
        "--through-label-studio", action="store_true",
        help="answer at a real server what it shows next; for a few hundred images",
    )  # fmt: skip
    parser.add_argument("--breakdown", action="store_true", help="where the seconds go")
    parser.add_argument("--logos", action="store_true", help="the annotator marks logos, too")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "lowdiff-labeling",
        help="pictures and workspaces, kept for the next run; default: %(default)s",
    )  # fmt: skip
    return parser.parse_args()


def _known(name: str, pictures: Path, count: int, seed: int, folder: Path) -> list[Known]:
    if name == "brand":
        return brand_set(pictures, count, seed)
    if name == "openmoji":
        package = bring_openmoji(Workspace(folder / "openmoji").create(), say=print)
        return openmoji(pictures, package, count, seed)
    return graphics(pictures, Path(os.environ["LOWDIFF_TEST_DATA"]), count, seed)


def _whole(
    annotator: Annotator, schema: Schema, facts: Mapping[str, Known],
    drafts: Mapping[str, Mapping[str, Label]],
) -> Effort:  # fmt: skip
    """The form filled in once, every field shown."""
    total = Effort()
    for image_id, truth in facts.items():
        draft = {name: label.value for name, label in drafts[image_id].items()}
        total += annotator.answer(schema.names, draft, truth).effort
    return total


def _print_drafts(
    schema: Schema, facts: Mapping[str, Known], drafts: Mapping[str, Mapping[str, Label]]
) -> None:
    print("first drafts that are right:", end=" ")
    for name in schema.names:
        right = [
            is_right(schema, name, drafts[one][name].value, truth) for one, truth in facts.items()
        ]
        print(f"{name} {sum(right) / len(right):.0%}", end=" ")
    print()


def _print_run(
    run: Run,
    schema: Schema,
    facts: Mapping[str, Known],
    others: Mapping[str, tuple[Effort, int]],
) -> None:
    number = len(facts)
    print(f"\n{'field':<18}{'most':>6}{'shown':>8}{'wrong draft':>12}{'s/img':>7}{'error':>8}"
          f"{'accepted':>10}{'wrong':>8}")  # fmt: skip
    for one in schema.names:
        values = Counter(str(truth.fields[one]) for truth in facts.values())
        most = max(values.values()) / number
        effort = run.by_field.get(one, Effort())
        said, wrong, machine, machine_wrong = run.errors.get(one, (0, 0, 0, 0))
        print(
            f"{one:<18}{most:>6.0%}{run.shown[one] / number:>8.1%}"
            f"{run.first_drafts_wrong[one] / max(1, run.shown[one]):>12.1%}"
            f"{effort.seconds / number:>7.2f}{wrong / max(1, said):>8.2%}"
            f"{machine / max(1, said):>10.1%}{machine_wrong / max(1, machine):>8.2%}"
        )
    counted = run.counted
    total, wrong = (sum(run.errors[name][at] for name in counted) for at in (0, 1))
    unseen = 1 - sum(run.shown[name] for name in counted) / (number * len(counted))
    print(f"\ncounted fields: {len(counted)} of {len(schema.names)}; visits {run.visits}, "
          f"again {run.again}")  # fmt: skip
    accepted, missed = (sum(run.errors[name][at] for name in counted) for at in (2, 3))
    print(
        f"field error {wrong / max(1, total):.2%}; never shown to a person {unseen:.1%}; "
        f"of the accepted {missed / max(1, accepted):.2%} are wrong"
    )
    print(f"\n{'way':<22}{'s/image':>9}{'keys':>8}{'clicks':>8}{'M by statement':>16}")
    for name, (effort, saved) in {
        "lowdiff": (run.effort, sum(run.seen.values()) - run.chunks), **others,
    }.items():  # fmt: skip
        print(
            f"{name:<22}{effort.seconds / number:>9.1f}{effort.keys / number:>8.1f}"
            f"{effort.clicks / number:>8.2f}{(effort.seconds - M * saved) / number:>16.1f}"
        )


def _print_whole(run: Run, after: Steady, number: int) -> None:
    """The whole corpus: this run, and then images at what one costs at the end of it."""
    rest = max(0, WHOLE - number)
    one = after.effort.seconds / after.images
    hours = (run.effort.seconds + rest * one) / 3600
    shown = sum(run.shown[name] for name in run.counted) + rest * after.shown / after.images
    fields = len(run.counted) * (number + rest)
    unseen = 1 - shown / fields
    wrong = sum(one[1] for one in run.errors.values()) + rest * after.wrong / after.images
    print(
        f"one more image at the end: {one:.1f} s, {after.shown / after.images:.1f} of "
        f"{len(run.counted)} counted fields shown\n"
        f"{number + rest} images, these the first of them: {hours:.1f} h, "
        f"{3600 * hours / (number + rest):.1f} s an image, never shown {unseen:.1%}, "
        f"field error {wrong / fields:.2%}"
    )


if __name__ == "__main__":
    main()
