"""A small data set in the layout of the ISBI 2015 challenge, and where its cache goes."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline import formats
from ceph_pipeline.images import ImageStore, RawFolder

NUMBERS = ("001", "002", "003", "004", "151")
SIZE = (96, 120)
"""(width, height)."""


@pytest.fixture
def raw(tmp_path: Path) -> RawFolder:
    """Four training images and one of Test1, with a bright disc at the (even) consensus of the Sella."""
    root = tmp_path / "isbi"
    for number in NUMBERS:
        folder = root / ("TrainingData" if int(number) <= 150 else "Test1Data")
        folder.mkdir(parents=True, exist_ok=True)
        image = np.full(SIZE[::-1], 20 + int(number) % 7, np.uint8)
        cv2.circle(image, (40, 60), 6, 250, -1)
        cv2.imwrite(str(folder / f"{number}.png"), image)
        for reader, dx in (("senior", -1), ("junior", 1)):
            points = [(40 + dx, 60), *((8 + 3 * i + dx, 10 + 2 * i) for i in range(18))]
            path = root / "AnnotationsByMD" / f"400_{reader}" / f"{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{x},{y}\n" for x, y in points))
    return RawFolder(root, "isbi2015")


@pytest.fixture
def images(raw: RawFolder) -> pd.DataFrame:
    """Its images table."""
    return formats.read(raw.root, raw.format).images


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    """An empty cache."""
    return ImageStore(str(tmp_path / "cache"), format="npy")
