"""Predictions beside the headline, with networks whose answer is known: they look for the image's bright dot."""

import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.images import ImageStore, RawFolder, encode_image
from ceph_pipeline.landmarks.tables import PredictionTable, points_array
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.pipelines.evaluation import measurement_nodes as nodes
from ceph_pipeline.pipelines.evaluation import prediction_nodes
from ceph_pipeline.pipelines.stage1.nodes import predict

SIZE = (320, 400)
DOTS = {"train_a": (100.0, 100.0), "train_b": (200.0, 300.0), "valid_a": (210.4, 150.2), "test_a": (120.7, 280.1)}
KINDS = (("original", 0), ("flip", 0), ("brightness", 0))


class DotFinder(torch.nn.Module):
    """Brightness is the heatmap; the image's mean grey decides the CVM stage and the one measurement."""

    def __init__(self, stride, heads):
        super().__init__()
        self.stride, self.heads, self.gain = stride, heads, torch.nn.Parameter(torch.tensor(0.1))

    def forward(self, images, landmark=None):
        heatmaps = (functional.avg_pool2d(images, self.stride) * self.gain).relu()
        if landmark is not None:
            return heatmaps
        ones = torch.ones(len(images), 5)
        ones[:, 3:] = -1  # above stages 1, 2 and 3, not above 4
        return (
            LandmarkOutput(heatmaps, ones, torch.full((len(images), 1), 2.0))
            if self.heads
            else LandmarkOutput(heatmaps, None, None)
        )


def trained(stage, heads=True):
    whole = stage == "stage1"
    facts = {"resize": "letterbox", "crops": CropParams(crop_px=64, field_mm=8.0).model_dump()}
    scores = {"measurements": ["FMA"], "measurement_mean": [25.0], "measurement_sd": [4.0]}
    return TrainedNet(
        net=DotFinder(4 if whole else 2, heads).eval(),
        stage=stage,
        landmarks=("p1",),
        input_size=(128, 160) if whole else (64, 64),
        stride=4 if whole else 2,
        sigma_px=1.5,
        activation="linear",
        architecture={},
        facts=facts | scores,
    )


def dot(x, y):
    grid_y, grid_x = np.mgrid[: SIZE[1], : SIZE[0]]
    return (60 + 150 * np.exp(-((grid_x - x) ** 2 + (grid_y - y) ** 2) / (2 * 12.0**2))).round().astype(np.uint8)


def half(image):
    return cv2.resize(image, (SIZE[0] // 2, SIZE[1] // 2), interpolation=cv2.INTER_AREA)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Sources, their copies and both checkpoints; `loaded` counts what was read."""
    raw, cache = RawFolder(tmp_path / "raw", "aariz"), ImageStore(str(tmp_path / "cache"), format="npy")
    full, small = ImageStore(str(tmp_path / "full")), ImageStore(str(tmp_path / "small"), format="npy")
    raw.root.mkdir()
    copies, points = [], []
    for source, (x, y) in DOTS.items():
        image = dot(x, y)
        (raw.root / f"{source}.png").write_bytes(encode_image(image, ".png"))
        cache.write(source, half(image))
        for kind, copy in KINDS:
            changed = image[:, ::-1].copy() if kind == "flip" else image
            name = f"{source}__{kind}_{copy}"
            full.write(name, changed)
            small.write(name, half(changed))
            copies.append((name, source, kind, copy, source.split("_")[0]))
            points.append((name, "consensus", "p1", SIZE[0] - 1 - x if kind == "flip" else x, y))
    images = pd.DataFrame({"image_id": list(DOTS), "path": [f"{name}.png" for name in DOTS]})
    sized = {"width": SIZE[0], "height": SIZE[1], "pixel_size_mm": 0.1}
    loaded = []

    def load(path, device):
        loaded.append(path.stem)
        return trained(path.stem)

    monkeypatch.setattr("ceph_pipeline.detector.checkpoint.load_checkpoint", load)
    for stage in ("stage1", "stage2"):
        (tmp_path / f"{stage}.ckpt").write_bytes(b"trained")
    return SimpleNamespace(
        raw=raw, cache=cache, full=full, small=small, loaded=loaded, folder=tmp_path / "kept",
        images=images.assign(split=[name.split("_")[0] for name in DOTS], **sized),
        index=pd.DataFrame({"image_id": list(DOTS), "digest": "as taken"}),
        copied=pd.DataFrame(copies, columns=["image_id", "source_id", "kind", "copy", "split"]).assign(**sized),
        landmarks=pd.DataFrame(points, columns=["image_id", "reader", "landmark", "x", "y"]),
        checkpoints=(tmp_path / "stage1.ckpt", tmp_path / "stage2.ckpt"),
    )  # fmt: skip


def params(**changes):
    return EvaluationParams.model_validate(changes)


def predict_copies(world, **changes):
    args = (world.copied, world.small, world.full, world.checkpoints[0], world.folder)
    return prediction_nodes.predict_copies(*args, params(**changes), DetectorParams(), world.checkpoints[1])


def predict_training_sample(world, **changes):
    args = (world.images, world.copied, world.raw, world.cache, world.index, world.checkpoints[0], world.folder)
    return prediction_nodes.predict_training_sample(*args, params(**changes), DetectorParams(), world.checkpoints[1])


def predict_heads(world):
    args = (world.images, world.cache, world.index, world.checkpoints[0], world.folder)
    return predict(*args, DetectorParams())["head_outputs"]


class TestCopies:
    def test_only_copies_of_the_split_are_predicted_and_no_original_again(self, world):
        table = predict_copies(world)
        assert set(table["image_id"]) == {"test_a__flip_0", "test_a__brightness_0"}
        assert set(table["stage"]) == {"stage1", "stage2"}
        PredictionTable.validate(table)

    def test_the_dot_is_found_in_the_copy_s_own_pixels(self, world):
        errors = nodes.compute_copy_errors(predict_copies(world), world.landmarks, world.copied, params())
        assert errors["error_px"].max() < 1.5
        assert errors.loc[errors["stage"] == "stage2", "error_px"].max() < 0.5

    def test_stage_2_alone_still_starts_from_stage_1(self, world):
        assert set(predict_copies(world, robustness={"stages": ["stage2"]})["stage"]) == {"stage2"}

    def test_stage_1_alone_does_not_load_stage_2(self, world):
        assert set(predict_copies(world, robustness={"stages": ["stage1"]})["stage"]) == {"stage1"}
        assert world.loaded == ["stage1"]

    def test_other_splits_on_request(self, world):
        table = predict_copies(world, robustness={"splits": ["valid", "test"], "stages": ["stage1"]})
        assert {name.split("_")[0] for name in table["image_id"]} == {"valid", "test"}

    def test_training_copies_cannot_be_asked_for(self):
        with pytest.raises(ValueError, match="'valid' or 'test'"):
            params(robustness={"splits": ["train"]})

    def test_switched_off_nothing_is_loaded(self, world):
        assert predict_copies(world, robustness=None).empty
        assert world.loaded == []

    def test_a_split_without_copies_has_no_rows_and_no_errors(self, world):
        world.copied = world.copied[world.copied["kind"] == "original"]
        table = PredictionTable.validate(predict_copies(world))
        errors = nodes.compute_copy_errors(table, world.landmarks, world.copied, params())
        assert nodes.tabulate_robustness(errors, world.copied, errors, params()).empty

    def test_unchanged_copies_stand_and_other_pixels_do_not(self, world, caplog):
        predict_copies(world)
        assert predict_copies(world).shape == (4, 7)
        assert world.loaded == ["stage1", "stage2"]
        world.small.write("test_a__flip_0", half(dot(50, 50)))
        with caplog.at_level(logging.INFO):
            predict_copies(world)
        assert "computed again, because these inputs have changed: pixels" in caplog.text


class TestTrainingSample:
    def test_training_sources_are_found_where_they_are(self, world):
        table = predict_training_sample(world)
        found = points_array(table[table["stage"] == "stage2"], ["train_a", "train_b"], ["p1"])[:, 0]
        assert np.linalg.norm(found - np.array([DOTS["train_a"], DOTS["train_b"]]), axis=1).max() < 0.5

    def test_what_the_audit_excluded_was_not_learned_and_is_not_predicted(self, world):
        world.copied = world.copied[world.copied["source_id"] != "train_b"]
        assert set(predict_training_sample(world)["image_id"]) == {"train_a"}

    def test_as_many_as_asked_for_and_the_same_ones_each_time(self, world):
        first = predict_training_sample(world, training_images=1)
        assert len(set(first["image_id"])) == 1
        pd.testing.assert_frame_equal(first, predict_training_sample(world, training_images=1))
        assert world.loaded == ["stage1", "stage2"]

    def test_none_on_request(self, world):
        assert predict_training_sample(world, training_images=0).empty
        assert world.loaded == []


class TestHeads:
    def test_stage_and_measurement_in_their_own_units(self, world):
        table = predict_heads(world).set_index(["image_id", "output"])["value"]
        assert set(table.index.get_level_values(0)) == {"valid_a", "test_a"}
        assert table[("test_a", "cvm_stage")] == 4  # three questions answered with yes
        assert 0.25 < table[("test_a", "cvm_probability")] <= 1
        assert table[("test_a", "FMA")] == pytest.approx(25 + 2 * 4)  # two standard deviations above the mean

    def test_a_network_without_heads_gives_no_rows(self, world, monkeypatch):
        monkeypatch.setattr(
            "ceph_pipeline.detector.checkpoint.load_checkpoint", lambda path, device: trained(path.stem, heads=False)
        )
        table = predict_heads(world)
        assert table.empty
        assert list(table.columns) == ["image_id", "output", "value"]
