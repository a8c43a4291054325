"""Everything that the report says, as one tree of plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lowdiff.report.inputs import Inputs
from lowdiff.report.sections.corpus import Corpus, gather_corpus
from lowdiff.report.sections.dataset import Dataset, gather_dataset
from lowdiff.report.sections.evaluation import Evaluation, gather_evaluation
from lowdiff.report.sections.headline import Headline, make_headline
from lowdiff.report.sections.label_quality import LabelQuality, gather_label_quality
from lowdiff.report.sections.labels import Labels, gather_labels
from lowdiff.report.sections.ocr import Ocr, gather_ocr
from lowdiff.report.sections.provenance import Provenance, gather_provenance
from lowdiff.report.sections.training import Training, gather_training


@dataclass(frozen=True)
class Report:
    """The report before it is a page."""

    name: str
    workspace: str
    made_at: datetime
    headline: Headline
    corpus: Corpus
    ocr: Ocr
    labels: Labels
    label_quality: LabelQuality
    dataset: Dataset
    training: Training
    evaluation: Evaluation | None
    provenance: Provenance


def gather_report(
    inputs: Inputs, *, made_at: datetime, timings: Mapping[str, float] | None = None
) -> Report:
    """Read the workspace as far as it is; what is not there yet is empty, never an error.

    Args:
        timings: step → seconds, as a flow measured them.
    """
    corpus = gather_corpus(inputs)
    ocr = gather_ocr(inputs)
    labels = gather_labels(inputs, today=made_at.date())
    dataset = gather_dataset(inputs)
    training = gather_training(inputs)
    evaluation = gather_evaluation(inputs, training)
    return Report(
        name=dataset.newest.row.name if dataset.newest else inputs.dataset_name,
        workspace=str(inputs.workspace.root),
        made_at=made_at,
        headline=make_headline(
            corpus=corpus,
            ocr=ocr,
            labels=labels,
            dataset=dataset,
            training=training,
            evaluation=evaluation,
        ),
        corpus=corpus,
        ocr=ocr,
        labels=labels,
        label_quality=gather_label_quality(inputs),
        dataset=dataset,
        training=training,
        evaluation=evaluation,
        provenance=gather_provenance(
            inputs, corpus=corpus, dataset=dataset, training=training, timings=timings
        ),
    )
