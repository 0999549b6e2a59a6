"""The detector as one object, from a folder and from MLflow."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.images import ImageReadError
from ceph_pipeline.inference import LandmarkDetector
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import IDENTIFIER, PredictionTable
from ceph_pipeline.models import LandmarkOutput

POINTS = np.array([(411.3, 287.8), (655.6, 702.1)])
Xrays = Callable[[Path, int], list[Path]]


def test_both_stages_find_the_dots(dot_finder: TrainedNet, dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    table = LandmarkDetector([dot_finder], [dot_refiner]).predict([dotted, dotted[:, ::-1]], pixel_size_mm=0.1)
    np.testing.assert_allclose(table.loc[table["image_id"] == "image_0", ["x", "y"]], POINTS, atol=0.15)
    np.testing.assert_allclose(table.loc[table["image_id"] == "image_1", "x"], 999 - POINTS[:, 0], atol=0.15)
    assert table["stage"].unique() == ["stage2"]


def test_the_table_is_a_prediction_table_in_channel_order(checkpoints: Path, tmp_path: Path, xrays: Xrays) -> None:
    files = xrays(tmp_path, 3)
    detector = LandmarkDetector.load(checkpoints, DetectorParams(device="cpu", views_stage1="five", batch_size=2))
    table = PredictionTable.validate(detector.predict(files))
    assert table["image_id"].unique().tolist() == ["xray_0", "xray_1", "xray_2"]
    assert table["landmark"].tolist() == [*SCHEMAS["isbi2015"].names] * 3
    assert table["stage"].unique() == ["stage2_tta"]


def test_a_folder_with_stage_1_alone_gives_stage_1s_points(checkpoints: Path, tmp_path: Path, xrays: Xrays) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "stage1").symlink_to(checkpoints / "stage1")
    detector = LandmarkDetector.load(tmp_path / "models", DetectorParams(device="cpu"))
    assert detector.predict(xrays(tmp_path, 1))["stage"].unique() == ["stage1"]


def test_an_array_and_its_file_give_the_same_points(checkpoints: Path, tmp_path: Path, xrays: Xrays) -> None:
    (file,) = xrays(tmp_path, 1)
    detector = LandmarkDetector.load(checkpoints, DetectorParams(device="cpu"))
    from_file = detector.predict([file])
    from_array = detector.predict([cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)])
    pd.testing.assert_frame_equal(from_file.drop(columns="image_id"), from_array.drop(columns="image_id"))


def test_no_images_give_an_empty_table(checkpoints: Path) -> None:
    assert LandmarkDetector.load(checkpoints, DetectorParams(device="cpu")).predict([]).empty


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"no stage1/best\.ckpt.*Run the stage1 pipeline"):
        LandmarkDetector.load(tmp_path)


def test_stages_of_different_landmarks_are_refused(dot_finder: TrainedNet, dot_refiner: TrainedNet) -> None:
    dot_refiner.landmarks = ("p2", "p1")
    with pytest.raises(DetectorError, match="not the same ones in the same order"):
        LandmarkDetector([dot_finder], [dot_refiner])


def test_files_of_one_name_go_by_their_folders_too(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    files = [tmp_path / patient / "ceph.png" for patient in ("anna", "bert")]
    for file in files:
        file.parent.mkdir()
        cv2.imwrite(str(file), dotted)
    assert LandmarkDetector([dot_finder]).predict(files)["image_id"].unique().tolist() == ["anna_ceph", "bert_ceph"]
    with pytest.raises(DetectorError, match="given twice"):
        LandmarkDetector([dot_finder]).predict([files[0], files[0]])


def test_a_name_that_cannot_be_an_identifier_is_made_one(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "plain.png"), dotted)
    file = (tmp_path / "plain.png").rename(tmp_path / "Müller Anna (2).png")
    (name,) = LandmarkDetector([dot_finder]).predict([file])["image_id"].unique()
    assert re.fullmatch(IDENTIFIER, name)


def test_a_colour_array_is_refused(dot_finder: TrainedNet) -> None:
    with pytest.raises(DetectorError, match=r"shape \(10, 10, 3\), expected \(height, width\)"):
        LandmarkDetector([dot_finder]).predict([np.zeros((10, 10, 3), np.uint8)])


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000)])
def test_an_array_without_the_shape_of_a_film_is_refused(dot_finder: TrainedNet, shape: tuple[int, int]) -> None:
    with pytest.raises(ImageReadError, match=rf"image 'strip': {shape[1]} × {shape[0]} pixels, which is no film"):
        LandmarkDetector([dot_finder]).predict({"strip": np.zeros(shape, np.uint8)})


class CornerFinder(nn.Module):
    """Stage 1 that sees p1 in the input's upper left corner and p2 in its middle."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = nn.Parameter(torch.tensor(1.0))

    def forward(self, images: Tensor) -> LandmarkOutput:
        heatmaps = torch.zeros(len(images), 2, 80, 64)
        heatmaps[:, 0, 1, 1] = heatmaps[:, 1, 40, 32] = self.peak
        return LandmarkOutput(heatmaps, None, None)


@pytest.mark.parametrize(("shape", "flagged"), [((600, 1000), [True, False]), ((1250, 1000), [False, False])])
def test_a_point_outside_the_image_is_flagged(dot_finder: TrainedNet, shape: tuple[int, int], flagged: list[bool]) -> None:
    """A wide film has padding above it in the input, where no landmark can be."""
    table = LandmarkDetector([replace(dot_finder, net=CornerFinder())]).predict([np.zeros(shape, np.uint8)])
    assert table["flagged"].tolist() == flagged
    assert (table["y"] < 0).tolist() == flagged


def test_identifiers_may_be_given(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "an x-ray.png"), dotted)
    table = LandmarkDetector([dot_finder]).predict({"first": tmp_path / "an x-ray.png", "second": dotted})
    assert table["image_id"].tolist() == ["first"] * 2 + ["second"] * 2


def test_a_missing_file_is_named(dot_finder: TrainedNet, tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=r"nowhere\.png: no such image"):
        LandmarkDetector([dot_finder]).predict([tmp_path / "nowhere.png"])
