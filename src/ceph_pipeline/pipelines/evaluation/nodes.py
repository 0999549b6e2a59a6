"""Nodes from predictions to errors and what they say."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation import EvaluationParams, evaluate
from ceph_pipeline.evaluation.breakdown import device_table, landmark_table
from ceph_pipeline.evaluation.errors import error_rows, stage_error_rows
from ceph_pipeline.evaluation.generalisation_gap import gap_table
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.offsets import offset_rows
from ceph_pipeline.evaluation.readers import inter_reader_rows, reader_pair, reader_to_truth_rows
from ceph_pipeline.evaluation.report import flat_metrics, on_split
from ceph_pipeline.evaluation.robustness import robustness_table
from ceph_pipeline.evaluation.run_comparison import compare_with_earlier, earlier_lines
from ceph_pipeline.evaluation.stages import MEAN_SHAPE, READER_TO_TRUTH, stages_in
from ceph_pipeline.landmarks.tables import reader_points
from ceph_pipeline.pipelines.evaluation.tracking import errors_of_run, log_metrics

logger = logging.getLogger(__name__)


def compute_errors(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Distances of every stage, of the mean shape and of the readers on the predicted images; also without constant offsets."""
    truth = reader_points(landmarks, params.reader)
    predicted = images[images["image_id"].isin(predictions["image_id"])]
    guess = error_rows(guess_points(mean_shape(truth, images), predicted), truth, predicted, MEAN_SHAPE)
    return pd.concat(
        [
            stage_error_rows(predictions, truth, predicted),
            guess,
            inter_reader_rows(landmarks, predicted),
            reader_to_truth_rows(landmarks, predicted, params.reader),
            offset_rows(predictions, landmarks, predicted, params.reader, seed=params.statistics.seed),
        ],
        ignore_index=True,
    )


def compute_copy_errors(
    copy_predictions: pd.DataFrame, copied_landmarks: pd.DataFrame, copied: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Distances on augmented copies, which count in the robustness table only."""
    return stage_error_rows(copy_predictions, reader_points(copied_landmarks, params.reader), copied)


def summarise_errors(
    errors: pd.DataFrame, images: pd.DataFrame, duplicates: pd.DataFrame, params: EvaluationParams
) -> dict[str, Any]:
    """Judge every stage on the test split, and log the figures to MLflow where a run is open."""
    report = evaluate(errors, images, duplicates, params.statistics)
    log_metrics(flat_metrics(report))
    return report


def tabulate_landmarks(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Errors of each landmark on the test split."""
    return landmark_table(on_split(errors, images, "test"), params.statistics)


def tabulate_devices(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Errors on each device's test images."""
    return device_table(on_split(errors, images, "test"), images, params.statistics)


def tabulate_robustness(
    copy_errors: pd.DataFrame, copied: pd.DataFrame, errors: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Errors by kind of copy against the same sources' originals."""
    table = robustness_table(copy_errors, copied, errors, params.statistics)
    if table.empty:
        logger.info("robustness: no copies were predicted, so that the table is empty")
    log_metrics({f"robustness.{row['split']}.{row['stage']}.{row['kind']}.mre_px": row["mre_px"] for _, row in table.iterrows()})
    return table


def tabulate_training_gap(
    training_predictions: pd.DataFrame,
    errors: pd.DataFrame,
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Error in px on training, validation and test images."""
    trained = stage_error_rows(training_predictions, reader_points(landmarks, params.reader), images)
    table = gap_table(pd.concat([trained, errors], ignore_index=True), images, params.statistics)
    log_metrics({f"{row['split']}.{row['stage']}.mre_px": row["mre_px"] for _, row in table.iterrows()})
    return table


def tabulate_ellipses(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Error ellipses of the last stage on the test split, and of one reader against the truth where there are two."""
    from ceph_pipeline.evaluation.ellipses import error_ellipses

    test = images[(images["split"] == "test") & images["image_id"].isin(predictions["image_id"])]
    stage = stages_in(predictions.dropna(subset=["x", "y"]))[-1]
    table, unit = error_ellipses(predictions[predictions["stage"] == stage], reader_points(landmarks, params.reader), test)
    tables = [table.assign(stage=stage, unit=unit)]
    if pair := reader_pair(landmarks[landmarks["image_id"].isin(test["image_id"])]):
        one, truth = (reader_points(landmarks, name) for name in (pair[0], params.reader))
        tables.append(error_ellipses(one, truth, test)[0].assign(stage=READER_TO_TRUTH, unit=unit))
    return pd.concat(tables, ignore_index=True)


def judge_measurements(
    predictions: pd.DataFrame,
    head_outputs: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    images: pd.DataFrame,
    params: EvaluationParams,
) -> dict[str, Any]:
    """Errors of angles and distances, agreement of classes and CVM stages, measurement heads against the points; test split."""
    from ceph_pipeline.evaluation.cvm_agreement import cvm_agreement, head_table
    from ceph_pipeline.evaluation.measurement_errors import class_agreement, measured_stages, measurement_error_table

    test = images[(images["split"] == "test") & images["image_id"].isin(predictions["image_id"])]
    outputs = head_outputs[head_outputs["image_id"].isin(test["image_id"])]
    compared = measured_stages(predictions, landmarks, test, params.reader)
    agreement = {
        "classes": class_agreement(compared, params.classes, params.statistics),
        "cvm": cvm_agreement(outputs, cvm, params.statistics),
    }
    log_metrics(_agreement_metrics(agreement))
    return {
        "measurement_errors": measurement_error_table(compared, params.statistics),
        "head_errors": head_table(outputs, *compared[stages_in(predictions)[-1]], params.statistics),
        "agreement": agreement,
    }


def compare_with_earlier_run(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> dict[str, Any]:
    """Compare the test split's errors with those of the MLflow run that `evaluation.compare_with` names; empty without one."""
    if params.compare_with is None:
        return {}
    before = errors_of_run(params.compare_with)
    result = compare_with_earlier(on_split(errors, images, "test"), before, params.compare_with, params.statistics)
    for line in earlier_lines(result):
        logger.info("against run %s: %s", params.compare_with, line)
    log_metrics(
        {f"earlier_run.{stage}.difference_{fields['unit']}": fields["difference"] for stage, fields in result["stages"].items()}
    )
    return result


def _agreement_metrics(agreement: dict[str, Any]) -> dict[str, float]:
    found = {
        f"{stage}.{key}.{name}": fields[name]
        for key, rule in agreement["classes"].items()
        for stage, fields in rule["stages"].items()
        for name in ("accuracy", "quadratic_kappa")
    }
    names = ("accuracy", "within_one", "majority_baseline", "macro_f1", "quadratic_kappa")
    return found | {f"cvm.{name}": agreement["cvm"][name] for name in names if agreement["cvm"]}
