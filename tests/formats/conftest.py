"""Small data sets in the layouts of the public ones."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ceph_pipeline.landmarks import SCHEMAS

SIZE = (120, 100)
"""(width, height) of every cephalogram here."""

CSV_HEADER = "cephalogram_id,machine,pixel_size,image_format,mode"


def write_image(path: Path, size: tuple[int, int] = SIZE) -> Path:
    """A grey gradient."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.tile(np.linspace(0, 255, size[0]).astype(np.uint8), (size[1], 1)))
    return path


def aariz_points(offset: float = 0.0) -> dict[str, tuple[float, float]]:
    """Symbol to a point inside the image, another one for each landmark."""
    return {symbol: (10.0 + 2 * i + offset, 20.0 + i) for i, symbol in enumerate(SCHEMAS["aariz"].symbols)}


class AarizFolder:
    """Writes a data set in the Aariz layout, one cephalogram at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows = [CSV_HEADER]

    def landmark_file(self, image_id: str, reader: str = "Senior", split: str = "train") -> Path:
        return self.root / split / "Annotations" / "Cephalometric Landmarks" / f"{reader} Orthodontists" / f"{image_id}.json"

    def cvm_file(self, image_id: str, split: str = "train") -> Path:
        return self.root / split / "Annotations" / "CVM Stages" / f"{image_id}.json"

    def add(self, image_id: str, split: str = "train", suffix: str = ".png", *, stage: int = 3, mode: str | None = None) -> None:
        write_image(self.root / split / "Cephalograms" / f"{image_id}{suffix}")
        for reader, offset in (("Senior", 0.0), ("Junior", 1.0)):
            self.annotate(image_id, reader, split, aariz_points(offset))
        path = self.cvm_file(image_id, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"ceph_id": image_id, "cvm_stage": {"id": "c", "title": f"CVM-S{stage}", "value": stage}}))
        self.rows.append(f"{image_id},ART Plus,0.1,{suffix[1:]},{mode or split.capitalize()}")
        self.write_rows()

    def annotate(self, image_id: str, reader: str, split: str, points: dict[str, tuple[float, float]], **extra: object) -> None:
        landmarks = [
            {"landmark_id": mark.aariz_id, "title": mark.name, "symbol": mark.symbol, "value": {"x": xy[0], "y": xy[1]}}
            for mark in SCHEMAS["aariz"]
            if (xy := points.get(mark.symbol)) is not None
        ]
        path = self.landmark_file(image_id, reader, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"ceph_id": image_id, "landmarks": landmarks} | extra))

    def edit(self, path: Path, change: Callable[[dict], None]) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    def write_rows(self, encoding: str = "utf-8") -> None:
        (self.root / "cephalogram_machine_mappings.csv").write_text("\n".join(self.rows) + "\n", encoding=encoding)


@pytest.fixture
def aariz(tmp_path: Path) -> AarizFolder:
    """Three cephalograms, one a split."""
    folder = AarizFolder(tmp_path / "aariz")
    for image_id, split, suffix in (("ceph-a", "train", ".png"), ("ceph-b", "valid", ".bmp"), ("ceph-c", "test", ".jpeg")):
        folder.add(image_id, split, suffix)
    return folder


class IsbiFolder:
    """Writes a data set in the layout of the ISBI 2015 challenge."""

    def __init__(self, root: Path, images: str = "", annotations: str = "AnnotationsByMD") -> None:
        self.root = root
        self.images = root / images
        self.annotations = root / annotations

    def add(self, number: str, folder: str, suffix: str = ".bmp", classes: int = 8) -> None:
        write_image(self.images / folder / f"{number}{suffix}")
        for reader, offset in (("senior", 0), ("junior", 2)):
            path = self.text_file(number, reader)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{10 + 3 * i + offset},{20 + i}\n" for i in range(19)) + "2\n" * classes)

    def text_file(self, number: str, reader: str = "senior") -> Path:
        return self.annotations / f"400_{reader}" / f"{number}.txt"


@pytest.fixture
def isbi(tmp_path: Path) -> IsbiFolder:
    """Two training images and one of Test1."""
    folder = IsbiFolder(tmp_path / "isbi")
    for number, images in (("001", "TrainingData"), ("002", "TrainingData"), ("151", "Test1Data")):
        folder.add(number, images)
    return folder
