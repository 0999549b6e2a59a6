"""The files of a phantom in the layout of the Aariz data set."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.phantom.specimen import Specimen

MAPPING_FILE = "cephalogram_machine_mappings.csv"
READER_FOLDERS = {"senior": "Senior Orthodontists", "junior": "Junior Orthodontists"}

_DATASET = "Phantom cephalograms in the Aariz layout"
_CVM_SPLITS = {"train": "Training", "valid": "Validation", "test": "Test"}
_NEVER = "2000-01-01 00:00:00.000000"
"""Files carry no dates, so that the same seed gives the same bytes."""


def split_of(index: int, n_images: int) -> str:
    """The split of an image: the first 70 % train, then 15 % valid and 15 % test, at least one image each."""
    held_out = max(1, round(0.15 * n_images))
    if index >= n_images - held_out:
        return "test"
    return "valid" if index >= n_images - 2 * held_out else "train"


def image_file(root: Path, split: str, specimen: Specimen) -> Path:
    """Where the picture belongs."""
    return root / split / "Cephalograms" / specimen.path


def annotation_files(root: Path, split: str, image_id: str) -> dict[str, Path]:
    """Where the annotations belong: `senior`, `junior` and `cvm`."""
    folder, name = root / split / "Annotations", f"{image_id}.json"
    files = {reader: folder / "Cephalometric Landmarks" / title / name for reader, title in READER_FOLDERS.items()}
    return files | {"cvm": folder / "CVM Stages" / name}


def landmark_json(image_id: str, points: Mapping[str, NDArray[np.float64]]) -> str:
    """One reader's file.

    Args:
        image_id: Of the picture.
        points: (x, y) in pixels by symbol; the layout keeps whole pixels.
    """
    landmarks = [
        {
            "landmark_id": landmark.aariz_id,
            "title": landmark.name,
            "symbol": landmark.symbol,
            "value": {"x": round(float(points[landmark.symbol][0])), "y": round(float(points[landmark.symbol][1]))},
        }
        for landmark in SCHEMAS["aariz"]
    ]
    content = {
        "ceph_id": image_id,
        "landmarks": landmarks,
        "reviewed_at": _NEVER,
        "updated_at": _NEVER,
        "dataset_name": _DATASET,
        "open_issues": 0,
    }
    return json.dumps(content, indent=4)


def cvm_json(image_id: str, split: str, stage: int) -> str:
    """The file of the cervical vertebral maturation stage, 1 to 6."""
    content = {
        "ceph_id": image_id,
        "cvm_stage": {"id": f"cvm_stage_{stage}", "title": f"CVM-S{stage}", "value": stage},
        "dataset_name": _DATASET,
        "dataset_split": _CVM_SPLITS[split],
        "created_at": _NEVER,
    }
    return json.dumps(content)


def mapping_csv(rows: Iterable[tuple[Specimen, str]]) -> str:
    """The table of machines and pixel sizes, from specimens with their splits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["cephalogram_id", "machine", "pixel_size", "image_format", "mode"])
    for specimen, split in rows:
        device = specimen.device
        writer.writerow([specimen.image_id, device.machine, specimen.pixel_size_mm, device.format, split.capitalize()])
    return text.getvalue()
