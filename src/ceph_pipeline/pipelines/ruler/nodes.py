"""Nodes of the ruler pipeline."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.evaluation.stages import last_stage
from ceph_pipeline.images import RawFolder
from ceph_pipeline.landmarks.tables import reader_points

logger = logging.getLogger(__name__)


def learn_presence(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: CalibrationParams
) -> dict[str, Any]:
    """Fit the threshold of the peak for ruler detection on validation images, independently of `params.min_peak`."""
    from ceph_pipeline.calibration import presence

    valid = images[images["split"] == "valid"]
    rows = _of_last_stage(predictions)
    rows = rows[rows["image_id"].isin(valid["image_id"])]
    shown = presence.rulers_shown(reader_points(landmarks), valid["image_id"].astype(str).tolist())
    rule = presence.learn_presence(presence.weaker_peaks(rows), shown)
    if params.min_peak is None and not rule.is_learned:
        logger.warning(
            "no ruler-detection threshold separates the validation films (%d with a ruler, %d without): default %g is used",
            rule.n_shown,
            rule.n_absent,
            rule.min_peak,
        )
    return rule._asdict()


def measure_rulers(
    predictions: pd.DataFrame,
    images: pd.DataFrame,
    ruler_presence: dict[str, Any],
    params: CalibrationParams,
    fold_predictions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Determine the pixel sizes of validation and test images, and of training sources with out-of-fold predictions."""
    from ceph_pipeline.calibration.pixel_size import pixel_sizes

    last = pd.concat([_of_last_stage(table) for table in (predictions, fold_predictions) if table is not None], ignore_index=True)
    rows = images[images["image_id"].isin(last["image_id"])]
    ids = rows["image_id"].astype(str).tolist()
    min_peak = params.min_peak or ruler_presence["min_peak"]
    return pixel_sizes(last, ids, rows["pixel_size_mm"].to_numpy("float64"), min_peak, params)


def judge_rulers(
    ruler_sizes: pd.DataFrame,
    predictions: pd.DataFrame,
    ruler_presence: dict[str, Any],
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    params: CalibrationParams,
) -> dict[str, Any]:
    """Compare marks, pixel sizes and ruler presence with the truth, for test images and out-of-fold predictions."""
    from ceph_pipeline.calibration import ruler_errors
    from ceph_pipeline.calibration.ruler_report import judged_parts, ruler_headline

    unseen = images.loc[images["split"] != "valid", "image_id"]
    sizes = ruler_sizes[ruler_sizes["image_id"].isin(unseen)].reset_index(drop=True)
    compared = ruler_errors.compare_with_truth(sizes, reader_points(landmarks), images, params.ruler_mm)
    metrics = ruler_errors.split_metrics(compared) | {
        "stage": last_stage(predictions),
        "presence_rule": ruler_presence,
        "configured_min_peak": params.min_peak,
    }
    for name, part in judged_parts(metrics).items():
        logger.info("%s: %s", name, ruler_headline(part))
    devices = ruler_errors.device_errors(ruler_errors.headline_films(compared))
    return {"ruler_errors": compared, "ruler_metrics": metrics, "ruler_devices": devices}


def draw_rulers(ruler_errors: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, raw: RawFolder) -> dict[str, Any]:
    """Draw the headline errors, and pages with the ruler, truth and prediction of every evaluated image."""
    from ceph_pipeline.artifacts import data_uri
    from ceph_pipeline.calibration import ruler_figures
    from ceph_pipeline.calibration.ruler_errors import headline_films
    from ceph_pipeline.calibration.ruler_report import ERRORS_FIGURE

    paths = images.set_index("image_id")["path"]
    pages = ruler_figures.ruler_galleries(ruler_errors, reader_points(landmarks), lambda name: raw.read(str(paths[name])))
    galleries = {f"page_{number:03d}": page for number, page in enumerate(pages, 1)}
    errors = ruler_figures.error_figure(headline_films(ruler_errors))
    embedded = {ERRORS_FIGURE: data_uri(errors)}
    embedded |= {f"gallery/{name}.png": data_uri(page, photographs=True) for name, page in galleries.items()}
    return {"ruler_errors_figure": errors, "ruler_gallery": galleries, "embedded_ruler_figures": embedded}


def write_ruler_report(
    ruler_metrics: dict[str, Any], ruler_devices: pd.DataFrame, embedded_ruler_figures: dict[str, str]
) -> dict[str, Any]:
    """The report in HTML, and the metrics for comparing runs."""
    from ceph_pipeline.calibration.ruler_report import ERRORS_FIGURE, ruler_sections
    from ceph_pipeline.evaluation.render import html_page
    from ceph_pipeline.evaluation.run_metrics import as_logged

    parts = {"ruler": ruler_metrics, "ruler.out_of_fold": ruler_metrics.get("out_of_fold", {"marks": {}})}
    logged = {
        f"{part}.{mark}.{name}_px": found[name]
        for part, metrics in parts.items()
        for mark, found in metrics["marks"].items()
        for name in ("mean", "median")
        if name in found
    }
    galleries = [name for name in embedded_ruler_figures if name != ERRORS_FIGURE]
    page = html_page(ruler_sections(ruler_metrics, ruler_devices, galleries), embedded_ruler_figures, title="Ruler")
    return {"ruler_html": page, "ruler_run_metrics": as_logged(logged)}


def _of_last_stage(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions[predictions["stage"] == last_stage(predictions)]
