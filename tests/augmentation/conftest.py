"""A small set of sources with dental landmarks, on disk and in tables."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.augmentation import AugmentationParams, Source
from ceph_pipeline.augmentation.engine import augment
from ceph_pipeline.augmentation.tables import SourceTables
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.landmarks import find

SIZE = (241, 302)
"""(width, height): odd and even sides."""

POINTS = {
    "S": (90.0, 80.0), "N": (162.0, 72.0), "Pn": (236.0, 130.0),
    "UMT": (128.0, 190.0), "UPM": (137.0, 191.0), "UIT": (160.0, 195.0), "UIA": (151.0, 172.0),
    "LMT": (129.0, 192.0), "LPM": (137.5, 193.0), "LIT": (157.0, 193.0), "LIA": (148.0, 213.0),
}  # fmt: skip
"""In pixels of 1 mm: a face that looks to the right. The nose is close enough to the border to leave a rotated frame."""

RECIPE = {
    "original": {},
    "flip": {},
    "rotation": {"angles_deg": [7, -7]},
    "brightness": {},
    "braces": {"every": 2},
}


@dataclass
class Study:
    """A raw folder, the sources' tables, ingestion's cache, which is empty, and the stores that copies go to."""

    raw: RawFolder
    tables: SourceTables
    source_cache: ImageStore
    store: ImageStore
    cache: ImageStore

    def augment(self, **settings) -> dict[str, pd.DataFrame]:
        return augment(self.tables, self.raw, self.source_cache, self.store, self.cache, make_params(**settings))

    def files(self) -> dict[str, bytes]:
        """Every file of both stores with its bytes; what a killed worker has left half-written goes with the next start."""
        folders = [Path(self.store.path), Path(self.cache.path)]
        files = [file for folder in folders for file in sorted(folder.iterdir())]
        return {f"{file.parent.name}/{file.name}": file.read_bytes() for file in files if not _is_half_written(file)}


def _is_half_written(file: Path) -> bool:
    return file.name.startswith(".") and file.name != ".ledger.json"


def make_params(**settings) -> AugmentationParams:
    return AugmentationParams.model_validate({"recipe": RECIPE, "n_jobs": 1, "cache_long_side": 64} | settings)


def draw_source(seed: int, dtype=np.uint8) -> np.ndarray:
    """A smooth, grainy, mid-grey image."""
    rng = np.random.default_rng(seed)
    white = np.iinfo(dtype).max
    coarse = cv2.resize(rng.uniform(0.2, 0.7, (9, 7)), SIZE, interpolation=cv2.INTER_CUBIC)
    return np.clip((coarse + rng.normal(0, 0.01, SIZE[::-1])) * white, 0, white).astype(dtype)


def make_tables(splits: dict[str, int]) -> SourceTables:
    """Tables of so many sources of each split; every source has the same points."""
    ids = [f"{split}_{number:04}" for split, count in splits.items() for number in range(count)]
    images = pd.DataFrame(
        {
            "image_id": ids,
            "path": [f"{image_id}.png" for image_id in ids],
            "split": [image_id.split("_")[0] for image_id in ids],
            "subset": [image_id.split("_")[0] for image_id in ids],
            "width": SIZE[0],
            "height": SIZE[1],
            "pixel_size_mm": 1.0,
            "machine": "phantom",
            "dataset": "phantom",
        }
    )
    landmarks = pd.DataFrame(
        [
            {"image_id": image_id, "reader": reader, "landmark": find(symbol).name, "x": x + shift, "y": y}
            for image_id in ids
            for reader, shift in (("senior", 0.5), ("consensus", 0.0))
            for symbol, (x, y) in POINTS.items()
        ]
    )
    nothing = pd.DataFrame({"image_id": pd.Series(dtype=str), "reason": pd.Series(dtype=str)})
    return SourceTables(images, landmarks, pd.DataFrame({"image_id": ids[::2], "stage": 3}), nothing)


def make_study(folder: Path, splits: dict[str, int], dtype=np.uint8) -> Study:
    tables = make_tables(splits)
    raw = folder / "raw"
    raw.mkdir(parents=True)
    for number, path in enumerate(tables.images["path"]):
        cv2.imwrite(str(raw / path), draw_source(number, dtype))
    store = ImageStore(str(folder / "augmented"), format="png")
    source_cache, cache = (ImageStore(str(folder / name), format="npy") for name in ("cache", "augmented_cache"))
    return Study(RawFolder(raw, "phantom"), tables, source_cache, store, cache)


@pytest.fixture
def study(tmp_path) -> Study:
    """Six sources: four for training, one each for validation and test."""
    return make_study(tmp_path, {"train": 4, "valid": 1, "test": 1})


@pytest.fixture(scope="session")
def new_study():
    """`(folder, splits, dtype) -> Study`."""
    return make_study


@pytest.fixture
def tables_of():
    """`({split: number}) -> SourceTables`, without images."""
    return make_tables


@pytest.fixture
def params_of():
    """`(**settings) -> AugmentationParams`; the recipe of 6.5 images a source unless told."""
    return make_params


@pytest.fixture
def grainy_image():
    """`(seed, dtype) -> image`."""
    return draw_source


@pytest.fixture
def face():
    """A source with every point that braces need."""
    points = {find(symbol).name: xy for symbol, xy in POINTS.items()}
    return Source("face", "face.png", SIZE, 1.0, points)
