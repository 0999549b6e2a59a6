"""The ruler's report: metrics as display-ready tables."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ceph_pipeline.calibration.pixel_size import IMPLAUSIBLE, UNCERTAIN
from ceph_pipeline.calibration.presence import Presence
from ceph_pipeline.calibration.ruler_errors import BANDS_PX, PERCENTILES, THRESHOLDS_PX, WITHIN_PCT
from ceph_pipeline.evaluation.display import number, numbers
from ceph_pipeline.evaluation.sections import Section
from ceph_pipeline.evaluation.stages import LABELS

ERRORS_FIGURE = "errors.png"
CROSS_VALIDATION = "Cross-validation"
_MOMENTS = ("mean", "median", "sd", "min", "max")


def ruler_sections(metrics: dict[str, Any], devices: pd.DataFrame, galleries: Iterable[str]) -> list[Section]:
    """The sections of the report: first the out-of-fold films, if there are any, then the test split.

    Args:
        metrics: Result of `split_metrics`, with `stage`, `presence_rule` and `configured_min_peak`.
        devices: Result of `device_errors`.
        galleries: File names of the galleries of all images.
    """
    first, *others = judged_parts(metrics).items()
    return [
        *_part(*first, ERRORS_FIGURE),
        Section(f"{first[0]}: devices", ["Errors of both marks in px, of the pixel size in percent."], [_displayed(devices)]),
        *(section for other in others for section in _part(*other)),
        *(Section(f"All evaluated images, page {page}", figure=name) for page, name in enumerate(galleries, 1)),
    ]


def judged_parts(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Metrics by the set of films; the set of the headline comes first."""
    shared = {name: metrics[name] for name in ("stage", "presence_rule", "configured_min_peak")}
    out_of_fold = {CROSS_VALIDATION: metrics["out_of_fold"] | shared} if "out_of_fold" in metrics else {}
    return out_of_fold | {"Test split": metrics}


def _part(name: str, found: dict[str, Any], figure: str | None = None) -> list[Section]:
    marks, notes = found["marks"], ruler_notes(found)
    if name == CROSS_VALIDATION:
        notes = [f"{found['n_images']} training films, each predicted by the detector that was trained without its fold.", *notes]
    return [
        Section(f"{name}: {ruler_headline(found)}", notes, [marks_frame(marks), bands_frame(marks)], figure),
        Section(f"{name}: percentiles and thresholds", [], [tails_frame(marks)]),
        Section(f"{name}: millimetres per pixel", [], [size_frame(found["pixel_size_pct"])]),
    ]


def ruler_headline(metrics: dict[str, Any]) -> str:
    """One line with the errors of marks and pixel sizes."""
    both, size = metrics["marks"]["both"], metrics["pixel_size_pct"]
    if not both["n"]:
        return f"No mark could be evaluated on {metrics['n_images']} images"
    within = f"mm per pixel within 1 % in {number(size.get('within_1_pct'), 1)} % of {size['n']} rulers"
    return (
        f"{LABELS[metrics['stage']]}: mean error of marks {number(both['mean'])} px (median {number(both['median'])}), {within}"
    )


def ruler_notes(metrics: dict[str, Any]) -> list[str]:
    """Notes on the data behind the metrics and on decisions."""
    rule, presence = Presence(**metrics["presence_rule"]), metrics["presence"]
    if metrics["configured_min_peak"]:
        because = "set by calibration.min_peak"
    elif rule.is_learned:
        because = f"learned from {rule.n_shown} validation films with a ruler and {rule.n_absent} without"
    else:
        because = "the default: the validation split has only films with or only films without a ruler, or no threshold fits"
    summary = (
        f"absent rulers: precision {number(presence['absent_precision'], 3)}, recall {number(presence['absent_recall'], 3)} "
        f"({presence['n_absent']} films without one, {presence['n_invented']} false detections, {presence['n_missed']} missed)"
    )
    refused = metrics["refused"]
    turned_down = (
        f"Detected, but not usable: {refused[UNCERTAIN]} rulers with a too uncertain pixel size (calibration.max_se_pct), "
        f"{refused[IMPLAUSIBLE]} with an implausible pixel size. They do not count as absent; "
        "their marks and pixel sizes are not included in the errors."
    )
    sources = ", ".join(f"{source} {count}" for source, count in sorted(metrics["sources"].items()))
    return [
        f"Threshold on the peak for a ruler: {metrics['configured_min_peak'] or rule.min_peak:.3f}, {because}.",
        summary + ".",
        turned_down,
        f"Pixel sizes come from: {sources}. {metrics['n_suspect']} rulers disagree with the film's file.",
    ]


def marks_frame(marks: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Errors in px, with one row each for p1, p2 and both."""
    rows = {"": list(marks), "n": [str(found["n"]) for found in marks.values()]}
    return pd.DataFrame(rows | {f"{name} px": numbers(found.get(name) for found in marks.values()) for name in _MOMENTS})


def bands_frame(marks: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Number of marks in each band."""
    counts = {name: [str(found.get(name, 0)) for found in marks.values()] for name in BANDS_PX}
    return pd.DataFrame({"": list(marks)} | counts)


def tails_frame(marks: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Percentiles in px, and percent within thresholds."""
    percentiles = {f"P{p} px": numbers(found.get(f"p{p}") for found in marks.values()) for p in PERCENTILES}
    within = {f"≤{t} px, %": numbers((found.get(f"within_{t}_px") for found in marks.values()), 1) for t in THRESHOLDS_PX}
    return pd.DataFrame({"": list(marks)} | percentiles | within)


def size_frame(size: dict[str, float]) -> pd.DataFrame:
    """Errors of the pixel size: bias, absolute errors, and percent of images within limits."""
    fields = {"n": [str(size["n"])], "bias %": [number(size.get("bias"), 3, signed=True)]}
    fields |= {f"{name} %": [number(size.get(name), 3)] for name in _MOMENTS}
    return pd.DataFrame(fields | {f"within {w:g} %": [number(size.get(f"within_{w:g}_pct"), 1)] for w in WITHIN_PCT})


def _displayed(table: pd.DataFrame) -> pd.DataFrame:
    columns = {name: numbers(column) if column.dtype.kind == "f" else column.astype(str) for name, column in table.items()}
    return pd.DataFrame(columns)
