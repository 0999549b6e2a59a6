"""Files of a phantom data set, in the layout of the Aariz data set."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.formats.aariz_machines import FILE as MAPPING_FILE
from ceph_pipeline.formats.writers import aariz
from ceph_pipeline.landmarks import find
from ceph_pipeline.phantom.specimen import Specimen

__all__ = ["MAPPING_FILE", "annotation_files", "cvm_json", "image_file", "landmark_json", "mapping_csv", "split_of"]

_READERS = ("senior", "junior")
_DATASET = "Phantom cephalograms in the Aariz layout"


def split_of(index: int, n_images: int) -> str:
    """The split of an image: the first 70 % are train, then 15 % valid and 15 % test, with at least one image each."""
    held_out = max(1, round(0.15 * n_images))
    if index >= n_images - held_out:
        return "test"
    return "valid" if index >= n_images - 2 * held_out else "train"


def image_file(root: Path, split: str, specimen: Specimen) -> Path:
    """Path of the image."""
    return root / aariz.FILMS.format(split=split) / specimen.path


def annotation_files(root: Path, split: str, image_id: str) -> dict[str, Path]:
    """Paths of the annotations `senior`, `junior` and `cvm`."""
    files = {reader: root / aariz.landmark_file(image_id, split, reader) for reader in _READERS}
    return files | {"cvm": root / aariz.cvm_file(image_id, split)}


def landmark_json(image_id: str, points: Mapping[str, NDArray[np.float64]]) -> str:
    """One reader's file.

    Args:
        image_id: Identifier of the image.
        points: (x, y) in pixels by symbol; they are rounded to whole pixels.
    """
    whole = {find(symbol).name: (round(float(x)), round(float(y))) for symbol, (x, y) in points.items()}
    return aariz.landmark_json(image_id, whole, _DATASET)


def cvm_json(image_id: str, split: str, stage: int) -> str:
    """The file of the cervical vertebral maturation stage, 1 to 6."""
    return aariz.cvm_json(image_id, split, stage, _DATASET)


def mapping_csv(rows: Iterable[tuple[Specimen, str]]) -> str:
    """The table of devices and pixel sizes, from specimens with their splits."""
    return aariz.machines_csv(
        (specimen.image_id, specimen.device.machine, specimen.pixel_size_mm, specimen.device.format, split)
        for specimen, split in rows
    )
