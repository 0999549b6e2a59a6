"""The detector as one object, from a folder and from MLflow."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.inputs import DetectorError, by_identifier, pixel_sizes_of
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


@pytest.mark.parametrize("uri", ["runs:/", "runs:/0123456789abcdef", "runs:/0123456789abcdef/", "models:/", "models://x"])
def test_a_uri_that_names_no_model_is_told_what_one_looks_like(uri: str) -> None:
    with pytest.raises(DetectorError, match=rf"^{uri}: not a logged model\. Expected models:/NAME@ALIAS"):
        LandmarkDetector.load(uri)


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
    table = LandmarkDetector.load(checkpoints, DetectorParams(device="cpu")).predict([])
    assert table.empty
    assert pd.api.types.is_string_dtype(table["image_id"])


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=r"no stage1/best\.ckpt.*Run the stage1 pipeline"):
        LandmarkDetector.load(tmp_path)


def test_stages_of_different_landmarks_are_refused(dot_finder: TrainedNet, dot_refiner: TrainedNet) -> None:
    dot_refiner.landmarks = ("p2", "p1")
    with pytest.raises(DetectorError, match="or are in another order"):
        LandmarkDetector([dot_finder], [dot_refiner])


def test_files_of_one_name_go_by_their_folders_too(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    files = [tmp_path / patient / "ceph.png" for patient in ("anna", "bert")]
    for file in files:
        file.parent.mkdir()
        cv2.imwrite(str(file), dotted)
    assert LandmarkDetector([dot_finder]).predict(files)["image_id"].unique().tolist() == ["anna_ceph", "bert_ceph"]
    with pytest.raises(DetectorError, match="given twice"):
        LandmarkDetector([dot_finder]).predict([files[0], files[0]])


def test_a_file_that_has_the_longer_name_of_another_goes_by_its_folder_too() -> None:
    files = ["/d/a/x.png", "/d/b/x.png", "/d/c/a_x.png"]
    assert list(by_identifier(files)) == ["a_x", "b_x", "c_a_x"]
    assert list(by_identifier(["/d/a/x.png", "/d/A/X.png", "/d/c/y.png"]))[2] == "y"


def test_a_file_named_like_an_array_is_told_from_it(dotted: np.ndarray) -> None:
    array, file = by_identifier([dotted, "/d/image_0.png"])
    assert array == "image_0"
    assert file.startswith("image_0-")


def test_a_name_that_cannot_be_an_identifier_is_made_one(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "plain.png"), dotted)
    file = (tmp_path / "plain.png").rename(tmp_path / "Müller Anna (2).png")
    (name,) = LandmarkDetector([dot_finder]).predict([file])["image_id"].unique()
    assert re.fullmatch(IDENTIFIER, name)


@pytest.mark.parametrize("name", [7, 0, None])
def test_a_name_that_is_no_text_is_refused(name: object, dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    images: Any = {name: dotted}
    with pytest.raises(DetectorError, match=rf"{name}: the name of an image is of type {type(name).__name__}, expected text"):
        LandmarkDetector([dot_finder]).predict(images)


def test_a_colour_array_is_refused(dot_finder: TrainedNet) -> None:
    with pytest.raises(DetectorError, match=r"shape \(10, 10, 3\), expected \(height, width\)"):
        LandmarkDetector([dot_finder]).predict([np.zeros((10, 10, 3), np.uint8)])


@pytest.mark.parametrize("kind", [np.float64, np.int32, np.uint32, np.int64, bool])
def test_an_array_of_other_numbers_than_a_film_s_is_refused(dot_finder: TrainedNet, dotted: np.ndarray, kind: type) -> None:
    with pytest.raises(DetectorError, match=rf"image 'a' is of {np.dtype(kind)}, expected uint8 or uint16"):
        LandmarkDetector([dot_finder]).predict({"a": (dotted / 255.0).astype(kind)})


def test_what_is_neither_a_file_nor_an_array_is_refused(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    with pytest.raises(DetectorError, match="image 'image_0' is of type Tensor, expected a file or a NumPy array"):
        LandmarkDetector([dot_finder]).predict([torch.from_numpy(dotted)])
    with pytest.raises(DetectorError, match="image 'a' is of type Image, expected"):
        LandmarkDetector([dot_finder]).predict({"a": Image.fromarray(dotted)})


def test_arrays_of_8_and_of_16_bits_give_the_same_points(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "dotted.npy", dotted)
    mapped = np.load(tmp_path / "dotted.npy", mmap_mode="r")
    table = LandmarkDetector([dot_finder]).predict([dotted, dotted.astype(np.uint16) * 257, mapped])
    for name in ("image_0", "image_1", "image_2"):
        np.testing.assert_allclose(table.loc[table["image_id"] == name, ["x", "y"]], POINTS, atol=0.5)


def test_a_pixel_size_of_0_is_unknown() -> None:
    np.testing.assert_array_equal(pixel_sizes_of([0, 0.1, np.nan, None], ["a", "b", "c", "d"]), [np.nan, 0.1, np.nan, np.nan])
    np.testing.assert_array_equal(pixel_sizes_of(0.0, ["a", "b"]), [np.nan, np.nan])


def test_a_film_without_a_field_of_view_keeps_stage_1s_points_and_costs_the_others_nothing(
    dot_finder: TrainedNet, dot_refiner: TrainedNet, dotted: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    """Its crops are given in mm, and two marks have no face to go by."""
    films = {"known": dotted, "unknown": dotted[:, ::-1]}
    refined = LandmarkDetector([dot_finder], [dot_refiner]).predict(films, pixel_size_mm=[0.1, 0.0]).set_index("image_id")
    whole = LandmarkDetector([dot_finder]).predict(films).set_index("image_id")
    columns = ["x", "y", "sigma_px"]
    pd.testing.assert_frame_equal(refined.loc["unknown", columns], whole.loc["unknown", columns])
    np.testing.assert_allclose(refined.loc["known", ["x", "y"]], POINTS, atol=0.15)
    assert not np.array_equal(refined.loc["known", "sigma_px"], whole.loc["known", "sigma_px"])
    assert (
        "films that show too little of the face for the crops' field of view and have no pixel size: 1 of 2; stage 1's points are"
        in caplog.text
    )


@pytest.mark.parametrize("size", [-0.1, 0.001, 100.0, np.inf])
def test_a_pixel_size_that_no_film_has_is_refused(dot_finder: TrainedNet, dotted: np.ndarray, size: float) -> None:
    message = rf"image 'b': pixel_size_mm is {size:g}, expected millimetres per pixel from 0.02 to 2, or 0 for unknown"
    with pytest.raises(DetectorError, match=message):
        LandmarkDetector([dot_finder]).predict({"a": dotted, "b": dotted}, pixel_size_mm=[0.1, size])


@pytest.mark.parametrize("sizes", [[0.1], [0.1] * 3, [[0.1], [0.1]]], ids=str)
def test_pixel_sizes_are_one_or_one_for_each_image(dot_finder: TrainedNet, dotted: np.ndarray, sizes: list[float]) -> None:
    with pytest.raises(DetectorError, match=r"pixel_size_mm has shape .* for 2 images: give one number, or one number per image"):
        LandmarkDetector([dot_finder]).predict([dotted, dotted], pixel_size_mm=sizes)


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
    film = np.arange(shape[0] * shape[1]).reshape(shape).astype(np.uint8)
    table = LandmarkDetector([replace(dot_finder, net=CornerFinder())]).predict([film])
    assert table["flagged"].tolist() == flagged
    assert (table["y"] < 0).tolist() == flagged


def test_identifiers_may_be_given(dot_finder: TrainedNet, dotted: np.ndarray, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "an x-ray.png"), dotted)
    table = LandmarkDetector([dot_finder]).predict({"first": tmp_path / "an x-ray.png", "second": dotted})
    assert table["image_id"].tolist() == ["first"] * 2 + ["second"] * 2


@pytest.mark.parametrize("grey", [0, 255])
def test_a_film_of_one_grey_level_is_refused(dot_finder: TrainedNet, grey: int, tmp_path: Path) -> None:
    film = np.full((240, 200), grey, np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), film)
    for given, what in (({"a": film}, "image 'a'"), ([tmp_path / "a.png"], str(tmp_path / "a.png"))):
        with pytest.raises(ImageReadError, match=rf"^{what}: empty image: every pixel has the grey level {grey}"):
            LandmarkDetector([dot_finder]).predict(given)


def test_one_image_alone_is_asked_for_as_a_list(dot_finder: TrainedNet, tmp_path: Path) -> None:
    for alone in ("film.png", tmp_path / "film.png"):
        with pytest.raises(DetectorError, match=r"film\.png: a single image, expected a list"):
            LandmarkDetector([dot_finder]).predict(alone)  # type: ignore[arg-type]


def test_images_may_come_one_by_one(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    table = LandmarkDetector([dot_finder]).predict(film for film in [dotted, dotted])  # type: ignore[arg-type]
    assert table["image_id"].unique().tolist() == ["image_0", "image_1"]


def test_pixel_sizes_by_name_are_told_what_is_expected() -> None:
    with pytest.raises(
        DetectorError, match="pixel_size_mm is of type dict: give one number, or one number per image in their order"
    ):
        pixel_sizes_of({"a": 0.1}, ["a"])  # type: ignore[arg-type]


def test_a_missing_file_is_named(dot_finder: TrainedNet, tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=r"nowhere\.png: no such image"):
        LandmarkDetector([dot_finder]).predict([tmp_path / "nowhere.png"])
