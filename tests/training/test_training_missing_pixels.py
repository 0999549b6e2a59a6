"""Pixels that somebody has deleted or damaged end a training in one message, from wherever they are read."""

import shutil

import pytest

from ceph_pipeline.images import ImageReadError, ImageStore
from ceph_pipeline.training import TrainingError, run
from ceph_pipeline.training.crop_batches import CropDataset, group_by_image
from ceph_pipeline.training.fit import own_words
from ceph_pipeline.training.params import LoopParams, LossParams, NetParams, OptimParams, Stage1Params
from ceph_pipeline.training.stage1 import Stage1Job, Stage1Tables


@pytest.fixture
def cache(spots, tmp_path):
    """A copy of the cache, to be spoilt."""
    shutil.copytree(spots.cache.path, tmp_path / "cache")
    return ImageStore(str(tmp_path / "cache"), format="npy")


@pytest.fixture
def train(spots, cache, tmp_path):
    """Trains stage 1 with one data-loading process."""
    pixels = spots.images[["image_id"]].assign(digest="as drawn")
    tables = Stage1Tables(spots.images, spots.landmarks, spots.cvm, pixels)
    params = Stage1Params(
        net=NetParams(backbone="mobilenetv3_small_050", input_width_px=64, input_height_px=64),
        loss=LossParams(cvm_weight=0.0),
        optim=OptimParams(epochs=1, batch_size=4, precision="float32"),
        loop=LoopParams(workers=1),
    )
    return lambda: run.train(Stage1Job(tables, cache, params), tmp_path / "stage1")


def test_what_is_gone_is_named_before_the_first_epoch(train, cache, tmp_path):
    """Image 10 is one of the validation split, which would be read only after the first epoch."""
    cache.discard(["spot_10"])
    expected = rf"^{cache.path}/spot_10\.npy does not exist\. Run the pipeline that fills the store again"
    with pytest.raises(ImageReadError, match=expected):
        train()
    assert not (tmp_path / "stage1" / "last.ckpt").exists()


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            lambda file: file.write_bytes(b"cut"),
            r"spot_10\.npy: damaged \(.*\)\. Delete it and run the node that writes it again\.",
        ),
        (lambda file: file.unlink(), r"spot_10\.npy does not exist\. Run the pipeline .* again.* augmentation for the copies\."),
    ],
    ids=["damaged", "deleted meanwhile"],
)
def test_what_a_data_loading_process_cannot_read_is_one_message_without_its_traceback(
    train, cache, tmp_path, monkeypatch, spoil, expected
):
    monkeypatch.setattr(ImageStore, "require", lambda *_: None)  # the file goes after the training has begun
    spoil(tmp_path / "cache" / "spot_10.npy")
    with pytest.raises(TrainingError, match=rf"^stage1: {cache.path}/{expected} Then run the same command to resume") as caught:
        train()
    assert "Traceback" in str(caught.value.__cause__), "it did come from another process"
    assert "\n" not in str(caught.value)


def test_crops_miss_their_source_beforehand(spots, crop_table, tmp_path):
    groups = group_by_image(crop_table(3.0), spots.landmarks, spots.images, spots.names)
    with pytest.raises(ImageReadError, match=r"spot_00\.png does not exist, and 11 other required images are missing too"):
        CropDataset(groups, ImageStore(str(tmp_path / "empty")), crop_px=48, crops_per_image=2, seed=1)


def test_a_crop_index_of_other_images_is_refused(spots, crop_table):
    with pytest.raises(
        TrainingError, match=r"spot_03 of the crop index is not in the images table, 9 such .*Run the crops pipel"
    ):
        group_by_image(crop_table(3.0), spots.landmarks, spots.images.iloc[:3], spots.names)


def test_an_error_of_this_process_has_its_own_words():
    assert own_words(ImageReadError("a.npy: damaged")) == "a.npy: damaged"
