"""Nodes of the inference pipeline."""

import logging
from pathlib import Path

import pandas as pd

from ceph_pipeline.artifacts import pseudonym_table
from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.files import DetectorFiles
from ceph_pipeline.errors import counted, printable
from ceph_pipeline.inference.params import InferenceParams
from ceph_pipeline.plausibility import PlausibilityParams

logger = logging.getLogger(__name__)


def locate_landmarks(
    folder: Path,
    overlay_folder: Path,
    stage1_checkpoint: Path,
    models: Path,
    params: InferenceParams,
    detector_params: DetectorParams,
    stage2_checkpoint: Path | None = None,
    ensemble: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Predict the landmarks of every X-ray of the folder with one detector or an ensemble; quarantine unreadable files.

    If the evaluation has stored its uncertainty next to the models, points have radii and flags. The last table contains the CVM
    stages that the first network predicts; it is empty if the network has no CVM head.

    Raises:
        DetectorError: as `predict_folder`, or the overlays would be written into the folder of the films.
    """
    from ceph_pipeline.detector import LandmarkDetector
    from ceph_pipeline.inference.folder import predict_folder, require_apart

    require_apart(folder, overlay_folder)
    files = DetectorFiles.of(stage1_checkpoint, stage2_checkpoint, ensemble)
    detector = LandmarkDetector.from_checkpoints(files.stage1, files.stage2, models, detector_params)
    detector.uncertainty.report(detector.stage, detector.settings)
    predictions, quarantine, cvm, _ = predict_folder(detector, folder, params.pixel_size_mm)
    logger.info(
        "%s predicted in each of %s, files quarantined: %d",
        counted(predictions["landmark"].nunique(), "landmark"),
        counted(predictions["image_id"].nunique(), "new X-ray"),
        len(quarantine),
    )
    return predictions, quarantine, cvm


def list_new_pseudonyms(located: pd.DataFrame, quarantine: pd.DataFrame) -> pd.DataFrame:
    """Pseudonyms of the new X-rays in logs."""
    return pseudonym_table([*located["image_id"], *quarantine["item"]])


def judge_points(
    folder: Path,
    located: pd.DataFrame,
    sizes: pd.DataFrame,
    stage1_checkpoint: Path,
    models: Path,
    params: PlausibilityParams,
    stage2_checkpoint: Path | None = None,
    ensemble: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute radii and flags with the measured pixel sizes, and flag implausible points and configurations."""
    from ceph_pipeline.detector.uncertainty import load_uncertainty
    from ceph_pipeline.images import read_header
    from ceph_pipeline.inference.folder import located_xrays
    from ceph_pipeline.inference.plausibility import judge_located
    from ceph_pipeline.inference.uncertainty import judge_by_size

    uncertainty = load_uncertainty(models, DetectorFiles.of(stage1_checkpoint, stage2_checkpoint, ensemble))
    image_ids = located["image_id"].unique()
    films = located_xrays(folder, image_ids)
    image_sizes = {image_id: read_header(films[image_id]).size for image_id in image_ids}
    found = judge_located(judge_by_size(located, uncertainty, sizes, image_sizes), models, params)
    return found.predictions, found.shapes


def size_pixels(
    folder: Path,
    predictions: pd.DataFrame,
    models: Path,
    params: InferenceParams,
    calibration: CalibrationParams,
    detector_params: DetectorParams,
) -> pd.DataFrame:
    """Determine each image's pixel size from its ruler, file or anatomy, in the order of `calibration.sources`."""
    from ceph_pipeline.calibration.pixel_size import say_sources
    from ceph_pipeline.inference.folder import file_pixel_sizes, predict_folder
    from ceph_pipeline.inference.ruler_models import RulerSizing

    image_ids = [str(image_id) for image_id in predictions["image_id"].unique()]
    sizing = RulerSizing.load(predictions["landmark"], models, params, calibration, detector_params)
    said = file_pixel_sizes(folder, image_ids, params)
    sizes = sizing.sizes(predictions, image_ids, said, lambda detector: predict_folder(detector, folder).points)
    say_sources(sizes)
    return sizes


def measure_faces(predictions: pd.DataFrame, sizes: pd.DataFrame, cephalometry: CephalometryParams) -> pd.DataFrame:
    """Compute all measurements that the landmarks and pixel sizes allow, with the chosen norms."""
    from ceph_pipeline.inference.measurements import measured_pixel_sizes, measurement_rows

    return measurement_rows(predictions, measured_pixel_sizes(sizes), cephalometry)


def write_annotations(
    folder: Path, predictions: pd.DataFrame, sizes: pd.DataFrame, annotation_folder: Path, params: InferenceParams
) -> pd.DataFrame:
    """Write the landmarks as files of other formats, each in a folder of the format's name; list X-rays with sizes and paths.

    Files of an earlier run are replaced, or deleted if their format is no longer configured.
    """
    from ceph_pipeline import formats
    from ceph_pipeline.inference.annotations import delete_annotations
    from ceph_pipeline.inference.folder import image_rows
    from ceph_pipeline.inference.measurements import measured_pixel_sizes
    from ceph_pipeline.uncertainty.points import sigma_px

    images = image_rows(folder, predictions, measured_pixel_sizes(sizes))
    points = predictions.rename(columns={"stage": "reader"}).assign(sigma_px=sigma_px(predictions))
    delete_annotations(annotation_folder, keep=params.formats)
    for name in params.formats:
        formats.write(annotation_folder / name, name, images, points)
    if params.formats:
        logger.info("landmarks as %s are in %s", ", ".join(params.formats), annotation_folder)
    return images


def draw_overlays(
    folder: Path,
    predictions: pd.DataFrame,
    measurements: pd.DataFrame,
    plausibility: pd.DataFrame,
    sizes: pd.DataFrame,
    cvm: pd.DataFrame,
    overlay_folder: Path,
    params: InferenceParams,
    cephalometry: CephalometryParams,
) -> pd.DataFrame:
    """Draw each X-ray with its landmarks, and summarise the predictions, one row per image with the path of its file.

    Overlays of an earlier run are replaced.
    """
    from ceph_pipeline.artifacts import refilled
    from ceph_pipeline.images import read_image
    from ceph_pipeline.inference.folder import located_xrays
    from ceph_pipeline.inference.measurements import summary_rows
    from ceph_pipeline.inference.overlay import write_overlay
    from ceph_pipeline.inference.plausibility import add_plausibility, flag_line

    summary = add_plausibility(summary_rows(predictions, measurements, cephalometry.rules), plausibility)
    summary = summary.merge(sizes[["image_id", "mm_per_pixel", "mm_per_pixel_se", "source"]], on="image_id", how="left")
    if not cvm.empty:
        summary = summary.merge(cvm.rename(columns={"probability": "cvm_probability"}), on="image_id", how="left")
    logger.info("%s", flag_line(predictions, plausibility))
    xrays = located_xrays(folder, summary["image_id"])
    summary.insert(1, "file", [printable(xrays[image_id].relative_to(folder).as_posix()) for image_id in summary["image_id"]])
    with refilled(overlay_folder, ".png") as empty:
        for image_id, points in predictions.groupby("image_id", sort=False) if params.overlays else ():
            write_overlay(read_image(xrays[str(image_id)]), points, empty / f"{image_id}.png")
    if params.overlays:
        logger.info("overlays of %d X-rays are in %s", len(summary), overlay_folder)
    return summary


def write_reports(
    folder: Path,
    predictions: pd.DataFrame,
    plausibility: pd.DataFrame,
    quarantine: pd.DataFrame,
    sizes: pd.DataFrame,
    cvm: pd.DataFrame,
    report_folder: Path,
    params: InferenceParams,
    cephalometry: CephalometryParams,
    stage1_checkpoint: Path,
    stage2_checkpoint: Path | None = None,
    ensemble: Path | None = None,
) -> pd.DataFrame:
    """Write a printable page for each X-ray and one for all X-rays, and list the pages; no pages if reports are disabled."""
    import mlflow

    from ceph_pipeline import __version__
    from ceph_pipeline.images import read_image
    from ceph_pipeline.inference import report
    from ceph_pipeline.inference.folder import located_xrays

    if not params.reports:
        return report.without_reports(report_folder)
    image_ids = predictions["image_id"].unique().tolist()
    run, xrays = mlflow.active_run(), located_xrays(folder, image_ids)
    pages = report.write_reports(
        predictions,
        lambda image_id: read_image(xrays[image_id]),
        report_folder,
        files={image_id: printable(xrays[image_id].relative_to(folder).as_posix()) for image_id in image_ids},
        calibration=report.calibrations(sizes),
        cvm=report.cvm_stages(cvm),
        implausible=plausibility.loc[plausibility["implausible_as_a_whole"], "image_id"],
        quarantined=quarantine[["item", "reason"]].itertuples(index=False, name=None),
        cephalometry=cephalometry,
        origin=report.ReportOrigin(
            networks=DetectorFiles.of(stage1_checkpoint, stage2_checkpoint, ensemble).digests(),
            run_id=run.info.run_id if run else None,
            version=__version__,
        ),
    )
    logger.info("reports of %d X-rays are in %s", len(pages), report_folder)
    return pages
