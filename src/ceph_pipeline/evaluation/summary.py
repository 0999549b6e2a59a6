"""The last word of a run: what was reached, in one table."""

import math
from collections.abc import Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ceph_pipeline.evaluation.stages import INTER_READER, LABELS, MEAN_SHAPE, STAGES

UNKNOWN = "–"


def render(report: dict[str, Any]) -> Group:
    """The report as a rich table with what it says beneath.

    Args:
        report: From `evaluate`, or read back from `metrics.json`.
    """
    return Group(stage_table(report), *map(Text, [*comparison_lines(report), *notes(report)]))


def stage_table(report: dict[str, Any]) -> Table:
    """Stages and the mean shape, one row each."""
    header, *rows = summary_rows(report)
    table = Table(
        title=headline(report), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, show_edge=False
    )
    for name in header:
        table.add_column(name, justify="left" if name == header[0] else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def headline(report: dict[str, Any]) -> str:
    """What the table is about."""
    first = next(iter(_stages(report).values()))
    return f"Test split: {first['n_images']} images, {first['n_landmarks']} landmarks; ≤t mm: percent of errors up to t"


def summary_rows(report: dict[str, Any], *, with_readers: bool = False) -> list[list[str]]:
    """Header and one row a stage: MRE in mm with its interval, in px, and the SDRs in percent."""
    stages = _stages(report)
    if with_readers and report["details"]["inter_reader"]:
        stages[INTER_READER] = report["details"]["inter_reader"]
    return stage_rows(stages)


def stage_rows(stages: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Those rows of some stages' figures."""
    rates = rate_keys(next(iter(stages.values())))
    header = ["stage", "MRE mm", "95 % interval", "px", *map(rate_title, rates)]
    rows = []
    for stage, fields in stages.items():
        errors = [number(fields["mre_mm"]), _interval(fields["mre_mm_ci95"]) or UNKNOWN, number(fields["mre_px"], 1)]
        rows.append([LABELS[stage], *errors, *(number(fields[key], 1) for key in rates)])
    return [header, *rows]


def rate_keys(fields: Iterable[str]) -> list[str]:
    """The detection rates among a stage's fields or a table's columns, without their intervals."""
    return [key for key in fields if key.startswith("sdr_") and not key.endswith(("_ci95", "_low", "_high"))]


def rate_title(key: str) -> str:
    """`≤2 mm` for `sdr_2.0`."""
    return f"≤{float(key.removeprefix('sdr_')):g} mm"


def comparison_lines(report: dict[str, Any]) -> list[str]:
    """One sentence a paired comparison, and whether every stage beats the mean shape."""
    lines = stage_comparisons(report["details"]["comparisons"])
    beaten = report["details"]["beats_mean_shape"]
    losers = [LABELS[stage] for stage, wins in beaten.items() if not wins]
    return [*lines, f"every stage beats the mean shape: {'no, not ' + ', '.join(losers) if losers else 'yes'}"]


def stage_comparisons(compared: dict[str, Any]) -> list[str]:
    """One sentence a paired comparison of two stages."""
    pairs = {tuple(name.split("_vs_")): result for name, result in compared.items()}
    return [comparison_line(new, old, result) for (new, old), result in pairs.items() if old != MEAN_SHAPE]


def comparison_line(new: str, old: str, result: dict[str, Any]) -> str:
    """Whether the new stage's error is smaller, and by how much; "beats" is said where the whole interval is above 0."""
    percent, bounds = result["improvement_percent"], result["ci95"]
    size = f"error {'smaller' if percent >= 0 else 'larger'} by {abs(percent):.0f} %"
    if bounds is None:
        return f"{LABELS[new]} against {LABELS[old]}: {size}; one image gives no interval"
    verdict = "beats" if bounds[0] > 0 else "does not clearly beat" if percent > 0 else "does not beat"
    signed = bounds if percent >= 0 else [-bounds[1], -bounds[0]]
    return f"{LABELS[new]} {verdict} {LABELS[old]}: {size} {_interval(signed, 0)}"


def notes(report: dict[str, Any]) -> list[str]:
    """What a reader of the table must know: near-duplicates, missing pixel sizes, missing predictions."""
    stage, fields = list(_stages(report, guess=False).items())[-1]
    clean = report["details"]["without_near_duplicates"]
    found = []
    if clean["n_left_out"] and stage in clean:
        which = "image that has" if clean["n_left_out"] == 1 else "images that have"
        found.append(
            f"without the {clean['n_left_out']} test {which} a near-duplicate in training or validation: "
            f"{LABELS[stage]} {number(clean[stage]['mre_mm'])} mm, {number(clean[stage]['mre_px'])} px"
        )
    if readers := report["details"]["inter_reader"]:
        found.append(f"the readers are {number(readers['mre_mm'])} mm, {number(readers['mre_px'])} px apart")
    if fields["n_images"] == 1:
        found.append("a single image says nothing about others: there are no intervals")
    if nameless := report["details"]["n_images_without_truth"]:
        found.append(f"{nameless} predicted test images have no annotated point and count nowhere")
    without_size = fields["n_images"] - fields["n_images_mm"]
    if without_size:
        found.append(f"{without_size} of {fields['n_images']} images have no pixel size and count in px only")
    for name, entry in _stages(report, guess=False).items():
        if entry["n_missing"]:
            found.append(f"{LABELS[name]}: {entry['n_missing']} annotated points were not predicted and count nowhere above")
    return found


def _stages(report: dict[str, Any], *, guess: bool = True) -> dict[str, dict[str, Any]]:
    names = [*STAGES, MEAN_SHAPE] if guess else STAGES
    return {name: report[name] for name in names if name in report}


def number(value: float | None, digits: int = 2) -> str:
    """A figure as text; a dash where it is unknown."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.{digits}f}"


def with_interval(value: float | None, bounds: list[float] | None, digits: int = 2, *, signed: bool = False) -> str:
    """A figure with its interval, `1.10 [1.06, 1.14]`; alone where there is none."""
    if value is None or math.isnan(value):
        return UNKNOWN
    mark = "+" if signed else ""
    shown = f"{value:{mark}.{digits}f}"
    if bounds is None or any(math.isnan(bound) for bound in bounds):
        return shown
    return f"{shown} [{bounds[0]:{mark}.{digits}f}, {bounds[1]:{mark}.{digits}f}]"


def _interval(bounds: list[float] | None, digits: int = 2) -> str:
    return f"[{number(bounds[0], digits)}, {number(bounds[1], digits)}]" if bounds else ""
