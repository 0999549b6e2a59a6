"""Nodes that draw figures and write reports from tables."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.detector.files import DetectorFiles
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.breakdown import image_ranking
from ceph_pipeline.evaluation.headline import on_split
from ceph_pipeline.evaluation.metrics import has_millimetres
from ceph_pipeline.evaluation.run_metrics import as_logged, run_metrics
from ceph_pipeline.evaluation.sections import Results, sections
from ceph_pipeline.evaluation.stages import last_stage
from ceph_pipeline.images import RawFolder
from ceph_pipeline.landmarks.tables import reader_points
from ceph_pipeline.uncertainty import UNCERTAINTY_FILE

GALLERY = "gallery.png"


def draw_figures(
    errors: pd.DataFrame,
    images: pd.DataFrame,
    landmark_errors: pd.DataFrame,
    ellipses: pd.DataFrame,
    robustness: pd.DataFrame,
    training_gap: pd.DataFrame,
    reliability: pd.DataFrame,
    flag_curves: pd.DataFrame,
    params: EvaluationParams,
) -> dict[str, Any]:
    """All figures without images of patients, also as `data:` URIs for the HTML report."""
    from ceph_pipeline.artifacts import data_uri
    from ceph_pipeline.evaluation import context_figures, figures, uncertainty_figures
    from ceph_pipeline.evaluation.ellipse_figure import ellipse_figure

    unit = str(ellipses["unit"].iloc[0]) if len(ellipses) else "mm"
    drawn = {
        "sdr_curve": figures.sdr_curve(on_split(errors, images, "test"), params.statistics.thresholds_mm),
        "landmark_errors_figure": figures.landmark_figure(landmark_errors),
        "error_ellipses_figure": ellipse_figure(ellipses, unit),
        "robustness_figure": context_figures.robustness_figure(robustness),
        "training_gap_figure": context_figures.gap_figure(training_gap),
        "reliability_figure": uncertainty_figures.reliability_figure(reliability),
        "flag_curves_figure": uncertainty_figures.flag_figure(flag_curves),
    }
    return drawn | {"embedded_figures": {_file_name(name): data_uri(figure) for name, figure in drawn.items()}}


def draw_gallery(
    errors: pd.DataFrame,
    predictions: pd.DataFrame,
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    raw: RawFolder,
    params: EvaluationParams,
) -> dict[str, Any]:
    """Gallery of the last stage's best, median and worst test images with truth and prediction; also as a `data:` URI."""
    from ceph_pipeline.artifacts import data_uri
    from ceph_pipeline.evaluation.gallery import gallery, representative_images

    test = on_split(errors, images, "test")
    stage = last_stage(test)
    ranking = image_ranking(test, stage)
    paths, sizes = (images.set_index("image_id")[column] for column in ("path", "pixel_size_mm"))
    in_mm = has_millimetres(test)
    figure = gallery(
        representative_images(ranking, params.statistics.gallery_images),
        ranking,
        predictions[predictions["stage"] == stage],
        reader_points(landmarks, params.reader),
        lambda image_id: raw.read(str(paths[image_id])),
        stage=stage,
        px_length={image_id: float(sizes[image_id]) if in_mm else 1.0 for image_id in ranking.index},
        unit="mm" if in_mm else "px",
    )
    return {"overlay_gallery": figure, "embedded_gallery": data_uri(figure, photographs=True)}


def write_reports(embedded_figures: dict[str, str], embedded_gallery: str, **found: Any) -> dict[str, str]:
    """The report in HTML of all `Results`, with and without the gallery of patients, and the table for a paper."""
    from ceph_pipeline.evaluation.render import html_page, paper_table

    results = Results(**found)
    report, table = sections(results), paper_table(results.metrics)
    return {
        "evaluation_html": html_page(report, embedded_figures | {GALLERY: embedded_gallery}, latex=table),
        "evaluation_html_without_films": html_page(report, embedded_figures, latex=table),
        "paper_table_latex": table,
    }


def collect_metrics(**found: Any) -> dict[str, dict[str, float]]:
    """All metrics for comparing runs, for the tracking server."""
    return as_logged(run_metrics(**found))


def log_detector(
    images: pd.DataFrame,
    metrics: dict[str, Any],
    uncertainty_models: dict[str, Any],
    params: EvaluationParams,
    stage1: Path,
    stage2: Path | None = None,
    ensemble: Path | None = None,
) -> None:
    """Log the networks as one model to the MLflow run, with uncertainty and a model card, and register the model as candidate.

    The test images of the evaluation are recorded too. Without tracking, nothing is logged.
    """
    import mlflow

    from ceph_pipeline.detector.checkpoint import load_checkpoint
    from ceph_pipeline.inference.mlflow_model import log_detector
    from ceph_pipeline.inference.model_card import CARD_FILE, model_card
    from ceph_pipeline.inference.registry import register_candidate
    from ceph_pipeline.training.tracking import log_images

    if mlflow.active_run() is None:
        return
    log_images(images, "test")
    files = DetectorFiles.of(stage1, stage2, ensemble)
    checkpoints = [*files.stage1, *files.stage2]
    card = model_card([load_checkpoint(path) for path in checkpoints], images, metrics)
    beside = {CARD_FILE: card, UNCERTAINTY_FILE: json.dumps(uncertainty_models, allow_nan=False)}
    model = log_detector(files, beside=beside)
    register_candidate(params.registered_model, model, fingerprint([fingerprint(path) for path in checkpoints]))


def _file_name(catalog_name: str) -> str:
    """Path of a figure relative to the report, as in the catalog."""
    return catalog_name.removesuffix("_figure") + ".png"
