"""`lowdiff label watch`, and how a pull is told."""

from lowdiff.cli.output import say
from lowdiff.labels.desk.pulled import PullReport


def say_pulled(report: PullReport) -> None:
    """What a person has to know of a pull."""
    for address, why in report.refused.items():
        say(f"refused {address}: {why}")
    if report.withdrawn:
        say(f"{report.withdrawn} annotations were deleted or skipped since: they count no more")
    if report.gone:
        say(f"{report.gone} tasks were deleted in Label Studio; what was said on them stays")
    if report.looked_again:
        say(
            f"{report.looked_again} labels were looked at once more, {report.changed_again} of "
            "them say something else now (the history keeps both)"
        )
