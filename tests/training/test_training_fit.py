"""A training learns, resumes to the same weights, is skipped when nothing changed, and is logged in MLflow."""

import json
import logging
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch

from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.checkpoint import CheckpointError, create_net, load_checkpoint
from ceph_pipeline.training import TrainingError, run
from ceph_pipeline.training.callbacks import EpochLog
from ceph_pipeline.training.distributed.rank import ALONE
from ceph_pipeline.training.params import (
    LoopParams,
    LossParams,
    NetParams,
    OptimParams,
    RefinementNetParams,
    Stage1Params,
    Stage2Params,
)
from ceph_pipeline.training.precision import lightning_precision
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables, cvm_class_weights
from ceph_pipeline.training.stage2 import Stage2Job, Stage2Tables

PIXELS = pd.DataFrame({"image_id": ["spot_00"], "digest": ["as drawn"]})
GENTLE = {"affine": {"rotation_deg": [-3, 3], "scale": [0.95, 1.05], "shift": [-0.02, 0.02]}}


def stage1_params(epochs=2, **loop):
    return Stage1Params(
        net=NetParams(backbone="mobilenetv3_small_050", input_width_px=64, input_height_px=64, dropout=0.1),
        loss=LossParams(kind="cross_entropy", sigma_px=1.0, cvm_weight=0.1),
        optim=OptimParams(
            epochs=epochs,
            batch_size=4,
            learning_rate=2e-3,
            warmup_epochs=1,
            ema_decay=0.9,
            precision="float32",
            schedule="cosine",
        ),
        augmentation=GENTLE,
        loop=LoopParams(seed=1, workers=0, **loop),
    )


def train(spots, folder: Path, params, pixels=PIXELS):
    tables = Stage1Tables(spots.images, spots.landmarks, spots.cvm, pixels)
    return run.train(Stage1Job(tables, spots.cache, params), folder)


@pytest.fixture
def tracking(runs_uri):
    mlflow.set_tracking_uri(runs_uri)
    mlflow.set_experiment("training")
    with mlflow.start_run() as run:
        yield run
    mlflow.set_tracking_uri(None)


def weights(path):
    return load_checkpoint(path).net.state_dict()


def test_training_brings_the_validation_error_down(spots, tmp_path, tracking):
    path = train(spots, tmp_path / "stage1", stage1_params(epochs=12))
    client = mlflow.MlflowClient()
    (child,) = client.search_runs([tracking.info.experiment_id], f"tags.`mlflow.parentRunId` = '{tracking.info.run_id}'")
    curve = [metric.value for metric in client.get_metric_history(child.info.run_id, "val/mre_mm")]
    assert len(curve) == 12
    assert min(curve[-3:]) < 0.5 * curve[0]
    assert child.data.params["stage1.optim.epochs"] == "12"
    inputs = {given.tags[0].value: given.dataset for given in child.inputs.dataset_inputs}
    assert {context: json.loads(dataset.profile)["num_rows"] for context, dataset in inputs.items()} == {
        context: int((spots.images["split"] == split).sum())
        for context, split in (("training", "train"), ("validation", "valid"))
    }
    assert all("spot_0" not in f"{dataset.source}{dataset.schema}{dataset.profile}" for dataset in inputs.values())
    trained = load_checkpoint(path)
    assert trained.landmarks == ("Sella", "Nasion", "Menton", "Gonion")
    assert trained.facts["measurements"] == ["N_Me_px", "S_Go_px", "Jarabak_pct"]  # what four points allow


def test_a_training_that_was_interrupted_ends_with_the_same_weights(spots, tmp_path, monkeypatch):
    straight = weights(train(spots, tmp_path / "straight", stage1_params(epochs=4)))

    def interrupt(self, trainer, pl_module):
        if trainer.current_epoch == 2:
            raise ConnectionError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(EpochLog, "on_train_epoch_end", interrupt)
        with pytest.raises(ConnectionError):
            train(spots, tmp_path / "broken", stage1_params(epochs=4))
    assert (tmp_path / "broken" / "last.ckpt").is_file()
    resumed = weights(train(spots, tmp_path / "broken", stage1_params(epochs=4)))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert not (tmp_path / "broken" / "last.ckpt").exists()


def test_the_same_training_is_skipped_and_another_is_not(spots, tmp_path, caplog):
    first = train(spots, tmp_path, stage1_params(epochs=1))
    made = first.stat().st_mtime_ns
    with caplog.at_level(logging.INFO):
        train(spots, tmp_path, stage1_params(epochs=1))
    assert first.stat().st_mtime_ns == made
    assert "skipped" in caplog.text
    more_workers = stage1_params(epochs=1)
    more_workers = more_workers.model_copy(update={"loop": more_workers.loop.model_copy(update={"workers": 2})})
    train(spots, tmp_path, more_workers)
    assert first.stat().st_mtime_ns == made
    train(spots, tmp_path, stage1_params(epochs=1, force=True))
    forced = first.stat().st_mtime_ns
    assert forced > made
    train(spots, tmp_path, stage1_params(epochs=1), PIXELS.assign(digest="drawn anew"))
    assert first.stat().st_mtime_ns > forced


@pytest.mark.parametrize(("landmarks", "metric"), [(True, "val/mre_px"), (False, "val/mre_mm")])
def test_a_film_without_a_pixel_size_counts_where_it_shows_a_landmark(spots, landmarks, metric):
    film = spots.images.loc[spots.images["split"] == "valid", "image_id"].iloc[0]
    images = spots.images.assign(pixel_size_mm=spots.images["pixel_size_mm"].mask(spots.images["image_id"] == film))
    points = spots.landmarks if landmarks else spots.landmarks[spots.landmarks["image_id"] != film]
    tables = Stage1Tables(images, points, spots.cvm, PIXELS)
    assert Stage1Job(tables, spots.cache, stage1_params()).prepare(ALONE)[1].metric == metric


def test_a_path_that_does_not_exist_leaves_the_finished_network_where_it_is(spots, tmp_path):
    first = train(spots, tmp_path, stage1_params(epochs=1))
    content = first.read_bytes()
    typo = stage1_params(epochs=1)
    typo = typo.model_copy(update={"net": typo.net.model_copy(update={"pretrained": "/no/such.ckpt"})})
    with pytest.raises(ValueError, match=r"/no/such\.ckpt: no such checkpoint"):
        train(spots, tmp_path, typo)
    assert first.read_bytes() == content
    train(spots, tmp_path, stage1_params(epochs=1))
    assert first.read_bytes() == content


def test_stage2_learns_to_find_the_point_in_its_crop(spots, crop_table, tmp_path, tracking):
    crops = crop_table(2.0)
    params = Stage2Params(
        net=RefinementNetParams(backbone="mobilenetv3_small_050", stride=4),
        loss=LossParams(kind="combined", sigma_px=1.5, cvm_weight=0.0, wing_ramp_epochs=1),
        optim=OptimParams(epochs=6, batch_size=16, learning_rate=3e-3, schedule="one_cycle", precision="float32"),
        loop=LoopParams(seed=1, workers=0),
        crops_per_epoch=128,
        crops_per_image=4,
        valid_crops=16,
    )
    tables = Stage2Tables(crops, spots.images, spots.landmarks, PIXELS)
    path = run.train(Stage2Job(tables, spots.store, CropParams(crop_px=32), params), tmp_path / "stage2")
    trained = load_checkpoint(path)
    assert (trained.stage, trained.input_size, trained.activation) == ("stage2", (32, 32), "linear")
    assert trained.facts["crops"]["crop_px"] == 32
    client = mlflow.MlflowClient()
    (child,) = client.search_runs([tracking.info.experiment_id], f"tags.`mlflow.parentRunId` = '{tracking.info.run_id}'")
    curve = [metric.value for metric in client.get_metric_history(child.info.run_id, "val/mre_px")]
    assert min(curve) < 0.8 * curve[0]


def test_an_empty_split_is_named(spots, tmp_path):
    only_train = spots._replace(images=spots.images[spots.images["split"] == "train"])
    with pytest.raises(TrainingError, match=r"a split has no images \(train \d+, valid 0\)"):
        train(only_train, tmp_path, stage1_params())


def test_a_missing_a_damaged_and_a_dangerous_checkpoint_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="Train the network first"):
        load_checkpoint(tmp_path / "none.ckpt")
    (tmp_path / "damaged.ckpt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(CheckpointError, match=r"damaged\.ckpt"):
        load_checkpoint(tmp_path / "damaged.ckpt")
    torch.save({"format": 1, "code": Path}, tmp_path / "dangerous.ckpt")
    with pytest.raises(CheckpointError, match="rejected"):
        load_checkpoint(tmp_path / "dangerous.ckpt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "foreign.ckpt")
    with pytest.raises(CheckpointError, match="not a checkpoint of this project"):
        load_checkpoint(tmp_path / "foreign.ckpt")
    torch.save({"format": 1}, tmp_path / "hollow.ckpt")
    with pytest.raises(CheckpointError, match=r"hollow\.ckpt: not a checkpoint that training writes"):
        load_checkpoint(tmp_path / "hollow.ckpt")


def test_rare_stages_weigh_more_and_the_mean_over_images_is_one():
    stages = np.array([0, 1, 1, 1, 1, 2])
    heavy = cvm_class_weights(stages)
    assert heavy[1] == pytest.approx(2 * heavy[0])
    assert (4 * heavy[0] + heavy[1]) / 5 == pytest.approx(1)
    assert heavy[2:] == [1.0] * 4


def test_precision_auto_follows_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert lightning_precision("auto") == "bf16-mixed"
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert lightning_precision("auto") == "32-true"
    assert lightning_precision("float16") == "16-mixed"


@pytest.mark.parametrize(
    ("batch_size", "way_out"), [(100, "Set it to 96 or 128"), (31, "Set it to 32"), (33, "Set it to 32 or 64")]
)
def test_a_batch_of_crops_that_is_no_multiple_of_whole_sources_is_refused(batch_size, way_out):
    with pytest.raises(ValueError, match=rf"optim\.batch_size is {batch_size}; expected a multiple .* = 32, .*\. {way_out}, or"):
        Stage2Params(optim=OptimParams(batch_size=batch_size), crops_per_image=32)


def test_few_images_are_drawn_several_times_for_an_epoch_of_stage_1(spots):
    few = spots.images[(spots.images["split"] != "train") | spots.images["image_id"].isin(spots.images["image_id"][:3])]
    params = stage1_params().model_copy(update={"images_per_epoch": 8})
    tables = Stage1Tables(few, spots.landmarks, spots.cvm, PIXELS)
    data = Stage1Job(tables, spots.cache, params).prepare(ALONE)[1]
    assert [len(batch.images) for batch in data.train_dataloader()] == [4, 4]
    items = [item for _, item in data.train_sampler]
    assert sorted(items.count(item) for item in range(3)) == [2, 3, 3]


def stage2_params(batch_size: int, **fields: int) -> Stage2Params:
    net = RefinementNetParams(backbone="mobilenetv3_small_050")
    return Stage2Params(net=net, optim=OptimParams(batch_size=batch_size), loop=LoopParams(workers=0), **fields)


def test_each_batch_of_stage_2_holds_as_many_crops_as_was_asked_for(spots, crop_table):
    params = stage2_params(6, crops_per_epoch=48, crops_per_image=3, valid_crops=16)
    job = Stage2Job(
        Stage2Tables(crop_table(2.0), spots.images, spots.landmarks, PIXELS), spots.store, CropParams(crop_px=32), params
    )
    data = job.prepare(ALONE)[1]
    assert [len(batch.images) for batch in data.train_dataloader()] == [6] * 8
    data.shrink()
    assert [len(batch.images) for batch in data.train_dataloader()] == [3] * 16
    assert (data.plan.accumulate, data.plan.batches) == (2, 16)


def test_images_with_few_crops_make_the_same_batches_and_epochs_of_stage_2(spots, crop_table):
    """Four crops an image, of 32 asked for: a batch of 64 holds 16 sources, an epoch of 1,000 crops 250 draws."""
    params = stage2_params(64, crops_per_epoch=1000, crops_per_image=32)
    tables = Stage2Tables(crop_table(2.0), spots.images, spots.landmarks, PIXELS)
    data = Stage2Job(tables, spots.store, CropParams(crop_px=32), params).prepare(ALONE)[1]
    assert (data.plan.items, data.plan.batches, len(data.train_sampler)) == (16, 15, 250)
    assert len(next(iter(data.train_dataloader())).images) == 64


def test_building_a_net_leaves_the_generators_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    create_net("stage2", {"backbone": "mobilenetv3_small_050", "n_landmarks": 2, "stride": 4}, seed=1)
    assert torch.equal(torch.rand(1), expected)
