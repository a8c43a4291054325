"""What a person sees first: how far the project is, what its model draws, what to do next."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from lowdiff.pages.format import plural
from lowdiff.pages.sheet import Picture
from lowdiff.report.sections.corpus import Corpus
from lowdiff.report.sections.dataset import Dataset
from lowdiff.report.sections.evaluation import Evaluation, Generated
from lowdiff.report.sections.labels import Labels
from lowdiff.report.sections.ocr import Ocr
from lowdiff.report.sections.training import Training, TrainingRun

DRAWN_SHOWN = 21
CONFIRMED_ENOUGH = 0.1
"""From this share of confirmed images on, drawing more counts for more than confirming more."""


@dataclass(frozen=True)
class Step:
    """Something that a person can do now."""

    text: str
    command: str


@dataclass(frozen=True)
class Headline:
    """The first screen of the report."""

    images: int
    by_people: int
    by_machine: int
    dataset: str | None
    dataset_images: int
    model: TrainingRun | None
    drawn: tuple[Generated, ...]
    """Images with their prompts, from the evaluation."""
    grid: Picture | None
    """The newest sample sheet, where there is no evaluation yet."""
    grid_step: int | None
    steps: tuple[Step, ...]


def make_headline(
    *, corpus: Corpus, ocr: Ocr, labels: Labels, dataset: Dataset, training: Training,
    evaluation: Evaluation | None,
) -> Headline:  # fmt: skip
    """Sum up what the sections say."""
    newest, unet = dataset.newest, training.unet
    last = unet.samples[-1] if unet and unet.samples else None
    return Headline(
        images=corpus.images,
        by_people=labels.by_people,
        by_machine=labels.by_machine,
        dataset=newest.row.label if newest else None,
        dataset_images=newest.row.images if newest else 0,
        model=unet,
        drawn=evaluation.generated[:DRAWN_SHOWN] if evaluation else (),
        grid=last.picture if last else None,
        grid_step=last.step if last else None,
        steps=tuple(next_steps(corpus, ocr, labels, dataset, training, evaluation)),
    )


def next_steps(
    corpus: Corpus,
    ocr: Ocr,
    labels: Labels,
    dataset: Dataset,
    training: Training,
    evaluation: Evaluation | None,
) -> Sequence[Step]:
    """What is missing on the road, first things first; at its end, the way round again."""
    if corpus.images == 0:
        return [
            Step("See the whole road once, on free graphics:", "lowdiff demo"),
            Step("Or bring your own graphics:", "lowdiff ingest"),
        ]
    steps = []
    if ocr.open:
        steps.append(Step(f"Read the text in {plural(ocr.open, 'image')}:", "lowdiff ocr"))
    if labels.undrafted:
        images = plural(labels.undrafted, "image")
        steps.append(Step(f"Draft labels for {images}:", "lowdiff draft"))
    if dataset.newest is None:
        export = Step("Make a dataset of what is labelled:", "lowdiff export")
        return steps or [export]
    missing = _missing_model(training, evaluation)
    if missing is not None:
        steps.append(missing)
    if training.unet is None:
        return steps
    return steps + _round_again(corpus, labels, evaluation)


def _missing_model(training: Training, evaluation: Evaluation | None) -> Step | None:
    if training.vae is None or (training.vae.state != "done" and training.unet is None):
        return Step("Train the VAE, the eye and hand of the model:", "lowdiff train vae")
    if training.unet is None or training.unet.state != "done":
        return Step("Train the U-Net, which draws from words:", "lowdiff train unet")
    if evaluation is None or evaluation.kind != "unet":
        return Step("Measure the newest model:", "lowdiff evaluate")
    return None


def _round_again(corpus: Corpus, labels: Labels, evaluation: Evaluation | None) -> list[Step]:
    drawn = evaluation.generated if evaluation else ()
    prompt = drawn[0].prompt.split(",")[0] if drawn else "a raccoon"
    correct = [
        Step("Open Label Studio, and confirm or correct some captions:", "lowdiff label open"),
        Step("Let the model learn from what you confirmed:", "lowdiff retrain"),
    ]
    draw = [Step("Draw something of your own:", f"lowdiff generate {shlex.quote(prompt)}")]
    if labels.by_people < CONFIRMED_ENOUGH * corpus.images:
        return correct + draw
    return draw + correct
