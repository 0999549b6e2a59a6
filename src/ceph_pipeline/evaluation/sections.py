"""Sections of the report: sentences, tables for display and figures."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation import clinical_tables, error_tables, plausibility, uncertainty_tables
from ceph_pipeline.evaluation.run_comparison import earlier_lines
from ceph_pipeline.evaluation.stages import LABELS, last_stage
from ceph_pipeline.evaluation.summary import comparison_lines, headline, notes


@dataclass(frozen=True)
class Results:
    """All results of an evaluation, by their names in the catalog.

    Attributes:
        metrics: From `evaluate`.
        landmark_errors: From `landmark_table`.
        device_errors: From `device_table`.
        robustness: From `robustness_table`.
        training_gap: From `gap_table`.
        measurement_errors: From `measurement_error_table`.
        head_errors: From `head_table`.
        agreement: `classes` from `class_agreement`, `cvm` from `cvm_agreement`.
        uncertainty: `stages` from `assessments`, the stages with a calibration (`learned`), and `n_left_out` near-duplicates.
        plausibility_summary: From `plausibility_report`; empty without a prior.
        run_comparison: From `compare_with_earlier`; empty without an earlier run.
    """

    metrics: dict[str, Any]
    landmark_errors: pd.DataFrame
    device_errors: pd.DataFrame
    robustness: pd.DataFrame
    training_gap: pd.DataFrame
    measurement_errors: pd.DataFrame
    head_errors: pd.DataFrame
    agreement: dict[str, Any]
    uncertainty: dict[str, Any]
    plausibility_summary: dict[str, Any]
    run_comparison: dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        title: Heading.
        lines: Sentences, one per entry.
        tables: Tables for display; every cell is text.
        figure: File name of the figure, in the folder of the report.
    """

    title: str
    lines: list[str] = field(default_factory=list)
    tables: list[pd.DataFrame] = field(default_factory=list)
    figure: str | None = None


def sections(results: Results) -> list[Section]:
    """All sections of the report; a section without results states the reason."""
    metrics, last = results.metrics, last_stage(results.landmark_errors)
    parts = [
        Section(
            headline(metrics),
            [*comparison_lines(metrics), *notes(metrics)],
            [error_tables.stage_frame(error_tables.compared(metrics))],
        ),
        Section("Improvement by step", [error_tables.ABLATION_NOTE], [error_tables.ablation_frame(metrics)]),
    ]
    if results.run_comparison:
        parts.append(Section(f"Against run {results.run_comparison['run_id']}", earlier_lines(results.run_comparison)))
    parts += [
        Section("Successful detection rate", figure="sdr_curve.png"),
        Section(f"Subsets, {LABELS[last]}", [], [error_tables.subset_frame(metrics, last)]),
        Section(
            f"Landmarks, {LABELS[last]}, sorted by error",
            [],
            [error_tables.landmark_frame(results.landmark_errors, last)],
            "landmark_errors.png",
        ),
        Section("Errors on the mean shape", figure="error_ellipses.png"),
        Section(f"Devices, {LABELS[last]}", [error_tables.DEVICE_NOTE], [error_tables.device_frame(results.device_errors, last)]),
        _robustness(results.robustness),
        _gap(results.training_gap),
        *_uncertainty(results.uncertainty),
        _plausibility(results.plausibility_summary),
        *_clinical(results, last),
        Section("Best, median and worst images", figure="gallery.png"),
    ]
    return parts


def _robustness(table: pd.DataFrame) -> Section:
    if table.empty:
        return Section("Error by kind of copy", ["The configured splits have no augmented copies, or no splits are configured."])
    return Section(
        "Error by kind of copy", [error_tables.ROBUSTNESS_NOTE], [error_tables.robustness_frame(table)], "robustness.png"
    )


def _gap(table: pd.DataFrame) -> Section:
    if table.empty:
        return Section("Training against validation", ["No training image was predicted (evaluation.training_images)."])
    return Section("Training against validation", [], [error_tables.gap_frame(table)], "training_gap.png")


def _uncertainty(found: dict[str, Any]) -> list[Section]:
    lines, tables = uncertainty_tables.reliability_lines(found), _if_any(uncertainty_tables.reliability_frame(found))
    parts = [Section("Reliability of the uncertainty", lines, tables, "reliability.png")]
    if found["stages"]:
        radii = [uncertainty_tables.radius_frame(found)]
        parts.append(Section("Radii and flagged points", uncertainty_tables.radius_lines(found), radii, "flag_curves.png"))
    return parts


def _plausibility(found: dict[str, Any]) -> Section:
    counts = _if_any(plausibility.count_frame(found))
    return Section("Plausibility of the predicted configurations", [plausibility.plausibility_line(found)], counts)


def _clinical(results: Results, last: str) -> list[Section]:
    measurements = clinical_tables.measurement_frame(results.measurement_errors, last)
    parts = [Section(f"Measurements, {LABELS[last]}", [clinical_tables.MEASUREMENT_NOTE], _if_any(measurements))]
    for key, rule in results.agreement["classes"].items():
        lines, tables = clinical_tables.class_lines(key, rule, last), clinical_tables.class_tables(rule, last)
        parts.append(Section(f"Classes by {key}", lines, tables))
    cvm, heads = results.agreement["cvm"], _if_any(clinical_tables.head_frame(results.head_errors))
    tables = [clinical_tables.confusion_frame(cvm["confusion"], clinical_tables.CVM_NAMES)] if cvm else []
    lines = [*clinical_tables.cvm_lines(cvm), *clinical_tables.head_lines(results.head_errors)]
    parts.append(Section("CVM stages and measurement heads", lines, [*tables, *heads]))
    return parts


def _if_any(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The table as a list, or an empty list without rows."""
    return [] if table.empty else [table]
