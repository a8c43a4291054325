"""Where the seconds of a run go: which field, which images, thinking, reading, pointing, keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.annotator import Answer
from benchmarks.keystrokes import PICTURE, SUBMIT, B, Effort, H, K, M, P

READ_AS = ("thinking", "reading", "pointing", "keys")
OTHER = "(picture, submit)"


@dataclass
class Ledger:
    """Efforts by kind of visit (`audit`, `worth`, `again`) and field."""

    spent: dict[tuple[str, str], Effort] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, answer: Answer) -> None:
        """Count one visit in."""
        self.visits[kind] = self.visits.get(kind, 0) + 1
        for name, effort in (*answer.by_field.items(), (OTHER, PICTURE + SUBMIT)):
            self.spent[kind, name] = self.spent.get((kind, name), Effort()) + effort

    def of(self, name: str, kinds: tuple[str, ...]) -> Effort:
        """What a field took on some kinds of visits."""
        return sum((self.spent.get((kind, name), Effort()) for kind in kinds), Effort())

    @property
    def names(self) -> list[str]:
        """All fields, and what belongs to none."""
        return list(dict.fromkeys(name for _, name in self.spent))


def parts(effort: Effort) -> dict[str, float]:
    """Seconds by what a person does."""
    seconds = (
        effort.thoughts * M,
        effort.seconds - effort.thoughts * M - effort.keys * K - effort.clicks * (P + 2 * B)
        - effort.hands * H,
        effort.clicks * (P + 2 * B) + effort.hands * H,
        effort.keys * K,
    )  # fmt: skip
    return dict(zip(READ_AS, seconds, strict=True))


def breakdown(
    run: Ledger, images: int, after: Mapping[str, Effort], after_images: int, rest: int
) -> str:
    """A table of seconds an image, over a run and the images that it stands for.

    Args:
        images: of the run.
        after: field → effort on `after_images` images at the end of the run.
        rest: further images, each at what one costs at the end.
    """
    whole, more = images + rest, rest / max(1, after_images)
    rows = {}
    for name in dict.fromkeys([*run.names, *after]):
        audits, asked = run.of(name, ("audit",)), run.of(name, ("worth", "gold", "again"))
        later = after.get(name, Effort())
        by_part = [parts(one) for one in (audits + asked, later)]
        rows[name] = (
            audits.seconds / whole,
            asked.seconds / whole,
            more * later.seconds / whole,
            *((by_part[0][part] + more * by_part[1][part]) / whole for part in READ_AS),
        )
    lines = [
        f"seconds an image of {whole}: on {run.visits.get('audit', 0)} audits, on the other "
        f"{sum(run.visits.values()) - run.visits.get('audit', 0)} visits of the run, on {rest} "
        "images after it; and by what a person does",
        f"{'field':<20}{'audits':>8}{'asked':>8}{'after':>8}{'sum':>8}"
        + "".join(f"{part:>10}" for part in READ_AS),
    ]
    ordered = sorted(rows.items(), key=lambda one: -sum(one[1][:3]))
    total = tuple(sum(column) for column in zip(*rows.values(), strict=True))
    for name, row in [*ordered, ("all", total)]:
        shown = "".join(f"{value:>8.2f}" for value in (*row[:3], sum(row[:3])))
        lines.append(f"{name:<20}{shown}" + "".join(f"{value:>10.2f}" for value in row[3:]))
    return "\n".join(lines)
