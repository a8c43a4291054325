"""What one more image costs once a run has learned all it could."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.annotator import Annotator
from benchmarks.keystrokes import Effort
from benchmarks.label_truth import Known, is_right
from benchmarks.labeling_breakdown import Ledger
from benchmarks.labeling_run import BEGAN
from lowdiff.catalog.artifacts import newest_payloads
from lowdiff.catalog.chunks import chunks as batches
from lowdiff.catalog.labels import Label
from lowdiff.labels.accept.audit import is_audit
from lowdiff.labels.accept.policy import open_fields
from lowdiff.labels.schema import Schema
from lowdiff.ops.acceptance import present_policy
from lowdiff.ops.project import Project


@dataclass(frozen=True)
class Steady:
    """What one more image would cost by what was learned and decided in a run."""

    images: int
    ledger: Ledger
    chunks: int
    shown: int
    """Counted fields that a person would see."""
    wrong: int
    """Counted fields that nobody would see and that are wrong; unusable images are left out."""

    @property
    def effort(self) -> Effort:
        """All of it."""
        return sum(self.ledger.spent.values(), Effort())


def steady(
    project: Project, schema: Schema, counted: Sequence[str], truths: Mapping[str, Known],
    annotator: Annotator,
) -> Steady:  # fmt: skip
    """As if every image that is not audited came anew: the drafts of now, the decisions of now.

    What heads say of images that they have learned from comes from models that did not see them.
    """
    policy, share = present_policy(project), project.settings.audit_share
    ids = [one for one in truths if not is_audit(one, share)]
    ledger, chunks, shown, wrong = Ledger(), 0, 0, 0
    for some in batches(ids, 400):
        with project.catalog.read() as session:
            payloads = newest_payloads(session, "draft", some)
        for image_id in some:
            drafts = payloads[image_id]["fields"]
            labels = {
                name: Label(
                    one["value"], one["origin"], one["by"], one["confidence"], schema.version, BEGAN
                )
                for name, one in drafts.items()
            }
            ask = open_fields(labels, policy, schema, is_audit=False)
            values = {name: one["value"] for name, one in drafts.items()}
            truth = truths[image_id]
            unseen = [name for name in counted if name not in ask and truth.usable]
            wrong += sum(not is_right(schema, name, values.get(name), truth) for name in unseen)
            if not ask:
                continue
            answer = annotator.answer(ask, values, truth)
            ledger.add("worth", answer)
            chunks += answer.chunks
            shown += len(set(answer.values) & set(counted))
    return Steady(len(ids), ledger, chunks, shown, wrong)
