"""New X-rays in a folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.images import ImageReadError, read_image

if TYPE_CHECKING:
    from ceph_pipeline.detector.landmark_detector import LandmarkDetector
    from ceph_pipeline.images.codec import GreyImage

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def find_xrays(folder: Path) -> dict[str, Path]:
    """The folder's images, at any depth, by file name without suffix.

    Raises:
        DetectorError: there is no such folder or no image in it, or two images have one name.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise DetectorError(
            f"{folder}: no X-rays there ({', '.join(IMAGE_SUFFIXES)}). Put some in, or run with --params inference_folder=PATH."
        )
    xrays: dict[str, Path] = {}
    for file in files:
        if file.stem in xrays:
            raise DetectorError(f"{file}: {xrays[file.stem]} has the same name {file.stem!r}. Rename one of the two.")
        xrays[file.stem] = file
    return xrays


def predict_folder(
    detector: LandmarkDetector, folder: Path, pixel_size_mm: float | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Locate the landmarks of every X-ray of a folder.

    Args:
        detector: What locates them.
        folder: See `find_xrays`.
        pixel_size_mm: Of all the images.

    Returns:
        A `PredictionTable`, and a `QuarantineTable` of the files that could not be read.

    Raises:
        DetectorError: as `find_xrays`, or not a single file could be read.
    """
    xrays = find_xrays(folder)
    names = list(xrays)
    parts: list[pd.DataFrame] = []
    unreadable: list[tuple[str, str]] = []
    with tqdm(total=len(names), desc="new X-rays", unit="image") as bar:
        for start in range(0, len(names), detector.params.batch_size):
            chunk = names[start : start + detector.params.batch_size]
            pixels: dict[str, GreyImage | Path | str] = {}
            for name in chunk:
                try:
                    pixels[name] = read_image(xrays[name])
                except ImageReadError as error:
                    unreadable.append((name, str(error)))
            parts.append(detector.predict(pixels, pixel_size_mm=pixel_size_mm))
            bar.update(len(chunk))
    quarantine = pd.DataFrame(unreadable, columns=["item", "reason"]).astype(str)
    for name, reason in unreadable:
        logger.warning("%s set aside: %s", name, reason)
    if len(quarantine) == len(names):
        raise DetectorError(f"{folder}: none of the {len(names)} images could be read; the first: {unreadable[0][1]}")
    return pd.concat(parts, ignore_index=True), quarantine
