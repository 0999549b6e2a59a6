"""Data sets for the audit: tables of a few images, and drawn heads whose copies are known."""

import cv2
import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.audit import Evidence

LANDMARKS = {
    "Sella": (300.0, 400.0),
    "Nasion": (900.0, 380.0),
    "Menton": (800.0, 1300.0),
    "Gonion": (400.0, 1100.0),
    "Porion": (200.0, 600.0),
}
READERS = ("senior", "junior")


def images_table(n: int = 6, *, machine="ART Plus", pixel_size_mm=0.11, splits=("train",)) -> pd.DataFrame:
    ids = [f"c{i:02d}" for i in range(n)]
    split = [splits[i % len(splits)] for i in range(n)]
    return pd.DataFrame(
        {
            "image_id": ids,
            "path": [f"{image_id}.png" for image_id in ids],
            "split": split,
            "subset": split,
            "width": 1000,
            "height": 1500,
            "pixel_size_mm": pixel_size_mm,
            "machine": machine,
            "dataset": "clinic",
        }
    )


def landmarks_table(image_ids, readers=READERS) -> pd.DataFrame:
    """Readers who agree within a few pixels, and heads that lie a little differently in every image."""
    rng = np.random.default_rng(3)
    rows = []
    for image_id in image_ids:
        head = rng.uniform(-40, 40, 2)
        for reader in readers:
            for name, point in LANDMARKS.items():
                x, y = np.asarray(point) + head + rng.normal(0, 2, 2)
                rows.append((image_id, reader, name, x, y))
    return pd.DataFrame(rows, columns=["image_id", "reader", "landmark", "x", "y"])


def duplicates_table(*pairs) -> pd.DataFrame:
    """Rows of `(image_a, split_a, image_b, split_b)`."""
    rows = [(a, b, split_a, split_b, 2, False, 0.99, 0.3) for a, split_a, b, split_b in pairs]
    columns = ["image_a", "image_b", "split_a", "split_b", "hash_distance", "mirrored", "correlation", "grey_difference"]
    return pd.DataFrame(rows, columns=columns)


def put(landmarks, image_id, landmark, xy, reader=None) -> None:
    """Move a point of one reader, or of all."""
    at = (landmarks["image_id"] == image_id) & (landmarks["landmark"] == landmark)
    if reader:
        at &= landmarks["reader"] == reader
    landmarks.loc[at, ["x", "y"]] = xy


def draw_head(seed: int, size=(420, 520)) -> np.ndarray:
    """A grey head on a film whose frame and ruler are the same for every head of the device."""
    rng = np.random.default_rng(seed)
    width, height = size
    image = np.full((height, width), 30, np.float32)
    centre = (0.5 * width + rng.normal(0, 8), 0.38 * height + rng.normal(0, 8))
    axes = (0.36 * width * rng.uniform(0.92, 1.08), 0.3 * height * rng.uniform(0.92, 1.08))
    cv2.ellipse(image, (centre, (2 * axes[0], 2 * axes[1]), rng.uniform(-12, 12)), 150, -1)
    for _ in range(60):  # bones, teeth and cavities
        where = rng.uniform((0.15 * width, 0.15 * height), (0.85 * width, 0.9 * height))
        cv2.ellipse(
            image, (where, tuple(rng.uniform(8, 60, 2)), rng.uniform(0, 180)), rng.uniform(40, 230), int(rng.integers(2, 7))
        )
    image = cv2.GaussianBlur(image, (0, 0), 1.2) + rng.normal(0, 3, image.shape)
    cv2.rectangle(image, (0, 0), (width - 1, height - 1), 250.0, 6)
    cv2.rectangle(image, (int(0.9 * width), 20), (int(0.93 * width), 180), 220.0, -1)
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture
def images():
    return images_table()


@pytest.fixture
def landmarks(images):
    return landmarks_table(images["image_id"])


@pytest.fixture
def quarantine():
    return pd.DataFrame({"item": [], "reason": []}, dtype=str)


@pytest.fixture
def evidence(images, landmarks, quarantine):
    """Six clean images of one device."""
    return Evidence(images, landmarks, quarantine, duplicates_table())


@pytest.fixture
def make_images():
    return images_table


@pytest.fixture
def make_landmarks():
    return landmarks_table


@pytest.fixture
def make_duplicates():
    return duplicates_table


@pytest.fixture
def move():
    return put


@pytest.fixture(scope="session")
def heads():
    """Draws the head of a seed; another seed is another person on the same device."""
    return draw_head
