"""Nodes that compute errors and metrics from predictions."""

import logging
import tempfile
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts import pseudonymised
from ceph_pipeline.evaluation import EvaluationError, EvaluationParams, evaluate
from ceph_pipeline.evaluation.breakdown import device_table, landmark_table
from ceph_pipeline.evaluation.errors import error_rows, stage_error_rows, with_patients
from ceph_pipeline.evaluation.generalisation_gap import gap_table
from ceph_pipeline.evaluation.headline import check_test_errors, on_split
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.offsets import offset_rows
from ceph_pipeline.evaluation.readers import inter_reader_rows, reader_to_truth_rows
from ceph_pipeline.evaluation.robustness import robustness_table
from ceph_pipeline.evaluation.run_comparison import compare_with_earlier, earlier_lines
from ceph_pipeline.evaluation.stages import MEAN_SHAPE, last_stage
from ceph_pipeline.evaluation.subset import only_evaluated
from ceph_pipeline.landmarks.tables import images_in, reader_points

logger = logging.getLogger(__name__)

ERRORS_ARTIFACT = "evaluation/errors.parquet"
"""Path of a run's errors among its artefacts, as in the catalog."""


def compute_errors(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Errors of every stage, the mean-shape baseline and the readers on the predicted images; also without offsets.

    Raises:
        EvaluationError: no stage was predicted on the test split, or no error is known there.
    """
    predictions, landmarks = only_evaluated(predictions, landmarks, params.landmarks)
    truth = reader_points(landmarks, params.reader)
    predicted = images[images["image_id"].isin(predictions["image_id"])]
    guess = error_rows(guess_points(mean_shape(truth, images), predicted), truth, predicted, MEAN_SHAPE)
    errors = pd.concat(
        [
            stage_error_rows(predictions, truth, predicted),
            guess,
            inter_reader_rows(landmarks, predicted),
            reader_to_truth_rows(landmarks, predicted, params.reader),
            offset_rows(predictions, landmarks, predicted, params.reader, seed=params.statistics.seed),
        ],
        ignore_index=True,
    )
    check_test_errors(errors, images)
    return errors


def compute_held_out_errors(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Errors on training images that were held out for a detector of an ensemble, for the calibration of uncertainty."""
    predictions, landmarks = only_evaluated(predictions, landmarks, params.landmarks)
    return stage_error_rows(predictions, reader_points(landmarks, params.reader), images)


def compute_copy_errors(
    copy_predictions: pd.DataFrame, copied_landmarks: pd.DataFrame, copied: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Errors on augmented copies, which are used only in the robustness table."""
    copy_predictions, copied_landmarks = only_evaluated(copy_predictions, copied_landmarks, params.landmarks)
    return stage_error_rows(copy_predictions, reader_points(copied_landmarks, params.reader), copied)


def summarise_errors(
    errors: pd.DataFrame, included: pd.DataFrame, images: pd.DataFrame, duplicates: pd.DataFrame, params: EvaluationParams
) -> dict[str, Any]:
    """Metrics of every stage on the test split, and the number of test images that the audit has excluded."""
    n_excluded = int(((images["split"] == "test") & ~images["image_id"].isin(included["image_id"])).sum())
    return evaluate(errors, included, duplicates, params.statistics, n_excluded)


def tabulate_landmarks(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Metrics of each landmark on the test split."""
    return landmark_table(on_split(errors, images, "test"), params.statistics)


def tabulate_devices(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Metrics of each device on its test images."""
    return device_table(on_split(errors, images, "test"), images, params.statistics)


def tabulate_robustness(
    copy_errors: pd.DataFrame, copied: pd.DataFrame, errors: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Errors by kind of copy, compared with the same sources' originals."""
    table = robustness_table(copy_errors, copied, errors, params.statistics)
    if table.empty:
        logger.info("robustness: no copies were predicted; the table is empty")
    return table


def tabulate_training_gap(
    training_predictions: pd.DataFrame,
    errors: pd.DataFrame,
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    params: EvaluationParams,
) -> pd.DataFrame:
    """Error in px on training, validation and test images."""
    training_predictions, landmarks = only_evaluated(training_predictions, landmarks, params.landmarks)
    trained = stage_error_rows(training_predictions, reader_points(landmarks, params.reader), images)
    return gap_table(pd.concat([trained, errors], ignore_index=True), images, params.statistics)


def tabulate_ellipses(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Error ellipses of the last stage on the test split and, if there are two readers, of one reader against the truth."""
    from ceph_pipeline.evaluation.ellipses import ellipse_table

    return ellipse_table(*only_evaluated(predictions, landmarks, params.landmarks), images, params.reader)


def judge_measurements(
    predictions: pd.DataFrame,
    head_outputs: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    images: pd.DataFrame,
    params: EvaluationParams,
) -> dict[str, Any]:
    """Errors of measurements, agreement of classes and CVM stages, and errors of measurement heads, on the test split."""
    from ceph_pipeline.evaluation.cvm_agreement import cvm_agreement, head_table
    from ceph_pipeline.evaluation.measurement_errors import (
        class_agreement,
        mean_measurements,
        measured_stages,
        measurement_error_table,
    )

    test = images_in(images, predictions, ("test",))
    outputs = with_patients(head_outputs[head_outputs["image_id"].isin(test["image_id"])], test)
    compared = measured_stages(predictions, landmarks, test, params.reader)
    guess = mean_measurements(landmarks, images[images["split"] == "train"], params.reader)
    agreement = {
        "classes": class_agreement(compared, params.classes, params.statistics),
        "cvm": cvm_agreement(outputs, cvm, params.statistics),
    }
    return {
        "measurement_errors": measurement_error_table(compared, params.statistics),
        "head_errors": head_table(outputs, *compared[last_stage(predictions)], guess, params.statistics),
        "agreement": agreement,
    }


def compare_runs(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> dict[str, Any]:
    """Compare the errors on the test split with the MLflow run `evaluation.compare_with`; empty without a run."""
    if params.compare_with is None:
        return {}
    before = _errors_of_run(params.compare_with)
    now = pseudonymised(on_split(errors, images, "test"))
    result = compare_with_earlier(now, before, params.compare_with, params.statistics)
    for line in earlier_lines(result):
        logger.info("compared with run %s: %s", params.compare_with, line)
    return result


def _errors_of_run(run_id: str) -> pd.DataFrame:
    """The `ErrorTable` that a run has logged, with pseudonyms instead of film names.

    Raises:
        EvaluationError: the run does not exist, or has no errors.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            mlflow.get_run(run_id)
            file = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=ERRORS_ARTIFACT, dst_path=folder)
        except (MlflowException, OSError) as error:
            raise EvaluationError(
                f"evaluation.compare_with = {run_id!r}: no artefact {ERRORS_ARTIFACT} of this run in "
                f"{mlflow.get_tracking_uri()} ({str(error).splitlines()[0]}). Name a run of the evaluation pipeline."
            ) from None
        return pd.read_parquet(file)
