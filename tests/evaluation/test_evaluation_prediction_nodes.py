"""Prediction nodes with networks whose answer is known: they look for the image's bright dot."""

import logging

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.evaluation import EvaluationError, EvaluationParams
from ceph_pipeline.images import ImageStore, RawFolder, encode_image
from ceph_pipeline.landmarks.tables import PredictionTable, points_array
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.pipelines.evaluation import ensemble_nodes
from ceph_pipeline.pipelines.evaluation import prediction_nodes as nodes
from ceph_pipeline.training.folds import checkpoint_table

DOTS = {"train_a": (100.0, 100.0), "valid_a": (210.4, 150.2), "test_a": (120.7, 280.1), "test_b": (180.0, 220.6)}
SIZE = (320, 400)
DEFAULTS = EvaluationParams()

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
def stage1_tta(images, pixels, checkpoints, tmp_path):
    def run(params=DEFAULTS, images=images, digest="as taken"):
        index = PIXELS.assign(digest=digest)
        return nodes.predict_stage1_tta(images, pixels[1], index, checkpoints[0]["stage1"], tmp_path / "kept", params)

    return run


def errors_px(table):
    found = points_array(table, list(DOTS)[1:], ["p1"])[:, 0]
    return np.linalg.norm(found - np.array(list(DOTS.values())[1:]), axis=1)


class TestPoints:
    def test_all_ten_views_come_back_to_the_dot(self, stage1_tta):
        table = stage1_tta()
        assert errors_px(table).max() < 1.5
        assert set(table["stage"]) == {"stage1_tta"}
        PredictionTable.validate(table)

    def test_training_images_are_not_predicted(self, stage1_tta):
        assert "train_a" not in set(stage1_tta()["image_id"])

    def test_uncached_images_are_left_to_the_audit(self, images, stage1_tta):
        stranger = images.tail(1).assign(image_id="test_z")
        assert "test_z" not in set(stage1_tta(images=pd.concat([images, stranger]))["image_id"])

    def test_points_of_images_that_are_no_more_are_refused(self, images, pixels, checkpoints, stage1_tta, tmp_path):
        start, fewer = stage1_tta(), images[images["image_id"] != images["image_id"].iloc[-1]]
        with pytest.raises(EvaluationError, match=r"which the images table does not have\. Run the stage1 pipeline again"):
            nodes.predict_stage2(fewer, pixels[0], PIXELS, checkpoints[0]["stage2"], start, tmp_path / "kept", DEFAULTS)

    def test_refinement_starts_from_given_points_and_finds_the_dot(self, images, pixels, checkpoints, stage1_tta, tmp_path):
        start = stage1_tta()
        start[["x", "y"]] += 4.0
        for node, stage in ((nodes.predict_stage2, "stage2"), (nodes.predict_stage2_tta, "stage2_tta")):
            table = node(images, pixels[0], PIXELS, checkpoints[0]["stage2"], start, tmp_path / "kept", DEFAULTS)
            assert errors_px(table).max() < 0.5 < errors_px(start).min()
            assert set(table["stage"]) == {stage}

    def test_gathered_predictions_hold_each_stage_once(self, stage1_tta):
        one = stage1_tta()
        both = nodes.gather_predictions(one.assign(stage="stage1"), one)
        assert not both.duplicated(["image_id", "stage", "landmark"]).any()
        assert len(both) == 6


class TestKeeping:
    def test_unchanged_inputs_are_not_predicted_again_and_the_log_says_so(self, stage1_tta, checkpoints, caplog):
        first = stage1_tta()
        with caplog.at_level(logging.INFO):
            second = stage1_tta()
        pd.testing.assert_frame_equal(first, second)
        assert checkpoints[1] == ["stage1"]
        assert "stage1_tta: nothing has changed" in caplog.text

    def test_other_pixels_are_predicted_again(self, stage1_tta, checkpoints):
        stage1_tta()
        stage1_tta(digest="taken anew")
        assert checkpoints[1] == ["stage1", "stage1"]

    def test_another_checkpoint_is_predicted_and_named_as_the_reason(self, stage1_tta, checkpoints, caplog):
        stage1_tta()
        checkpoints[0]["stage1"].write_bytes(b"second training")
        with caplog.at_level(logging.INFO):
            stage1_tta()
        assert checkpoints[1] == ["stage1", "stage1"]
        assert "other than before: checkpoint" in caplog.text

    def test_other_views_are_predicted_but_other_statistics_are_not(self, stage1_tta, checkpoints):
        stage1_tta()
        stage1_tta(EvaluationParams.model_validate({"statistics": {"n_resamples": 500}}))
        assert checkpoints[1] == ["stage1"]
        stage1_tta(EvaluationParams.model_validate({"tta": {"views_stage1": "five"}}))
        assert checkpoints[1] == ["stage1", "stage1"]

    def test_a_grid_spelt_otherwise_is_not_predicted_again(self, stage1_tta, checkpoints):
        for scales in ([0.9, 1.1], [1.1, 0.9]):
            table = stage1_tta(EvaluationParams.model_validate({"tta": {"views_stage1": {"scales": scales}}}))
            assert errors_px(table).max() < 1.5
        assert checkpoints[1] == ["stage1"]

    def test_force_predicts_again(self, stage1_tta, checkpoints):
        stage1_tta()
        stage1_tta(EvaluationParams(force=True))
        assert checkpoints[1] == ["stage1", "stage1"]

    def test_interrupted_prediction_is_done_again(self, stage1_tta, checkpoints, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr("ceph_pipeline.detector.whole_image.predict_whole", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                stage1_tta()
        assert len(stage1_tta()) == 3


class TestFolds:
    """Two further detectors beside the main one; every network finds the dot."""

    @pytest.fixture
    def members(self, checkpoints, tmp_path):
        folder = tmp_path / "folds"
        tables = []
        for stage in ("stage1", "stage2"):
            for fold in (0, 1):
                path = folder / str(fold) / f"{stage}.ckpt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(f"{stage} without fold {fold}".encode())
            tables.append(checkpoint_table({fold: folder / str(fold) / f"{stage}.ckpt" for fold in (0, 1)}, folder))
        return folder, *tables

    def test_all_detectors_locate_the_other_images_together(self, images, pixels, checkpoints, members, tmp_path, caplog):
        paths, loaded = checkpoints
        folder, stage1, stage2 = members
        arguments = [
            images,
            *pixels,
            PIXELS,
            paths["stage1"],
            paths["stage2"],
            stage1,
            stage2,
            folder,
            tmp_path / "kept",
            DEFAULTS,
        ]
        with caplog.at_level(logging.INFO):
            table = ensemble_nodes.predict_ensemble(*arguments)
        assert "the main detector and those trained without fold 0, 1" in caplog.text
        assert loaded == ["stage1"] * 3 + ["stage2"] * 3
        assert set(table["stage"]) == {"ensemble"}
        assert errors_px(PredictionTable.validate(table)).max() < 0.5
        ensemble_nodes.predict_ensemble(*arguments)
        assert len(loaded) == 6, "kept until a network changes"

    def test_one_detector_alone_is_no_ensemble(self, images, pixels, checkpoints, tmp_path):
        paths, loaded = checkpoints
        alone = checkpoint_table({}, tmp_path)
        table = ensemble_nodes.predict_ensemble(
            images, *pixels, PIXELS, paths["stage1"], paths["stage2"], alone, alone, tmp_path, tmp_path / "kept", DEFAULTS
        )
        assert table.empty
        assert not loaded

    def test_training_images_are_refined_by_the_network_without_their_fold(
        self, images, pixels, checkpoints, members, tmp_path, monkeypatch
    ):
        folder, _, stage2 = members
        folds = pd.DataFrame({"image_id": ["train_a"], "fold": [1]})
        start = pd.DataFrame(
            {"image_id": ["train_a"], "stage": "stage1", "landmark": "p1", "x": [110.0], "y": [95.0], "sigma_px": [9.0]}
        )
        asked = []
        monkeypatch.setattr(
            ensemble_nodes,
            "refined_points",
            lambda *seen: asked.append(seen[1:3]) or start.assign(stage=seen[0], x=100.0, y=100.0),
        )
        table = ensemble_nodes.predict_out_of_fold(
            folds, start, stage2[stage2["fold"] == 1], images, pixels[0], PIXELS, folder, tmp_path / "kept", DEFAULTS
        )
        ((checkpoints_asked, rows),) = asked
        assert checkpoints_asked == [folder / "1" / "stage2.ckpt"]
        assert rows["image_id"].tolist() == ["train_a"]
        assert table["stage"].tolist() == ["stage1", "stage2"]

    def test_folds_without_a_stage_2_are_left_out_of_both_stages(
        self, images, pixels, checkpoints, members, tmp_path, monkeypatch
    ):
        folder, _, stage2 = members
        folds = pd.DataFrame({"image_id": ["train_a", "valid_a"], "fold": [1, 0]})
        start = pd.DataFrame({"image_id": ["train_a", "valid_a"], "stage": "stage1", "landmark": "p1", "x": 110.0, "y": 95.0})
        monkeypatch.setattr(ensemble_nodes, "refined_points", lambda *seen: seen[2].assign(stage=seen[0]))
        table = ensemble_nodes.predict_out_of_fold(
            folds, start, stage2[stage2["fold"] == 1], images, pixels[0], PIXELS, folder, tmp_path / "kept", DEFAULTS
        )
        assert table["image_id"].tolist() == ["train_a", "train_a"]
        assert table["stage"].tolist() == ["stage1", "stage2"]


def _interrupted(*args, **kwargs):
    raise KeyboardInterrupt
