"""Nodes of the inference pipeline."""

import logging
from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import pseudonym_table
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.inference.params import InferenceParams
from ceph_pipeline.plausibility import PlausibilityParams

logger = logging.getLogger(__name__)


def locate_landmarks(
    folder: Path,
    stage1_checkpoint: Path,
    stage2_checkpoint: Path,
    models: Path,
    params: InferenceParams,
    detector_params: DetectorParams,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Locate the landmarks of every X-ray of the folder; set aside what cannot be read.

    Where the evaluation has left its uncertainty among the models, points come with radii and flags.
    """
    from ceph_pipeline.detector import LandmarkDetector
    from ceph_pipeline.inference.folder import predict_folder

    detector = LandmarkDetector.from_checkpoints([stage1_checkpoint], [stage2_checkpoint], models, detector_params)
    detector.uncertainty.say(detector.stage, detector.views)
    predictions, quarantine = predict_folder(detector, folder, params.pixel_size_mm)
    logger.info(
        "%d landmarks located in each of %d new X-rays, %d files set aside",
        predictions["landmark"].nunique(),
        predictions["image_id"].nunique(),
        len(quarantine),
    )
    return predictions, quarantine


def list_new_pseudonyms(located: pd.DataFrame, quarantine: pd.DataFrame) -> pd.DataFrame:
    """What the new X-rays are called in logs."""
    return pseudonym_table([*located["image_id"], *quarantine["item"]])


def judge_plausibility(located: pd.DataFrame, models: Path, params: PlausibilityParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Flag implausible points, and judge each configuration as a whole."""
    from ceph_pipeline.inference.plausibility import judge_located

    found = judge_located(located, models, params)
    return found.predictions, found.shapes


def measure_faces(predictions: pd.DataFrame, params: InferenceParams, cephalometry: CephalometryParams) -> pd.DataFrame:
    """Compute every cephalometric measurement that the landmarks and the pixel size allow, beside the norms that were chosen."""
    from ceph_pipeline.inference.measurements import measurement_rows

    if params.pixel_size_mm is None:
        logger.info("no inference.pixel_size_mm given: angles and ratios only")
    return measurement_rows(predictions, params.pixel_size_mm, cephalometry)


def draw_overlays(
    folder: Path,
    predictions: pd.DataFrame,
    measurements: pd.DataFrame,
    plausibility: pd.DataFrame,
    overlay_folder: Path,
    params: InferenceParams,
    cephalometry: CephalometryParams,
) -> pd.DataFrame:
    """Draw each X-ray with its landmarks, and summarise what was found, a row an image with its file's path in the folder.

    Overlays of other films, which an earlier run has left in the folder, are deleted.
    """
    from ceph_pipeline.artifacts import keep_only
    from ceph_pipeline.images import read_image
    from ceph_pipeline.images.film_files import printable
    from ceph_pipeline.inference.folder import find_xrays
    from ceph_pipeline.inference.measurements import summary_rows
    from ceph_pipeline.inference.overlay import write_overlay
    from ceph_pipeline.inference.plausibility import add_plausibility

    summary = add_plausibility(summary_rows(predictions, measurements, cephalometry.rules), plausibility)
    if "n_flagged" in summary:
        logger.info("%d of %d points are flagged for a person to look at", summary["n_flagged"].sum(), len(predictions))
    xrays = find_xrays(folder)
    summary.insert(1, "file", [printable(xrays[image_id].relative_to(folder).as_posix()) for image_id in summary["image_id"]])
    keep_only(overlay_folder, [f"{image_id}.png" for image_id in summary["image_id"]] if params.overlays else [], ".png")
    if not params.overlays:
        return summary
    for image_id, points in predictions.groupby("image_id", sort=False):
        write_overlay(read_image(xrays[str(image_id)]), points, overlay_folder / f"{image_id}.png")
    logger.info("overlays of %d X-rays are in %s", len(summary), overlay_folder)
    return summary
