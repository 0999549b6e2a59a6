"""New X-rays in a folder."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.detector.inputs import DetectorError, pixels_of
from ceph_pipeline.errors import counted, printable
from ceph_pipeline.images import ImageReadError, RawFolder, read_header
from ceph_pipeline.images.colour import is_colourful
from ceph_pipeline.images.film_files import FilmFiles, list_films
from ceph_pipeline.images.identifiers import identifiers_of
from ceph_pipeline.images.kinds import IMAGE_SUFFIXES
from ceph_pipeline.ingestion import read_film_sheet
from ceph_pipeline.ingestion.params import PixelSizeParams
from ceph_pipeline.ingestion.pixel_size import with_pixel_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.detector.landmark_detector import LandmarkDetector, Predictions
    from ceph_pipeline.images.codec import GreyImage
    from ceph_pipeline.inference.params import InferenceParams

logger = logging.getLogger(__name__)

WAY_OUT = "Add films, or name another folder: --params inference_folder=PATH."


def find_xrays(folder: Path) -> dict[str, Path]:
    """The folder's films, at any depth, by identifier; the identifier is made from the path relative to the folder.

    Raises:
        DetectorError: the folder does not exist or contains no films.
    """
    films = _films(folder).films
    return {name: folder / path for name, path in identifiers_of(films).items()}


def require_apart(folder: Path, output: Path) -> None:
    """Make sure that results are not read as films.

    Args:
        folder: Folder of the films.
        output: Folder that receives pictures.

    Raises:
        DetectorError: `output` is inside `folder`.
    """
    if output.resolve().is_relative_to(folder.resolve()):
        raise DetectorError(
            f"{folder}: data_root is inside the folder of the films. Set another data_root, or name the subfolder of the films."
        )


def located_xrays(folder: Path, image_ids: Iterable[str]) -> dict[str, Path]:
    """The paths of films whose landmarks were located, by identifier.

    Args:
        folder: See `find_xrays`.
        image_ids: Identifiers of films in the folder.

    Raises:
        DetectorError: a film no longer exists under that name.
    """
    xrays = find_xrays(folder)
    gone = [image_id for image_id in image_ids if image_id not in xrays]
    if gone:
        raise DetectorError(
            f"{folder}: {counted(len(gone), 'film')} deleted or renamed after the landmarks were located; the first: "
            f"{gone[0]}. Run inference again, and do not change the folder during the run."
        )
    return xrays


def image_rows(folder: Path, predictions: pd.DataFrame, pixel_size_mm: Mapping[str, float]) -> pd.DataFrame:
    """An `ImageTable` of the X-rays that have predictions, with their paths in the folder and their sizes; the split is `test`.

    Args:
        folder: See `find_xrays`.
        predictions: Rows of a `PredictionTable`.
        pixel_size_mm: Pixel size by image; NaN or absent where unknown.
    """
    image_ids = list(predictions["image_id"].unique())
    xrays = located_xrays(folder, image_ids)
    sizes = [read_header(xrays[image_id]).size for image_id in image_ids]
    return pd.DataFrame(
        {
            "image_id": image_ids,
            "path": [printable(xrays[image_id].relative_to(folder).as_posix()) for image_id in image_ids],
            "split": "test",
            "subset": "new",
            "width": [width for width, _ in sizes],
            "height": [height for _, height in sizes],
            "pixel_size_mm": [pixel_size_mm.get(image_id, math.nan) for image_id in image_ids],
            "machine": "unknown",
            "dataset": "new",
        }
    )


class FolderPredictions(NamedTuple):
    """A detector's predictions for the X-rays of a folder.

    Attributes:
        points: A `PredictionTable`.
        quarantine: A `QuarantineTable` of files that could not be read, are blank or are not films.
        cvm: `image_id, cvm_stage, probability`; no rows if the network has no CVM head.
        colourful: Identifiers of films that look like colour photographs.
    """

    points: pd.DataFrame
    quarantine: pd.DataFrame
    cvm: pd.DataFrame
    colourful: tuple[str, ...] = ()


def predict_folder(detector: LandmarkDetector, folder: Path, pixel_size_mm: float | None = None) -> FolderPredictions:
    """Locate the landmarks of every X-ray in a folder, and predict CVM stages if the detector has a CVM head.

    Args:
        detector: Locates the landmarks.
        folder: See `find_xrays`.
        pixel_size_mm: Pixel size of all images.

    Raises:
        DetectorError: as `find_xrays`, or no film could be read.
    """
    found = _films(folder)
    xrays = {name: folder / path for name, path in identifiers_of(found.films).items()}
    predictions = predict_films(detector, xrays, pixel_size_mm, progress=True)
    unreadable = predictions.quarantine
    if len(unreadable) == len(xrays):
        raise DetectorError(f"{folder}: none of the {len(xrays)} images could be read; the first: {unreadable['reason'].iloc[0]}")
    skipped = quarantine_rows((file.path, file.reason) for file in found.skipped)
    quarantine = pd.concat([unreadable, skipped], ignore_index=True)
    for item in quarantine["item"]:
        logger.warning("%s is quarantined; the quarantine table contains the reason", pseudonym(item))
    for name in predictions.colourful:
        logger.warning("%s looks like a colour photograph, not an X-ray", pseudonym(name))
    if found.n_hidden:
        logger.info("%d hidden files and folders (.…, @eaDir, Thumbs.db) are skipped", found.n_hidden)
    return predictions._replace(quarantine=quarantine)


def predict_films(
    detector: LandmarkDetector, xrays: Mapping[str, Path], pixel_size_mm: float | None = None, *, progress: bool = False
) -> FolderPredictions:
    """Locate the landmarks of some X-rays, one batch at a time; files that cannot be read are quarantined.

    Args:
        detector: Locates the landmarks.
        xrays: Files by identifier.
        pixel_size_mm: Pixel size of all images.
        progress: Show a progress bar.
    """
    names = list(xrays)
    parts: list[Predictions] = []
    unreadable: list[tuple[str, str]] = []
    colourful: list[str] = []
    with tqdm(total=len(names), desc="new X-rays", unit="image", disable=not progress) as bar:
        for start in range(0, len(names), detector.params.batch_size):
            chunk = names[start : start + detector.params.batch_size]
            pixels: dict[str, GreyImage | Path | str] = {}
            for name in chunk:
                try:
                    pixels[name] = pixels_of(xrays[name], name)
                    colourful += [name] if is_colourful(xrays[name]) else []
                except ImageReadError as error:
                    unreadable.append((name, str(error)))
            if pixels:
                parts.append(detector.predict_with_cvm(pixels, pixel_size_mm=pixel_size_mm))
            bar.update(len(chunk))
    located = parts or [detector.predict_with_cvm({})]
    return FolderPredictions(
        pd.concat([part.points for part in located], ignore_index=True),
        quarantine_rows(unreadable),
        pd.concat([part.cvm for part in located], ignore_index=True),
        tuple(colourful),
    )


def quarantine_rows(rows: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """A `QuarantineTable` of items and reasons."""
    return pd.DataFrame(rows, columns=["item", "reason"]).astype(str)


def file_pixel_sizes(folder: Path, image_ids: Sequence[str], params: InferenceParams) -> NDArray[np.float64]:
    """Millimetres per pixel of a folder's films: one value for all films, or values from a sheet or from the files.

    Args:
        folder: See `find_xrays`.
        image_ids: N films in the folder.
        params: Select the sources and their order.

    Returns:
        `(N,)`; NaN where no source contains a size.

    Raises:
        DetectorError: as `located_xrays`.
        FilmSheetError: as `read_film_sheet`.
    """
    if params.pixel_size_mm is not None:
        return np.full(len(image_ids), params.pixel_size_mm)
    films = located_xrays(folder, image_ids)
    images = listed({image_id: films[image_id].relative_to(folder).as_posix() for image_id in image_ids})
    return said_pixel_sizes(folder, images, read_film_sheet(images, params.films, "inference.films"), params)


def listed(films: Mapping[str, str]) -> pd.DataFrame:
    """Films as rows `image_id, path`.

    Args:
        films: Paths relative to their folder, by identifier.
    """
    names = pd.Series(list(films.values()), dtype=object)  # pandas' string type cannot store names that are not valid UTF-8
    return pd.DataFrame({"image_id": list(films), "path": names})


def said_pixel_sizes(folder: Path, images: pd.DataFrame, facts: pd.DataFrame, params: InferenceParams) -> NDArray[np.float64]:
    """Millimetres per pixel from the first source of `params.pixel_size_order` that contains a size.

    Args:
        folder: Folder of the films.
        images: N rows `image_id, path`.
        facts: From `read_film_sheet`; may contain other films too.
        params: Select the sources and their order.

    Returns:
        `(N,)`; NaN where no source contains a size.
    """
    order = PixelSizeParams(order=params.pixel_size_order)
    sized = with_pixel_sizes(images, pd.DataFrame(), facts, RawFolder(folder, "new"), order)
    return sized["pixel_size_mm"].to_numpy(np.float64)


def _films(folder: Path) -> FilmFiles:
    """The folder's content.

    Raises:
        DetectorError: the folder does not exist or contains no films; the message lists what it contains.
    """
    if not folder.exists():
        raise DetectorError(f"{folder}: no such folder. {WAY_OUT}")
    if not folder.is_dir():
        raise DetectorError(
            f"{folder}: not a folder. Name the folder that contains the file: --params inference_folder={folder.parent}."
        )
    found = list_films(folder)
    if not found.films:
        others = "; ".join(f"{file.path}: {file.reason}" for file in found.skipped[:3])
        more = f" Skipped: {others}{' …' if len(found.skipped) > 3 else ''}." if others else ""
        raise DetectorError(f"{folder}: contains no X-rays ({', '.join(IMAGE_SUFFIXES)}).{more} {WAY_OUT}")
    return found
