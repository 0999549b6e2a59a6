"""Nodes from predictions to errors, figures and the report."""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation import EvaluationParams, error_rows, evaluate
from ceph_pipeline.evaluation.breakdown import device_table, image_ranking, landmark_table
from ceph_pipeline.evaluation.markdown import page
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.metrics import has_millimetres
from ceph_pipeline.evaluation.readers import inter_reader_rows
from ceph_pipeline.evaluation.report import flat_metrics, on_split
from ceph_pipeline.evaluation.stages import MEAN_SHAPE, stages_in
from ceph_pipeline.images import RawFolder
from ceph_pipeline.landmarks.tables import reader_points

logger = logging.getLogger(__name__)

FIGURES = {
    "Successful detection rate": "sdr_curve.png",
    "Error of each landmark": "landmark_errors.png",
    "Best, median and worst images": "gallery.png",
}
"""Where the catalog puts the report's figures, beside the report."""


def compute_errors(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams
) -> pd.DataFrame:
    """Distances of every stage, of the mean shape and of the readers on the predicted images."""
    truth = reader_points(landmarks, params.reader)
    predicted = images[images["image_id"].isin(predictions["image_id"])]
    points = [(stage, predictions[predictions["stage"] == stage]) for stage in stages_in(predictions)]
    points.append((MEAN_SHAPE, guess_points(mean_shape(truth, images), predicted)))
    errors = [error_rows(rows, truth, predicted, stage) for stage, rows in points]
    return pd.concat([*errors, inter_reader_rows(landmarks, predicted)], ignore_index=True)


def summarise_errors(
    errors: pd.DataFrame, images: pd.DataFrame, duplicates: pd.DataFrame, params: EvaluationParams
) -> dict[str, Any]:
    """Judge every stage on the test split, and log the figures to MLflow where a run is open."""
    import mlflow

    report = evaluate(errors, images, duplicates, params.statistics)
    if mlflow.active_run():
        mlflow.log_metrics(flat_metrics(report))
    return report


def tabulate_landmarks(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Errors of each landmark on the test split."""
    return landmark_table(on_split(errors, images, "test"), params.statistics)


def tabulate_devices(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> pd.DataFrame:
    """Errors on each device's test images."""
    return device_table(on_split(errors, images, "test"), images, params.statistics)


def draw_sdr_curve(errors: pd.DataFrame, images: pd.DataFrame, params: EvaluationParams) -> Any:
    """Share of landmarks within each distance, a line a stage."""
    from ceph_pipeline.evaluation.figures import sdr_curve

    return sdr_curve(on_split(errors, images, "test"), params.statistics.thresholds_mm)


def draw_landmark_errors(landmark_errors: pd.DataFrame) -> Any:
    """Error of each landmark, the stages side by side."""
    from ceph_pipeline.evaluation.figures import landmark_figure

    return landmark_figure(landmark_errors)


def draw_gallery(
    errors: pd.DataFrame,
    predictions: pd.DataFrame,
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    raw: RawFolder,
    params: EvaluationParams,
) -> Any:
    """The last stage's best, median and worst test images with truth and prediction."""
    from ceph_pipeline.evaluation.gallery import gallery, representative_images

    test = on_split(errors, images, "test")
    stage = stages_in(test)[-1]
    ranking = image_ranking(test, stage)
    paths = images.set_index("image_id")["path"]
    return gallery(
        representative_images(ranking, params.statistics.gallery_images),
        ranking,
        predictions[predictions["stage"] == stage],
        reader_points(landmarks, params.reader),
        lambda image_id: raw.read(str(paths[image_id])),
        stage=stage,
        unit="mm" if has_millimetres(test) else "px",
    )


def write_evaluation_report(
    metrics: dict[str, Any], landmark_errors: pd.DataFrame, device_errors: pd.DataFrame, folder: Path
) -> str:
    """The report's page in Markdown, beside its figures."""
    logger.info("the evaluation's report is %s", folder / "report.md")
    return page(metrics, landmark_errors, device_errors, FIGURES)
