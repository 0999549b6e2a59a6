"""Nodes of the ruler pipeline."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.images import RawFolder
from ceph_pipeline.landmarks.tables import reader_points

logger = logging.getLogger(__name__)


def learn_presence(
    predictions: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, params: CalibrationParams
) -> dict[str, Any]:
    """From which peak on a film shows a ruler, learned on validation images."""
    from ceph_pipeline.calibration import presence

    valid = images[images["split"] == "valid"]
    rows = predictions[predictions["image_id"].isin(valid["image_id"]) & (predictions["stage"] == _last(predictions))]
    shown = presence.rulers_shown(reader_points(landmarks), valid["image_id"].astype(str).tolist())
    rule = presence.learn_presence(presence.weaker_peaks(rows), shown)
    if params.min_peak is not None:
        rule = rule._replace(min_peak=params.min_peak)
    elif not rule.is_learned:
        logger.warning(
            "the validation split has %d films with a ruler and %d without: a ruler counts from a peak of %g on, unlearned",
            rule.n_shown,
            rule.n_absent,
            rule.min_peak,
        )
    return rule._asdict()


def measure_rulers(
    predictions: pd.DataFrame, images: pd.DataFrame, ruler_presence: dict[str, Any], params: CalibrationParams
) -> pd.DataFrame:
    """Decide the pixel size of every validation and test image."""
    from ceph_pipeline.calibration.pixel_size import pixel_sizes

    last = predictions[predictions["stage"] == _last(predictions)]
    rows = images[images["image_id"].isin(last["image_id"])]
    ids = rows["image_id"].astype(str).tolist()
    return pixel_sizes(last, ids, rows["pixel_size_mm"].to_numpy("float64"), ruler_presence["min_peak"], params)


def judge_rulers(
    ruler_sizes: pd.DataFrame,
    predictions: pd.DataFrame,
    ruler_presence: dict[str, Any],
    landmarks: pd.DataFrame,
    images: pd.DataFrame,
    params: CalibrationParams,
) -> dict[str, Any]:
    """Compare the test images' marks, sizes and presence with the truth."""
    from ceph_pipeline.calibration import ruler_errors
    from ceph_pipeline.calibration.ruler_report import ruler_headline

    test = images.loc[images["split"] == "test", "image_id"]
    sizes = ruler_sizes[ruler_sizes["image_id"].isin(test)].reset_index(drop=True)
    compared = ruler_errors.compare_with_truth(sizes, reader_points(landmarks), images, params.ruler_mm)
    metrics = ruler_errors.ruler_metrics(compared) | {"stage": _last(predictions), "presence_rule": ruler_presence}
    logger.info("%s", ruler_headline(metrics))
    return {"ruler_errors": compared, "ruler_metrics": metrics, "ruler_devices": ruler_errors.device_errors(compared)}


def draw_rulers(ruler_errors: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, raw: RawFolder) -> dict[str, Any]:
    """The errors as a figure, and every test image's ruler with truth and prediction, in pages."""
    from ceph_pipeline.artifacts import data_uri
    from ceph_pipeline.calibration import ruler_figures
    from ceph_pipeline.calibration.ruler_report import ERRORS_FIGURE

    paths = images.set_index("image_id")["path"]
    pages = ruler_figures.ruler_galleries(ruler_errors, reader_points(landmarks), lambda name: raw.read(str(paths[name])))
    galleries = {f"page_{number:03d}": page for number, page in enumerate(pages, 1)}
    errors = ruler_figures.error_figure(ruler_errors)
    embedded = {ERRORS_FIGURE: data_uri(errors)}
    embedded |= {f"gallery/{name}.png": data_uri(page, photographs=True) for name, page in galleries.items()}
    return {"ruler_errors_figure": errors, "ruler_gallery": galleries, "embedded_ruler_figures": embedded}


def write_ruler_report(
    ruler_metrics: dict[str, Any], ruler_devices: pd.DataFrame, embedded_ruler_figures: dict[str, str]
) -> dict[str, Any]:
    """The report in HTML, and the figures that runs are compared by."""
    from ceph_pipeline.calibration.ruler_report import ERRORS_FIGURE, ruler_sections
    from ceph_pipeline.evaluation.render import html_page
    from ceph_pipeline.evaluation.run_metrics import as_logged

    logged = {
        f"ruler.{mark}.{name}_px": found[name]
        for mark, found in ruler_metrics["marks"].items()
        for name in ("mean", "median")
        if name in found
    }
    galleries = [name for name in embedded_ruler_figures if name != ERRORS_FIGURE]
    page = html_page(ruler_sections(ruler_metrics, ruler_devices, galleries), embedded_ruler_figures, title="Ruler")
    return {"ruler_html": page, "ruler_run_metrics": as_logged(logged)}


def _last(predictions: pd.DataFrame) -> str:
    return stages_in(predictions)[-1]
