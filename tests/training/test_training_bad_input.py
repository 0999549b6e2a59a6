"""Bad input ends in one error that names the place, the value and the way out."""

import errno
import math

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import CheckpointError, write_tensors
from ceph_pipeline.images import ImageStore
from ceph_pipeline.pipelines.ensemble.nodes import train as train_ensemble
from ceph_pipeline.pipelines.stage1.nodes import train
from ceph_pipeline.training import EnsembleParams, Stage1Params, Stage2Params, TrainingError
from ceph_pipeline.training.label_checks import check_points
from ceph_pipeline.training.params import LoopParams, OptimParams

POINTS = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [np.nan, np.nan]]])


class TestLabels:
    def check(self, points, image_ids=("film_1", "film_2")):
        check_points(points, image_ids, ["film_1", "film_2"], ["Sella", "Nasion"], "stage1, train split")

    def test_numbers_and_missing_points_are_fine(self):
        self.check(POINTS)

    @pytest.mark.parametrize("broken", [(np.nan, 6.0), (5.0, np.inf)])
    def test_half_a_point_is_named(self, broken):
        points = POINTS.copy()
        points[1, 0] = broken
        with pytest.raises(TrainingError, match=r"landmark 'Sella' of image film_2 is at x = .*exclude: \[film_2/Sella\]"):
            self.check(points)

    def test_half_a_point_of_a_copy_is_named_with_its_source_which_is_what_can_be_left_out(self):
        points = POINTS.copy()
        points[1, 0] = np.nan, 6.0
        expected = r"'Sella' of image film_2__flip_0, augmented from film_2, is at x = nan, y = 6\.0.*exclude: \[film_2/Sella\]$"
        with pytest.raises(TrainingError, match=expected):
            self.check(points, ["film_1", "film_2__flip_0"])

    def test_a_split_without_a_visible_landmark(self):
        with pytest.raises(TrainingError, match=r"stage1, train split: none of its 2 images has a visible landmark"):
            self.check(np.full_like(POINTS, np.nan))

    def test_a_landmark_that_no_image_shows_is_said(self, caplog):
        self.check(np.where(np.arange(2)[:, None] == 1, np.nan, POINTS))
        assert "no image has a point for Nasion" in caplog.text


class TestSizes:
    def test_a_batch_larger_than_the_set(self, toy):
        with pytest.raises(
            TrainingError, match=r"a batch of 13 is larger than the training set of 12 images: lower stage1\.optim\.batch_size"
        ):
            toy(optim={"batch_size": 13})

    def test_all_images_in_one_batch(self, toy):
        assert toy(optim={"batch_size": 12, "epochs": 1}).net is not None


class TestUnknownValues:
    @pytest.mark.parametrize(
        ("model", "field", "value"),
        [
            (OptimParams, "schedule", "linear"),
            (OptimParams, "precision", "int8"),
            (OptimParams, "backbone_rate_factor", 0),
            (LoopParams, "monitor", "accuracy"),
            (LoopParams, "find", "epochs"),
            (LoopParams, "patient", 3),
        ],
    )
    def test_a_value_that_there_is_not(self, model, field, value):
        with pytest.raises(ValidationError, match=field):
            model(**{field: value})

    def test_patience_where_no_validation_is_better(self):
        with pytest.raises(ValidationError, match="set patience to null"):
            LoopParams(monitor="last", patience=3)


class TestNumbersThatAreNone:
    def test_a_loss_that_is_nan_stops_the_training_with_epoch_rate_and_way_out(self, toy, toy_net, tmp_path):
        """The third step of the second epoch meets an image whose pixels are NaN."""
        net, calls = toy_net(), []

        def poison(module, inputs):
            calls.append(module.training)
            return (inputs[0] * (math.nan if sum(calls) == 6 else 1),)

        net.register_forward_pre_hook(poison)
        expected = r"loss is nan in step 3, in epoch 2 at a learning rate of 0\.\d+\. Lower stage1\.optim\.learning_rate"
        with pytest.raises(TrainingError, match=expected):
            toy("nan", net=net, optim={"warmup_epochs": 0})
        last = torch.load(tmp_path / "nan" / "last.ckpt", weights_only=True)
        assert last["epoch"] == 0, "the broken epoch is not saved"
        assert all(bool(value.isfinite().all()) for value in last["state_dict"].values())

    def test_a_rate_far_too_high(self, toy):
        with pytest.raises(TrainingError, match=r"Lower stage1\.optim\.learning_rate"):
            toy("inf", net=Exploding(), optim={"learning_rate": 1.0, "warmup_epochs": 0, "epochs": 50})

    def test_a_validation_that_is_nan(self, toy, toy_net):
        net = toy_net()
        net.register_forward_hook(
            lambda module, inputs, output: output if module.training else output._replace(heatmaps=output[0] * math.nan)
        )
        with pytest.raises(TrainingError, match=r"val/loss is nan, in epoch 1 at a learning rate of"):
            toy("nan", net=net)

    def test_one_batch_of_a_validation_that_is_nan(self, toy, toy_net):
        net, calls = toy_net(), []

        def poison(module, inputs, output):
            calls.append(not module.training)
            return output._replace(heatmaps=output[0] * math.nan) if sum(calls) == 2 else output

        net.register_forward_hook(poison)
        with pytest.raises(TrainingError, match=r"val/loss is nan, in epoch 1 at a learning rate of"):
            toy("nan", net=net, optim={"batch_size": 2})


class Exploding(torch.nn.Module):
    """A network whose maps grow without bounds."""

    def __init__(self):
        super().__init__()
        self.backbone = torch.nn.Conv2d(1, 2, 4, 4)
        self.steps = 0

    def forward(self, images):
        from ceph_pipeline.models import LandmarkOutput

        self.steps += self.training
        return LandmarkOutput(self.backbone(images) * 10.0 ** (12 * self.steps), None, None)


class TestAFullDisk:
    def test_the_checkpoint_of_before_stays(self, tmp_path, monkeypatch):
        target = tmp_path / "last.ckpt"
        write_tensors({"epoch": 1}, target)

        def full(content, stream):
            stream.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(torch, "save", full)
        with pytest.raises(CheckpointError, match=r"last\.ckpt cannot be written: No space left on device, .* are free"):
            write_tensors({"epoch": 2}, target)
        assert torch.load(target, weights_only=True) == {"epoch": 1}
        assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]

    def test_torchs_own_writer_meets_the_limit(self, tmp_path):
        """This process may write files of 64 KiB for a moment, as on a disk with so much room."""
        resource = pytest.importorskip("resource", reason="Windows limits no files")
        target = tmp_path / "last.ckpt"
        write_tensors({"epoch": 1}, target)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, limits[1]))
        try:
            with pytest.raises(CheckpointError, match=r"cannot be written: File too large"):
                write_tensors({"epoch": 2, "weights": torch.zeros(10**6)}, target)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert torch.load(target, weights_only=True) == {"epoch": 1}
        assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]

    def test_a_training_whose_disk_fills_up_goes_on_from_its_last_epoch(self, toy, monkeypatch):
        straight, saved = toy("straight"), []
        save = torch.save

        def full_after_two_epochs(content, stream):
            saved.append(content["epoch"])
            if content["epoch"] == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
            save(content, stream)

        with monkeypatch.context() as patch:
            patch.setattr(torch, "save", full_after_two_epochs)
            with pytest.raises(CheckpointError, match=r"Free some space, .* run again"):
                toy("full")
        resumed = toy("full").net.state_dict()
        assert all(torch.equal(value, resumed[name]) for name, value in straight.net.state_dict().items())


def test_a_share_of_a_landmark_that_the_data_set_lacks_is_refused_before_the_training(tmp_path):
    nothing, landmarks = pd.DataFrame(), pd.DataFrame({"landmark": ["Sella", "Nasion", "Sella"]})
    detector = DetectorParams.model_validate({"refinement": {"stage1_share_of": {"Naison": 0.6}}})
    expected = (
        r"stage1_share_of: 'Naison' is not one of the detector's 2 landmarks \(Nasion, Sella\)\. Correct the name, or remove it"
    )
    with pytest.raises(ValueError, match=expected):
        train(nothing, landmarks, nothing, nothing, ImageStore(str(tmp_path)), nothing, tmp_path, Stage1Params(), detector)
    store, paths = ImageStore(str(tmp_path)), [tmp_path / name for name in ("stage1.ckpt", "stage2.ckpt")]
    tables = [nothing, nothing, landmarks, nothing, nothing]
    settings = Stage1Params(), CropParams(), Stage2Params(), EnsembleParams()
    with pytest.raises(ValueError, match=expected):
        train_ensemble(*tables, store, nothing, store, *paths, nothing, tmp_path, *settings, detector)
