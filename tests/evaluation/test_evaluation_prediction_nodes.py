"""Prediction nodes with networks whose answer is known: they look for the image's bright dot."""

import logging

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.images import ImageStore, RawFolder, encode_image
from ceph_pipeline.landmarks.tables import PredictionTable, points_array
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.pipelines.evaluation import prediction_nodes as nodes
from ceph_pipeline.pipelines.stage1.nodes import predict

DOTS = {"train_a": (100.0, 100.0), "valid_a": (210.4, 150.2), "test_a": (120.7, 280.1), "test_b": (180.0, 220.6)}
SIZE = (320, 400)
DEFAULTS = EvaluationParams()
TEN = DetectorParams(views_stage1="ten", views_stage2="ten")

PIXELS = pd.DataFrame({"image_id": list(DOTS), "digest": "as taken"})
"""What ingestion knows of the images' pixels."""


class DotFinder(torch.nn.Module):
    """Brightness is the heatmap."""

    def __init__(self, stride):
        super().__init__()
        self.stride, self.gain = stride, torch.nn.Parameter(torch.tensor(0.1))

    def forward(self, images, landmark=None):
        heatmaps = (functional.avg_pool2d(images, self.stride) * self.gain).relu()
        return LandmarkOutput(heatmaps, None, None) if landmark is None else heatmaps


def trained(stage):
    crops = CropParams(crop_px=64, field_mm=8.0).model_dump()
    whole = stage == "stage1"
    return TrainedNet(
        net=DotFinder(4 if whole else 2).eval(),
        stage=stage,
        landmarks=("p1",),
        input_size=(128, 160) if whole else (64, 64),
        stride=4 if whole else 2,
        sigma_px=1.5,
        activation="linear",
        architecture={},
        facts={"resize": "letterbox", "crops": crops},
    )


@pytest.fixture
def images():
    return pd.DataFrame(
        {
            "image_id": list(DOTS),
            "path": [f"{image_id}.png" for image_id in DOTS],
            "split": [image_id.split("_")[0] for image_id in DOTS],
            "width": SIZE[0],
            "height": SIZE[1],
            "pixel_size_mm": 0.1,
        }
    )


@pytest.fixture
def pixels(tmp_path):
    """Originals, and a cache at half their size."""
    raw, cache = RawFolder(tmp_path / "raw", "aariz"), ImageStore(str(tmp_path / "cache"), format="npy")
    raw.root.mkdir()
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    for image_id, (px, py) in DOTS.items():
        image = (60 + 150 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 12.0**2))).round().astype(np.uint8)
        (raw.root / f"{image_id}.png").write_bytes(encode_image(image, ".png"))
        cache.write(image_id, cv2.resize(image, (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA))
    return raw, cache


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """Two files whose names say the stage; loading is counted."""
    loaded = []

    def load(path, device):
        loaded.append(path.stem)
        return trained(path.stem)

    monkeypatch.setattr("ceph_pipeline.detector.checkpoint.load_checkpoint", load)
    paths = {stage: tmp_path / f"{stage}.ckpt" for stage in ("stage1", "stage2")}
    for path in paths.values():
        path.write_bytes(b"first training")
    return paths, loaded


@pytest.fixture
def stage1(images, pixels, checkpoints, tmp_path):
    def run(params=TEN, images=images, digest="as taken"):
        index = PIXELS.assign(digest=digest)
        return predict(images, pixels[1], index, checkpoints[0]["stage1"], tmp_path / "kept", params)

    return run


@pytest.fixture
def refine(images, pixels, checkpoints, tmp_path):
    def run(start, params=TEN, images=images, settings=DEFAULTS):
        stages = start.assign(stage="stage1"), start.assign(stage="stage1_tta")
        path, folder = checkpoints[0]["stage2"], tmp_path / "kept"
        return nodes.predict_stage2(images, pixels[0], PIXELS, path, *stages, folder, settings, params)

    return run


def errors_px(table):
    found = points_array(table, list(DOTS)[1:], ["p1"])[:, 0]
    return np.linalg.norm(found - np.array(list(DOTS.values())[1:]), axis=1)


class TestPoints:
    def test_all_ten_views_come_back_to_the_dot(self, stage1):
        for name, table in stage1().items():
            if name == "head_outputs":
                continue
            assert errors_px(PredictionTable.validate(table)).max() < 1.5
            assert set(table["stage"]) == {name.removesuffix("_predictions")}

    def test_a_view_of_an_image_is_looked_at_once(self, stage1, monkeypatch):
        seen = []
        whole = DotFinder.forward
        monkeypatch.setattr(DotFinder, "forward", lambda self, images: seen.append(len(images)) or whole(self, images))
        stage1()
        assert sum(seen) == 10 * 3, "three images, ten views; the plain one serves both stages and the other heads"

    def test_views_without_the_plain_frame_leave_stage_1_its_own(self, stage1):
        plain = stage1()["stage1_predictions"]
        grid = stage1(DetectorParams.model_validate({"views_stage1": {"scales": [0.9]}}))
        pd.testing.assert_frame_equal(grid["stage1_predictions"], plain)
        assert errors_px(grid["stage1_tta_predictions"]).max() < 1.5

    def test_training_images_are_not_predicted(self, stage1):
        assert "train_a" not in set(stage1()["stage1_predictions"]["image_id"])

    def test_uncached_images_are_left_to_the_audit(self, images, stage1):
        stranger = images.tail(1).assign(image_id="test_z")
        found = stage1(images=pd.concat([images, stranger]))
        assert "test_z" not in set(found["stage1_predictions"]["image_id"])

    def test_points_of_images_that_are_no_more_are_refused(self, images, stage1, refine):
        start, fewer = stage1()["stage1_predictions"], images[images["image_id"] != images["image_id"].iloc[-1]]
        with pytest.raises(DetectorError, match=r"missing from the images table\. Run the stage1 pipeline again"):
            refine(start, images=fewer)

    def test_refinement_starts_from_given_points_and_finds_the_dot(self, stage1, refine):
        start = stage1()["stage1_predictions"]
        start[["x", "y"]] += 4.0
        table = refine(start)
        for stage in ("stage2", "stage2_tta"):
            assert errors_px(table[table["stage"] == stage]).max() < 0.5 < errors_px(start).min()

    def test_gathered_predictions_hold_each_stage_once(self, stage1):
        one = stage1()["stage1_predictions"]
        both = nodes.gather_predictions(one, one.assign(stage="stage1_tta"))
        assert not both.duplicated(["image_id", "stage", "landmark"]).any()
        assert len(both) == 6


class TestCaching:
    def test_unchanged_inputs_are_not_predicted_again_and_the_log_says_so(self, stage1, checkpoints, caplog):
        first = stage1()
        with caplog.at_level(logging.INFO):
            second = stage1()
        for name, table in first.items():
            pd.testing.assert_frame_equal(table, second[name])
        assert checkpoints[1] == ["stage1"]
        assert "stage1_tta_predictions: up to date, reusing" in caplog.text

    def test_other_pixels_are_predicted_again(self, stage1, checkpoints):
        stage1()
        stage1(digest="taken anew")
        assert checkpoints[1] == ["stage1", "stage1"]

    def test_another_checkpoint_is_predicted_and_named_as_the_reason(self, stage1, checkpoints, caplog):
        stage1()
        checkpoints[0]["stage1"].write_bytes(b"second training")
        with caplog.at_level(logging.INFO):
            stage1()
        assert checkpoints[1] == ["stage1", "stage1"]
        assert "computed again, because these inputs have changed: checkpoint" in caplog.text

    def test_other_views_leave_the_points_of_one_view_as_they_are(self, stage1, checkpoints, monkeypatch):
        """Stage 2 is trained on them, and would be trained again for another last digit."""
        first = stage1()
        monkeypatch.setattr(DotFinder, "forward", _shifted(DotFinder.forward))
        second = stage1(TEN.model_copy(update={"views_stage1": "five"}))
        assert checkpoints[1] == ["stage1", "stage1"]
        pd.testing.assert_frame_equal(first["stage1_predictions"], second["stage1_predictions"], check_exact=True)
        assert not first["stage1_tta_predictions"].equals(second["stage1_tta_predictions"])

    def test_a_grid_spelt_otherwise_is_not_predicted_again(self, stage1, checkpoints):
        for scales in ([0.9, 1.1], [1.1, 0.9]):
            stage1(DetectorParams.model_validate({"views_stage1": {"scales": scales}}))
        assert checkpoints[1] == ["stage1"]

    def test_other_statistics_do_not_refine_again_and_force_does(self, stage1, refine, checkpoints):
        start = stage1()["stage1_predictions"]
        refine(start)
        refine(start, settings=EvaluationParams.model_validate({"statistics": {"n_resamples": 500}}))
        assert checkpoints[1] == ["stage1", "stage2"]
        refine(start, settings=EvaluationParams(force=True))
        assert checkpoints[1] == ["stage1", "stage2", "stage2"]

    def test_interrupted_prediction_is_done_again(self, stage1, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr("ceph_pipeline.detector.tables.predict_whole_images", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                stage1()
        assert len(stage1()["stage1_predictions"]) == 3


def _shifted(forward):
    """A network that answers a little otherwise, as on another device."""
    return lambda self, images: forward(self, images.roll(4, dims=-1))


def _interrupted(*args, **kwargs):
    raise KeyboardInterrupt
