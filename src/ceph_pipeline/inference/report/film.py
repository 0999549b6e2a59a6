"""The content of a film's report, from which the page is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ceph_pipeline.cephalometry import ANALYSES, Analysis, CephalometryParams, Result, Verdict, assess, judge
from ceph_pipeline.cephalometry.norms import ChosenNorm, NormSet
from ceph_pipeline.detector.located import lies_outside
from ceph_pipeline.inference.points import is_flagged, measured_places, sigmas_of
from ceph_pipeline.inference.report.calibration import Calibration
from ceph_pipeline.inference.report.cvm import CvmStage
from ceph_pipeline.inference.report.wiggle import Wiggle, wiggle

UNITS = {"deg": "°", "mm": " mm", "%": " %"}
SUSPECT_SIZE = "The sources of the pixel size disagree: check the pixel size before you use values in millimetres."
COMPARED_WITH_SOURCES = {
    "no": "norm from textbooks, not compared with the sources of its norm set",
    "mean": "only the mean of this norm was compared with the sources of its norm set",
    "yes": "",
}


@dataclass(frozen=True)
class ReportOrigin:
    """The software and networks that made a report.

    Attributes:
        networks: Digest of each stage's checkpoint, by stage.
        run_id: Identifier of the MLflow run; None outside a run.
        version: Version of the package.
    """

    networks: dict[str, str]
    run_id: str | None
    version: str


@dataclass(frozen=True)
class Row:
    """A measurement in a report; all fields are text, and empty if there is no value."""

    key: str
    name: str
    value: str
    norm: str
    deviation: str
    notes: tuple[int, ...]


@dataclass(frozen=True)
class AnalysisTable:
    """An analysis of one film.

    Attributes:
        title: Name of the analysis.
        rows: The measurements that have a value.
        chart: Chart of the rows; None if no row has a norm with a standard deviation.
        notes: Signs and conventions; `Row.notes` contains their numbers, from 1.
        absent: Measurements without a value, each with its reason.
        beyond: Measurements of the analysis that can never be computed from the landmarks of this project.
        source: Publication of the analysis.
    """

    title: str
    rows: tuple[Row, ...]
    chart: Wiggle | None
    notes: tuple[str, ...]
    absent: tuple[str, ...]
    beyond: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class FilmReport:
    """A film's report.

    Attributes:
        image_id: Identifier of the film.
        file: Path of the film in the folder.
        look_at: What a person should check, one sentence per reason.
        corrected: Landmarks that a person has placed or removed.
        calibration: Pixel size of the film.
        classes: Classes by rule.
        analyses: In the order of `ANALYSES`.
        norm_sets: The chosen norm sets.
        origin: The software and networks that made the report.
        cvm: CVM stage of the film; None if no network predicts it.
    """

    image_id: str
    file: str
    look_at: tuple[str, ...]
    corrected: tuple[str, ...]
    calibration: Calibration
    classes: dict[str, Verdict]
    analyses: tuple[AnalysisTable, ...]
    norm_sets: dict[str, NormSet]
    origin: ReportOrigin
    cvm: CvmStage | None = None


def film_report(
    points: pd.DataFrame,
    size: tuple[int, int],
    file: str,
    calibration: Calibration,
    cephalometry: CephalometryParams,
    origin: ReportOrigin,
    *,
    implausible: bool = False,
    cvm: CvmStage | None = None,
) -> FilmReport:
    """Measure one film and assemble the content of its report.

    Args:
        points: Rows of a `PredictionTable` of the film, optionally with the columns of `judge_points` and `judge_shapes`, and
            with `corrected` if a person has corrected points.
        size: (width, height) in px.
        file: Path of the film in the folder.
        calibration: Pixel size of the film.
        cephalometry: Norm sets, the chosen norm sets, and rules.
        origin: The software and networks that make the report.
        implausible: Whether the configuration of landmarks is implausible as a whole.
        cvm: CVM stage of the film; None if no network predicts it.
    """
    results = assess(measured_places(points), calibration.pixel_size_mm, sigmas_of(points))
    values = {key: result.value for key, result in results.items() if result.value is not None}
    spread = {key: result.sigma for key, result in results.items() if result.sigma is not None}
    verdicts = {name: judge(rule, values, spread) for name, rule in cephalometry.rules.items()}
    return FilmReport(
        image_id=str(points["image_id"].iloc[0]),
        file=file,
        look_at=(*_look_at(points, size, implausible), *([SUSPECT_SIZE] if calibration.is_suspect else [])),
        corrected=tuple(points.loc[points["corrected"], "landmark"].astype(str)) if "corrected" in points else (),
        calibration=calibration,
        classes={name: verdict for name, verdict in verdicts.items() if verdict is not None},
        analyses=tuple(_analysed(analysis, results, cephalometry.norms) for analysis in ANALYSES.values()),
        norm_sets={name: cephalometry.norm_sets[name] for name in cephalometry.compare_with},
        origin=origin,
        cvm=cvm,
    )


def _look_at(points: pd.DataFrame, size: tuple[int, int], implausible: bool) -> list[str]:
    """What a person should check, one sentence per reason."""
    xy = points[["x", "y"]].to_numpy(np.float64)
    outside, flagged = lies_outside(xy[None], size)[0], is_flagged(points)
    unlikely = points["implausible"].to_numpy(bool) if "implausible" in points else np.zeros(len(points), dtype=bool)
    missing = points["x"].isna().to_numpy(bool)
    removed = missing & points["corrected"].to_numpy(bool) if "corrected" in points else np.zeros(len(points), dtype=bool)
    reasons = (
        ("Outside the image", outside),
        ("Implausible compared with the other points", unlikely & ~outside),
        ("Uncertain", flagged & ~unlikely & ~outside & ~missing),
        ("Not found", missing & ~removed),
    )
    sentences = [f"{reason}: {', '.join(points.loc[which, 'landmark'].astype(str))}." for reason, which in reasons if which.any()]
    if implausible:
        sentences.append(
            "The landmarks as a whole differ from those of the training images. Is the film an upright lateral cephalogram?"
        )
    if "calibrated_sigma_px" not in points:
        sentences.append("The uncertainty of this detector is not calibrated, so no point is flagged for it. Check all points.")
    return sentences


def _analysed(analysis: Analysis, results: dict[str, Result], norms: dict[str, ChosenNorm]) -> AnalysisTable:
    notes: list[str] = []
    rows, deviations, absent = [], [], []
    for key in analysis.measurements:
        result = results[key]
        if result.value is None:
            absent.append(f"{result.measurement.name} ({key}): {result.reason}")
            continue
        chosen = norms.get(key)
        deviation = chosen.norm.deviation(result.value) if chosen else None
        rows.append(_row(result, chosen, deviation, _noted(result, chosen, notes)))
        deviations.append(deviation)
    drawn = any(deviation is not None for deviation in deviations)
    return AnalysisTable(
        title=analysis.title,
        rows=tuple(rows),
        chart=wiggle(deviations) if drawn else None,
        notes=tuple(notes),
        absent=tuple(absent),
        beyond=analysis.missing,
        source=analysis.source,
    )


def _row(result: Result, chosen: ChosenNorm | None, deviation: float | None, notes: Sequence[int]) -> Row:
    measurement, value = result.measurement, result.value
    spread = "" if result.sigma is None else f" ± {result.sigma:.1f}"
    shown = f"{value:.1f}{spread}{UNITS[measurement.unit]}"
    if chosen is None or value is None:
        return Row(measurement.key, measurement.name, shown, "", "", tuple(notes))
    within = {True: "within", False: "outside", None: ""}[chosen.norm.within(value)]
    beside = within if deviation is None else f"{deviation:+.1f} sd"
    return Row(measurement.key, measurement.name, shown, str(chosen.norm), beside, tuple(notes))


def _noted(result: Result, chosen: ChosenNorm | None, notes: list[str]) -> list[int]:
    """Numbers of a measurement's notes; new notes are added to `notes`."""
    measurement = result.measurement
    compared = COMPARED_WITH_SOURCES[chosen.norm.checked] if chosen else ""
    numbers = []
    for text in (measurement.sign, measurement.convention, compared):
        if text and text not in notes:
            notes.append(text)
        if text:
            numbers.append(notes.index(text) + 1)
    return sorted(numbers)
