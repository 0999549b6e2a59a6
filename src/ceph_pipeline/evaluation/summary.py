"""Summary of an evaluation at the end of a run: table and sentences."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ceph_pipeline.evaluation.display import UNKNOWN, UNSURE, interval, number
from ceph_pipeline.evaluation.error_tables import stage_frame
from ceph_pipeline.evaluation.intervals import MIN_IMAGES
from ceph_pipeline.evaluation.stages import LABELS, MEAN_SHAPE, OFFSET_REMOVED, READERS_FLOOR
from ceph_pipeline.landmarks.tables import STAGES
from ceph_pipeline.uncertainty import UNITS

TOO_FEW = f"fewer than {MIN_IMAGES} images or patients, too few for confidence intervals"


def render(report: dict[str, Any]) -> Group:
    """The report as a Rich table with sentences below.

    Args:
        report: From `evaluate`, or read back from `metrics.json`.
    """
    return Group(
        Text(headline(report), style="bold"), stage_table(report), *map(Text, [*comparison_lines(report), *notes(report)])
    )


def stage_table(report: dict[str, Any]) -> Table:
    """The stages and the mean-shape baseline, one row each."""
    frame = stage_frame(_stages(report), rate_intervals=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in frame.columns:
        table.add_column(name, justify="left" if name == frame.columns[0] else "right", no_wrap=True)
    for row in frame.itertuples(index=False):
        table.add_row(*row)
    return table


def headline(report: dict[str, Any]) -> str:
    """Caption of the table."""
    first = next(iter(_stages(report).values()))
    return f"Test split: {first['n_images']} images, {first['n_landmarks']} landmarks; ≤t mm: percent of errors up to t"


def comparison_lines(report: dict[str, Any]) -> list[str]:
    """One sentence per paired comparison, and whether every stage is better than the mean-shape baseline."""
    compared, beaten = report["details"]["comparisons"], report["details"]["beats_mean_shape"]
    tested = all(result["ci95"] for name, result in compared.items() if name.endswith(f"_vs_{MEAN_SHAPE}"))
    if losers := [LABELS[stage] for stage, wins in beaten.items() if not wins]:
        verdict = (
            f"{', '.join(losers)}: not clearly better than the mean shape, which ignores the image: do not use this detector"
        )
    else:
        verdict = f"every stage {'beats' if tested else 'has a smaller error than'} the mean shape, which ignores the image"
    return [*stage_comparisons(compared), verdict]


def stage_comparisons(compared: dict[str, Any]) -> list[str]:
    """One sentence per paired comparison of two stages."""
    pairs = {tuple(name.split("_vs_")): result for name, result in compared.items()}
    return [comparison_line(new, old, result) for (new, old), result in pairs.items() if old != MEAN_SHAPE]


def comparison_line(new: str, old: str, result: dict[str, Any]) -> str:
    """Result of a paired comparison in a sentence; "beats" means that the whole interval is above 0."""
    percent, bounds = result["improvement_percent"], result["ci95"]
    size = f"error {'smaller' if percent >= 0 else 'larger'} by {abs(percent):.0f} %"
    if bounds is None:
        return f"{LABELS[new]} against {LABELS[old]}: {size}; {UNSURE}"
    verdict = "beats" if bounds[0] > 0 else "does not clearly beat" if percent > 0 else "does not beat"
    return f"{LABELS[new]} {verdict} {LABELS[old]}: {size} {interval(bounds if percent >= 0 else [-bounds[1], -bounds[0]], 0)}"


def notes(report: dict[str, Any]) -> list[str]:
    """Notes on the table: near-duplicates, readers, missing intervals, pixel sizes and predictions."""
    stage, fields = list(_stages(report, guess=False).items())[-1]
    details = report["details"]
    found = [*_near_duplicates(details["without_near_duplicates"], stage), *_readers(details)]
    if fields.get("n_patients", fields["n_images"]) < MIN_IMAGES:  # earlier reports lack `n_patients`
        found.append(TOO_FEW)
    if nameless := details["n_images_without_truth"]:
        found.append(f"{nameless} predicted test images have no annotated point and are ignored")
    if excluded := details.get("n_excluded"):
        which = "test image is" if excluded == 1 else "test images are"
        found.append(f"{excluded} {which} excluded by the audit (audit.exclude) and not evaluated")
    without_size = fields["n_images"] - fields["n_images_mm"]
    if without_size:
        found.append(f"{without_size} of {fields['n_images']} images have no pixel size and are included in px only")
    for name, entry in _stages(report, guess=False).items():
        if entry["n_missing"]:
            found.append(f"{LABELS[name]}: {entry['n_missing']} annotated points were not predicted and are ignored above")
    return found


def _near_duplicates(clean: dict[str, Any], stage: str) -> list[str]:
    if not clean["n_left_out"] or stage not in clean:
        return []
    which = "image that has" if clean["n_left_out"] == 1 else "images that have"
    figures = f"{LABELS[stage]} {', '.join(_lengths(clean[stage]))}"
    return [f"without the {clean['n_left_out']} test {which} a near-duplicate in training or validation: {figures}"]


def _readers(details: dict[str, Any]) -> list[str]:
    """Distance of readers to the truth, and error of the last stage without constant offsets."""
    found = []
    if (readers := details["inter_reader"]) and (one := details.get("reader_to_truth")):
        found.append(
            f"one reader is {', '.join(_lengths(one))} from the truth, which includes the reader's points if the truth is the "
            f"readers' mean; two readers are {', '.join(_lengths(readers))} apart"
        )
    if without := details.get(OFFSET_REMOVED):
        line = f"after subtracting one constant offset per landmark (for diagnosis only): {_lengths(without)[0]}"
        floor = details.get(READERS_FLOOR)
        found.append(f"{line}; the random half of the readers' difference: {_lengths(floor)[0]}" if floor else line)
    return found


def _lengths(fields: dict[str, Any]) -> list[str]:
    """The mean error in mm, if known, and in px."""
    shown = {unit: number(fields[f"mre_{unit}"]) for unit in UNITS}
    return [f"{text} {unit}" for unit, text in shown.items() if text != UNKNOWN] or [UNKNOWN]


def _stages(report: dict[str, Any], *, guess: bool = True) -> dict[str, dict[str, Any]]:
    names = [*STAGES, MEAN_SHAPE] if guess else STAGES
    return {name: report[name] for name in names if name in report}
