"""The drawings of the report: which figures are plotted, and under which name."""

from collections.abc import Sequence

from markupsafe import Markup

from lowdiff.pages.figures import Line, histogram, line_plot
from lowdiff.report.gather import Report
from lowdiff.report.label_plots import label_plots
from lowdiff.report.sections.evaluation import Band
from lowdiff.report.sections.labels import FieldLabels
from lowdiff.report.sections.training import TrainingRun


def draw_plots(report: Report) -> dict[str, Markup]:
    """Name → inline SVG; a figure without data is not drawn and has no name here."""
    plots: dict[str, Markup] = {}
    if report.ocr.with_text:
        plots["ocr"] = histogram(
            "plot-ocr",
            report.ocr.confidences,
            low=0,
            high=1,
            x_label="mean confidence of the words in an image",
            y_label="images with text",
        )
    for field in report.labels.fields:
        if field.is_drafted:
            plots[f"confidence-{field.name}"] = _confidences(field)
    plots |= label_plots(report.labels.status)
    for run in report.training.shown:
        if any(point.loss is not None for point in run.points):
            plots[f"loss-{run.kind}"] = _losses(run)
        if any(point.val_psnr_db is not None for point in run.points):
            plots[f"psnr-{run.kind}"] = _psnr(run)
        if sum(point.images_per_s is not None for point in run.points) > 1:
            plots[f"speed-{run.kind}"] = _speed(run)
    if report.evaluation and report.evaluation.bands:
        plots["bands"] = _bands(report.evaluation.bands)
    return plots


def _confidences(field: FieldLabels) -> Markup:
    return histogram(
        f"plot-confidence-{field.name}",
        field.confidences,
        low=0,
        high=1,
        x_label="confidence of the draft",
        y_label="images",
        threshold=field.threshold,
        threshold_label="counts from here →",
    )


def _losses(run: TrainingRun) -> Markup:
    """Training against held-out images where both are measured alike, else the batches' loss."""
    train = [(p.step, p.train_loss) for p in run.points if p.train_loss is not None]
    if len(train) < 2:
        train = [(p.step, p.loss) for p in run.points if p.loss is not None]
    held_out = [(p.step, p.val_loss) for p in run.points if p.val_loss is not None]
    lines = _two_lines(train, held_out)
    return line_plot(
        f"plot-loss-{run.kind}", lines, x_label="step", y_label="loss", log_y=_is_wide(lines)
    )


def _psnr(run: TrainingRun) -> Markup:
    train = [(p.step, p.train_psnr_db) for p in run.points if p.train_psnr_db is not None]
    held_out = [(p.step, p.val_psnr_db) for p in run.points if p.val_psnr_db is not None]
    return line_plot(
        f"plot-psnr-{run.kind}",
        _two_lines(train, held_out),
        x_label="step",
        y_label="PSNR in dB",
    )


def _speed(run: TrainingRun) -> Markup:
    points = [(p.step, p.images_per_s) for p in run.points if p.images_per_s is not None]
    return line_plot(
        f"plot-speed-{run.kind}",
        [Line("images per second", *_unzip(points))],
        x_label="step",
        y_label="images per second",
        from_zero=True,
    )


def _bands(bands: tuple[Band, ...]) -> Markup:
    train = [((b.low + b.high) / 2, b.train) for b in bands if b.train is not None]
    held_out = [((b.low + b.high) / 2, b.validation) for b in bands if b.validation is not None]
    return line_plot(
        "plot-bands",
        _two_lines(train, held_out),
        x_label="noise: 0 is a clean image, 1 is nothing but noise",
        y_label="denoising loss",
    )


def _two_lines(
    train: Sequence[tuple[float, float]], held_out: Sequence[tuple[float, float]]
) -> list[Line]:
    named = (("training images", train), ("held-out images", held_out))
    return [Line(name, *_unzip(points)) for name, points in named if points]


def _unzip(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _is_wide(lines: list[Line]) -> bool:
    """True when the first steps would press the rest of a linear plot flat."""
    values = [value for line in lines for value in line.y]
    return min(values) > 0 and max(values) / min(values) > 8
