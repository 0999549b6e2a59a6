"""A tiny data set whose landmarks are visible: each is a bright spot of its own brightness and width."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks import Affine, find

NAMES = [find(symbol).name for symbol in ("S", "N", "Me", "Go")]
SIZE = (96, 80)
CACHE = (72, 60)


class Spots(NamedTuple):
    """Augmented tables and stores of the set."""

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame
    measurements: pd.DataFrame
    store: ImageStore
    cache: ImageStore
    names: list[str]


def draw(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Grey image (h, w) with a Gaussian spot at each point, the k-th of width 1.5 + k and brightness 80 + 40 k."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = np.full((size[1], size[0]), 20.0)
    for k, (px, py) in enumerate(points):
        image += (80 + 40 * k) * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * (1.5 + k) ** 2))
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def spots(tmp_path_factory: pytest.TempPathFactory) -> Spots:
    """Eight training and four validation images of 96 × 80 px, cached at 72 × 60."""
    folder: Path = tmp_path_factory.mktemp("spots")
    store, cache = ImageStore(str(folder / "full")), ImageStore(str(folder / "cache"), format="npy")
    rng = np.random.default_rng(0)
    base = np.array([[25.0, 25.0], [70.0, 20.0], [60.0, 62.0], [28.0, 58.0]])
    images, landmarks, measurements = [], [], []
    for number in range(12):
        image_id, split = f"spot_{number:02d}", "train" if number < 8 else "valid"
        points = base + rng.uniform(-8, 8, base.shape)
        store.write(image_id, draw(points, SIZE))
        cache.write(image_id, draw(Affine.resize(SIZE, CACHE)(points), CACHE))
        common = {"image_id": image_id, "source_id": image_id, "kind": "original", "copy": 0}
        images.append(
            common
            | {"path": f"{image_id}.png", "split": split, "subset": split, "width": SIZE[0], "height": SIZE[1]}
            | {"pixel_size_mm": 0.5, "machine": "spotlight", "dataset": "spots"}
        )
        landmarks += [
            common | {"reader": "consensus", "landmark": name, "x": x, "y": y} for name, (x, y) in zip(NAMES, points, strict=True)
        ]
        measurements.append({"image_id": image_id, "reader": "consensus", "measurement": "N_Me_mm", "value": 50.0 + number})
    cvm = pd.DataFrame({"image_id": [row["image_id"] for row in images], "stage": [1 + n % 6 for n in range(12)]})
    return Spots(pd.DataFrame(images), pd.DataFrame(landmarks), cvm, pd.DataFrame(measurements), store, cache, NAMES)


@pytest.fixture
def crop_table(spots):
    """Makes a crop index of 24 px fields, turned by 10°, whose centres lie (shift, −shift) px off the truth."""

    def make(shift: float) -> pd.DataFrame:
        rows = spots.landmarks.merge(spots.images[["image_id", "split"]], on="image_id")
        rows = rows.assign(shift=0, centre_x=rows["x"] + shift, centre_y=rows["y"] - shift, field_px=24.0, rotation_deg=10.0)
        return rows[["image_id", "source_id", "split", "landmark", "shift", "centre_x", "centre_y", "field_px", "rotation_deg"]]

    return make
