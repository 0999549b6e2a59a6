"""Networks whose answers are known: one finds a bright and a dark dot, as a trained one would find p1 and p2."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.checkpoint import TrainedNet, create_net, save_checkpoint
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.models import LandmarkOutput

POINTS = np.array([(411.3, 287.8), (655.6, 702.1)])
"""p1 is bright, p2 dark; px of a 1000 × 1200 image."""


class DotFinder(nn.Module):
    """Stage 1: brightness at stride 4 is the heatmap of p1, darkness that of p2."""

    def __init__(self, gain: float = 0.2) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, images: Tensor) -> LandmarkOutput:
        coarse = functional.avg_pool2d(images, 4) * self.gain
        return LandmarkOutput(torch.cat([coarse, -coarse], dim=1).relu(), None, None)


class DotRefiner(DotFinder):
    """Stage 2: the same on crops, at stride 2, told which dot to look for."""

    def forward(self, images: Tensor, landmark: Tensor) -> Tensor:
        sign = torch.where(landmark == 0, 1.0, -1.0).to(images)
        return (functional.avg_pool2d(images, 2) * self.gain * sign[:, None, None, None]).relu()


@pytest.fixture
def dotted() -> np.ndarray:
    """A 1000 × 1200 X-ray with one bright and one dark dot."""
    y, x = np.mgrid[:1200, :1000]
    image = np.full((1200, 1000), 120.0)
    for (px, py), sign in zip(POINTS, (1, -1), strict=True):
        image += sign * 100 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 18.0**2))
    return image.round().astype(np.uint8)


@pytest.fixture
def dot_finder() -> TrainedNet:
    return TrainedNet(
        net=DotFinder().eval(),
        stage="stage1",
        landmarks=("p1", "p2"),
        input_size=(256, 320),
        stride=4,
        sigma_px=1.5,
        activation="linear",
        architecture={},
        facts={"resize": "letterbox"},
    )


@pytest.fixture
def dot_refiner() -> TrainedNet:
    return TrainedNet(
        net=DotRefiner().eval(),
        stage="stage2",
        landmarks=("p1", "p2"),
        input_size=(96, 96),
        stride=2,
        sigma_px=3.0,
        activation="linear",
        architecture={},
        facts={"crops": CropParams(crop_px=96, field_mm=20.0).model_dump(mode="json")},
    )


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both stages of a small untrained detector of the 19 points."""
    return _untrained(tmp_path_factory.mktemp("06_models"), SCHEMAS["isbi2015"].names)


@pytest.fixture(scope="session")
def ruler_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the ruler's two marks."""
    return _untrained(tmp_path_factory.mktemp("06_ruler_models"), ("p1", "p2"))


def _untrained(folder: Path, names: tuple[str, ...]) -> Path:
    torch.manual_seed(0)
    common = {"landmarks": names, "sigma_px": 2.0, "activation": "softmax"}
    architecture = {"backbone": "lcnet_035", "n_landmarks": len(names), "stride": 4, "dropout": 0.0}
    save_checkpoint(
        TrainedNet(
            net=create_net("stage1", architecture).eval(),
            stage="stage1",
            input_size=(64, 64),
            stride=4,
            architecture=architecture,
            facts={"resize": "letterbox"},
            **common,
        ),
        folder / "stage1" / "best.ckpt",
    )
    save_checkpoint(
        TrainedNet(
            net=create_net("stage2", architecture).eval(),
            stage="stage2",
            input_size=(32, 32),
            stride=4,
            architecture=architecture,
            facts={"crops": CropParams(crop_px=32).model_dump(mode="json")},
            **common,
        ),
        folder / "stage2" / "best.ckpt",
    )
    return folder


@pytest.fixture
def xrays() -> Callable[[Path, int], list[Path]]:
    """Writes a few small X-rays into a folder."""

    def write(folder: Path, count: int) -> list[Path]:
        import cv2

        rng = np.random.default_rng(3)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"xray_{number}.png" for number in range(count)]
        for file in files:
            smooth = cv2.GaussianBlur(rng.integers(0, 255, (120, 100)).astype(np.uint8), (0, 0), 4)
            cv2.imwrite(str(file), cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX))
        return files

    return write
