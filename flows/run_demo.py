"""Flow: the whole road on OpenMoji graphics, from images to a report."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import flow

from flows.bring_corpus import bring_corpus
from flows.draft_labels import draft_labels
from flows.evaluate_run import evaluate_run
from flows.export_dataset import export_dataset
from flows.ingest_source import ingest_source
from flows.pull_labels import pull_labels
from flows.push_labels import push_labels
from flows.read_text import read_text
from flows.support import main, workspace_path
from flows.train_unet import train_unet
from flows.train_vae import train_vae
from flows.write_report import write_report
from lowdiff.cli.output import say
from lowdiff.ops.acceptance import accept_unaudited
from lowdiff.ops.measure import Costs, open_costs, timed, watched_memory
from lowdiff.ops.project import open_project

STEPS = 11


class Road:
    """Says which step runs, and measures it."""

    def __init__(self, costs: Costs) -> None:
        self.costs = costs
        self.number = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step of the road."""
        self.number += 1
        say(f"[{self.number:>2}/{STEPS}] {title} …")
        with timed(self.costs, title):
            yield


@flow(name="run-demo")
def run_demo(
    count: int = 1500, preset: str = "demo", prompts: int = 64, workspace: str | None = None
) -> dict[str, Any]:
    """Corpus, ingest, twins, OCR, drafts, push, pull, export, VAE, U-Net, evaluation, report."""
    folder = workspace_path(workspace)
    accept_unaudited(folder)
    with open_project(folder) as project:
        space = project.workspace
    costs = open_costs(space)
    road = Road(costs)
    with watched_memory(costs, space):
        result = _walk(road, count=count, preset=preset, prompts=prompts, workspace=workspace)
    _say_what_next(result, costs)
    return result


def _walk(
    road: Road, *, count: int, preset: str, prompts: int, workspace: str | None
) -> dict[str, Any]:
    with road.step("Bring the graphics"):
        corpus = bring_corpus(count, workspace)
        say(f"        {corpus['own']} in a folder, {corpus['gallery']} in a web gallery")
        say(f"        {corpus['attribution']}")
    with road.step("Ingest"):
        found = ingest_source(["openmoji-own", "openmoji-gallery"], workspace)
        say(f"        {found['new']} new, {found['known']} known, refused {found['refused'] or 0}")
        if found["failed_pages"]:
            say(f"        {found['failed_pages']} pages failed; `lowdiff ingest` tries them again")
    with road.step("Read text"):
        text = read_text(workspace)
        say(f"        {text['read']} read, {text['with_text']} with text")
    with road.step("Draft labels"):
        say(f"        {draft_labels(workspace)['drafted']} images drafted")
    with road.step("Push to Label Studio"):
        pushed = push_labels(workspace)
        say(f"        {pushed['pushed']} tasks: {pushed['url']}")
    with road.step("Pull confirmed labels"):
        _say_labels(pull_labels(workspace))
    with road.step("Export the dataset"):
        dataset = export_dataset(workspace)
        say(f"        {dataset['name']}@{dataset['version']} in {dataset['folder']}")
    with road.step("Train the VAE"):
        vae = train_vae(preset, dataset["version"], workspace)
    with road.step("Train the U-Net"):
        unet = train_unet(preset, dataset["version"], vae["run"], None, workspace)
    with road.step("Evaluate"):
        evaluation = evaluate_run(unet["run"], prompts, workspace)
    with road.step("Write the report"):
        report = write_report(workspace)
    return {
        "label_studio": pushed["url"],
        "dataset": dataset,
        "vae": vae,
        "unet": unet,
        "verdict": evaluation["verdict"],
        "report": report,
    }


def _say_labels(result: dict[str, Any]) -> None:
    fields = result["accepted"]["fields"]
    human = sum(count["human"] for count in fields.values())
    machine = sum(count["accepted"] for count in fields.values())
    still_open = sum(count["open"] for count in fields.values())
    say(
        f"        fields: {human} said by people, {machine} accepted from the machine (and marked "
        f"so), {still_open} open; {result['accepted']['ready']} images are ready"
    )


def _say_what_next(result: dict[str, Any], costs: Costs) -> None:
    minutes = sum(costs.seconds.values()) / 60
    say(f"\nDone in {minutes:.1f} minutes. Everything is here:")
    say(f"  report        {result['report']}")
    say(f"  dataset       {result['dataset']['folder']}")
    say(f"  model         {result['unet']['folder']}")
    say(f"  Label Studio  {result['label_studio']} (login: `lowdiff label open`)")
    say("\nNext: open the report, correct some captions in Label Studio, then")
    say("  lowdiff dedupe        near twins and variants, before a new version")
    say("  lowdiff retrain")
    say('  lowdiff generate "a raccoon"')


if __name__ == "__main__":
    main(run_demo)
