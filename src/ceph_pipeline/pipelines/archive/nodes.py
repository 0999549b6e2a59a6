"""Nodes of the archive pipeline."""

import logging
from pathlib import Path

import pandas as pd

from ceph_pipeline.archive import ArchiveParams, ArchiveSettings
from ceph_pipeline.artifacts import Folder
from ceph_pipeline.calibration import CalibrationParams
from ceph_pipeline.cephalometry import CephalometryParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.errors import counted
from ceph_pipeline.inference.params import InferenceParams
from ceph_pipeline.plausibility import PlausibilityParams

logger = logging.getLogger(__name__)


def locate_in_parts(
    source: Folder,
    output: Folder,
    models: Path,
    params: ArchiveParams,
    inference: InferenceParams,
    detector: DetectorParams,
    calibration: CalibrationParams,
    cephalometry: CephalometryParams,
    plausibility: PlausibilityParams,
) -> pd.DataFrame:
    """Predict landmarks and measurements of an archive part by part, and list the parts."""
    from ceph_pipeline.archive.processing import Archive, process_archive

    settings = ArchiveSettings(
        detector=detector, inference=inference, calibration=calibration, cephalometry=cephalometry, plausibility=plausibility
    )
    parts = process_archive(Archive(source, output, models, settings), params.part_size, params)
    counts = parts[["n_films", "n_located", "n_quarantined"]].sum()
    logger.info(
        "landmarks of %d of %s are in %s, %d quarantined",
        counts.n_located,
        counted(counts.n_films, "file"),
        output.url,
        counts.n_quarantined,
    )
    return parts
