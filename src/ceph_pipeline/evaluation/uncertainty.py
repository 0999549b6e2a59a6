"""Uncertainty of each stage, calibrated on held-out sources and evaluated on test sources."""

import logging
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ceph_pipeline.evaluation.errors import error_matrix, wide
from ceph_pipeline.evaluation.headline import leaked_images, on_split
from ceph_pipeline.evaluation.intervals import rate_intervals
from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.landmarks.tables import Unit, patients_of
from ceph_pipeline.uncertainty import (
    UNITS,
    Bins,
    StageErrors,
    TooFewSourcesError,
    UncertaintyModel,
    UncertaintyParams,
    assess,
    covered_shares,
    fit_uncertainty,
    flag_curve,
    reliability_bins,
    sources_needed,
)

logger = logging.getLogger(__name__)

Models = dict[str, dict[Unit, UncertaintyModel]]
"""Uncertainty models by stage and unit."""

_SHARES = np.concatenate([np.arange(0, 20, 0.25), np.arange(20, 101)])
"""Percentages of flagged points for which the trade-off is tabulated."""


class Checked(NamedTuple):
    """A stage's errors on sources that were not used for its calibration.

    Attributes:
        stage: Name of the stage.
        unit: Unit of the errors.
        seen: Errors, and standard deviations as predicted by the network.
        model: Uncertainty model; None without a calibration.
    """

    stage: str
    unit: Unit
    seen: StageErrors
    model: UncertaintyModel | None


def stage_errors(
    errors: pd.DataFrame, predictions: pd.DataFrame, images: pd.DataFrame, stage: str, unit: Unit
) -> tuple[StageErrors, list[str]]:
    """A stage's errors and predicted standard deviations, and the landmarks of their columns.

    Args:
        errors: Rows of `ErrorTable` of the evaluated images.
        predictions: `image_id, stage, landmark, sigma_px`.
        images: `image_id, pixel_size_mm` and, where known, `patient`.
        stage: Stage of the table.
        unit: Unit of errors and standard deviations; in mm, images without a pixel size are NaN.
    """
    table = error_matrix(errors, stage, unit)
    sd = wide(predictions[predictions["stage"] == stage], "image_id", "landmark", "sigma_px")
    sigma = sd.reindex(index=table.index, columns=table.columns).to_numpy(np.float64)
    if unit == "mm":
        sigma = sigma * images.set_index("image_id")["pixel_size_mm"].reindex(table.index).to_numpy(np.float64)[:, None]
    patients = np.array(patients_of(images, table.index), str)
    return StageErrors(table.to_numpy(np.float64), sigma, patients), [str(name) for name in table.columns]


def learn(errors: pd.DataFrame, predictions: pd.DataFrame, images: pd.DataFrame, params: UncertaintyParams) -> Models:
    """Calibrate each stage's uncertainty in px and, if each validation image has a pixel size, in mm.

    Without validation images, each image needs a pixel size for mm. A unit with too few sources is omitted, with a log message.

    Args:
        errors: `ErrorTable` of images, each predicted by a network that was not trained on the image. In mm, images without a
            pixel size are ignored.
        predictions: Points of these images.
        images: `image_id, split, pixel_size_mm`.
        params: Settings of the calibration.
    """
    models = Models()
    learned = images[images["image_id"].isin(errors.loc[errors["error_px"].notna(), "image_id"])]
    valid = learned[learned["split"] == "valid"]
    units = UNITS if (learned if valid.empty else valid)["pixel_size_mm"].notna().all() else UNITS[1:]
    for stage in stages_in(errors):
        for unit in units:
            seen, landmarks = stage_errors(errors, predictions, images, stage, unit)
            try:
                models.setdefault(stage, {})[unit] = fit_uncertainty(seen, landmarks, unit, params)
            except TooFewSourcesError as error:
                logger.warning("%s, in %s: %s", LABELS[stage], unit, error)
    return {stage: of_stage for stage, of_stage in models.items() if of_stage}


def unseen_errors(errors: pd.DataFrame, images: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Errors on test images without a near-duplicate in training or validation, on which uncertainty is evaluated."""
    test = on_split(errors, images, "test")
    return test[~test["image_id"].isin(leaked_images(duplicates, images))]


def checked_stages(unseen: pd.DataFrame, predictions: pd.DataFrame, images: pd.DataFrame, models: Models) -> list[Checked]:
    """Errors of every stage on the unseen images, in each unit of its models, or in px without models."""
    return [
        Checked(stage, unit, stage_errors(unseen, predictions, images, stage, unit)[0], of_stage.get(unit))
        for stage in stages_in(unseen)
        for of_stage in (models.get(stage, {}),)
        for unit in of_stage or UNITS[1:]
    ]


def assessments(checked: list[Checked]) -> dict[str, dict[str, Any]]:
    """Results of the calibration and of its evaluation, by stage and unit.

    Returns:
        For each stage and unit the fields of `assess`, `level`, `factor`, `n_sigma_sources`, `n_radius_sources`,
        `n_sources_needed` for radii, and `coverage_ci95` over images. The last is None for infinite radii, and for fewer than
        ten images or patients.
    """
    found: dict[str, dict[str, Any]] = {}
    for stage, unit, seen, model in checked:
        if model is None:
            continue
        try:
            report = assess(model, seen)
        except TooFewSourcesError as error:
            logger.warning("%s: %s", LABELS[stage], error)
            continue
        learned = model.to_report()
        kept = {name: learned[name] for name in ("level", "factor", "n_sigma_sources", "n_radius_sources")}
        interval = None
        if model.bounded:
            shares = covered_shares(seen.errors, model.judge(seen.sigma).radius)
            (interval,) = rate_intervals([100 * shares[:, None]], patients=seen.patients)
        found.setdefault(stage, {})[unit] = (
            kept
            | {"n_sources_needed": sources_needed(model.level)}
            | report
            | {"coverage_ci95": [end / 100 for end in interval] if interval else None}
        )
    return found


def flag_curves(checked: list[Checked]) -> pd.DataFrame:
    """Percentage of gross errors that are found by flagging the least certain points, for errors in mm.

    Returns:
        `stage, flagged_percent, caught_percent, chosen`: one curve per stage; `chosen` is the row of the model's threshold.
        Stages without gross errors have no rows.
    """
    parts = []
    for stage, unit, seen, model in checked:
        if model is None or unit != "mm":
            continue
        judged = model.judge(seen.sigma)
        curve = flag_curve(seen.errors, judged.sigma)
        if curve.n_gross:
            chosen = 100 * float(judged.flagged[np.isfinite(seen.errors)].mean())
            shares = np.append(_SHARES, chosen)
            caught = [100 * curve.caught_at(share / 100) for share in shares]
            part = pd.DataFrame({"flagged_percent": shares, "caught_percent": caught})
            parts.append(part.assign(stage=stage, chosen=[*[False] * len(_SHARES), True]))
    columns = ["stage", "flagged_percent", "caught_percent", "chosen"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def reliability_table(checked: list[Checked]) -> pd.DataFrame:
    """Predicted and observed standard deviations in bins of equal size, for each stage in its first unit.

    Returns:
        `stage, unit, calibrated, bin, n, sigma` (root mean square of the bin's standard deviations) `, observed`: the errors'
        standard deviation along one axis, the root of half their mean square.

    Source: Levi et al., Evaluating and calibrating uncertainty prediction in regression tasks, 2019.
    """
    first: dict[str, Checked] = {}
    for each in checked:
        first.setdefault(each.stage, each)
    rows = []
    for stage, unit, seen, model in first.values():
        predicted = {False: seen.sigma} | ({} if model is None else {True: model.calibration(seen.sigma)})
        for calibrated, sigma in predicted.items():
            bins = reliability_bins(seen.errors, sigma)
            rows += [(stage, unit, calibrated, number, *values) for number, values in enumerate(zip(*bins, strict=True))]
    return pd.DataFrame(rows, columns=["stage", "unit", "calibrated", "bin", "n", "sigma", "observed"])


def calibration_error(rows: pd.DataFrame) -> float:
    """Expected normalised calibration error of one stage's bins."""
    return Bins(*(rows[name].to_numpy() for name in ("n", "sigma", "observed"))).ence
