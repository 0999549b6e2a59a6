"""A tiny data set whose landmarks are visible: each is a bright spot of its own brightness and width."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks import Affine, find
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.training.batch import Batch, sample_rng
from ceph_pipeline.training.data_module import LandmarkData
from ceph_pipeline.training.distributed.rank import ALONE
from ceph_pipeline.training.fit import fit
from ceph_pipeline.training.module import LandmarkModule
from ceph_pipeline.training.params import LoopParams, LossParams, OptimParams, Stage1Params
from ceph_pipeline.training.sampling import EpochSampler

NAMES = [find(symbol).name for symbol in ("S", "N", "Me", "Go")]
SIZE = (96, 80)
CACHE = (72, 60)


class Spots(NamedTuple):
    """Augmented tables and stores of the set."""

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame
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
    images, landmarks = [], []
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
    cvm = pd.DataFrame({"image_id": [row["image_id"] for row in images], "stage": [1 + n % 6 for n in range(12)]})
    return Spots(pd.DataFrame(images), pd.DataFrame(landmarks), cvm, store, cache, NAMES)


@pytest.fixture
def crop_table(spots):
    """Makes a crop index of 24 px fields, turned by 10°, whose centres lie (shift, −shift) px off the truth."""

    def make(shift: float) -> pd.DataFrame:
        rows = spots.landmarks.merge(spots.images[["image_id", "split"]], on="image_id")
        rows = rows.assign(shift=0, centre_x=rows["x"] + shift, centre_y=rows["y"] - shift, field_px=24.0, rotation_deg=10.0)
        return rows[["image_id", "source_id", "split", "landmark", "shift", "centre_x", "centre_y", "field_px", "rotation_deg"]]

    return make


class ToyNet(nn.Module):
    """A landmark network of two convolutions, with BatchNorm and dropout unless plain; out of memory above a batch size."""

    def __init__(self, largest_batch: int = 1000, *, plain: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        norms = [nn.Identity(), nn.Identity()] if plain else [nn.BatchNorm2d(8), nn.BatchNorm2d(8)]
        layers = [nn.Conv2d(1, 8, 3, 2, 1), norms[0], nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), norms[1], nn.ReLU()]
        self.backbone = nn.Sequential(*layers, nn.Dropout2d(0.0 if plain else 0.1))
        self.head = nn.Conv2d(8, 2, 1)
        self.largest_batch = largest_batch

    def forward(self, images: torch.Tensor) -> LandmarkOutput:
        if self.training and len(images) > self.largest_batch:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return LandmarkOutput(self.head(self.backbone(images)), None, None)


class ToySet(Dataset[Batch]):
    """Images of 32 × 32 px with a wide and a narrow spot; their noise is a function of epoch and item."""

    def __init__(self, n_images: int, seed: int) -> None:
        self.points = np.random.default_rng(seed).uniform(6, 26, (n_images, 2, 2))
        self.seed = seed

    def __getitem__(self, draw: tuple[int, int]) -> Batch:
        epoch, item = draw
        y, x = np.mgrid[:32, :32]
        image = sample_rng(self.seed, epoch, item).normal(0, 0.05, (32, 32))
        for (px, py), sigma in zip(self.points[item], (2.0, 4.0), strict=True):
            image += sigma * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2))
        return Batch(
            images=torch.from_numpy(image.astype(np.float32))[None, None],
            points=torch.from_numpy(self.points[item].astype(np.float32))[None],
            to_original=torch.tensor([[[10.0, 0, 0], [0, 10, 0]]]),
            pixel_size_mm=torch.tensor([0.1]),
            long_side_px=torch.tensor([320.0]),
            landmark=torch.zeros(1, dtype=torch.int64),
            cvm_stage=torch.zeros(1, dtype=torch.int64),
            measurements=torch.zeros(1, 0),
        )


@pytest.fixture
def toy(tmp_path: Path):
    """Trains a toy network on 12 images, validates it on 4, and gives it back with the weights of its best epoch.

    Keyword arguments: `folder`, `net`, `optim` and `loop` (fields that differ), `run_logger`.
    """
    return partial(train_toy, tmp_path)


def train_toy(root: Path, folder: str = "toy", *, net=None, optim=None, loop=None, run_logger=None) -> TrainedNet:
    params = Stage1Params(
        loss=LossParams(kind="cross_entropy", sigma_px=1.0, cvm_weight=0.0),
        optim=OptimParams(
            **{"epochs": 4, "batch_size": 4, "learning_rate": 0.01, "warmup_epochs": 1, "precision": "float32"} | (optim or {})
        ),
        loop=LoopParams(**{"seed": 1, "workers": 0} | (loop or {})),
    )
    net = net or ToyNet()
    trained = TrainedNet(net, "stage1", ("wide", "narrow"), (32, 32), 4, 1.0, "softmax", {})
    module = LandmarkModule(trained, params.loss, params.optim)
    (root / folder).mkdir(exist_ok=True)
    return fit(module, toy_data(params), root / folder, params, run_logger)


def toy_data(params: Stage1Params) -> LandmarkData:
    """12 training and 4 validation images."""
    train, valid = (
        (ToySet(n, seed), EpochSampler(n, n, 1, shuffle=shuffle)) for n, seed, shuffle in ((12, 0, True), (4, 1, False))
    )
    return LandmarkData(
        "stage1",
        train,
        valid,
        items=params.optim.batch_size,
        valid_items=params.optim.batch_size,
        metric="val/mre_mm",
        optim=params.optim,
        loop=params.loop,
        rank=ALONE,
    )


@pytest.fixture
def toy_net() -> type[ToyNet]:
    """The toy network's class."""
    return ToyNet
