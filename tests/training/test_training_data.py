"""Samples of both stages: their targets lie on their pixels, and their randomness on (seed, epoch, image) alone."""

import numpy as np
import pandas as pd
import pytest
import torch

from ceph_pipeline.landmarks import Affine
from ceph_pipeline.training.batch import concatenate
from ceph_pipeline.training.crop_batches import CropDataset, group_by_image
from ceph_pipeline.training.online import cut_out, random_affine
from ceph_pipeline.training.params import OnlineAugmentation
from ceph_pipeline.training.sampling import EpochSampler
from ceph_pipeline.training.whole_images import WholeImageDataset, WholeImages, frame

STRONG = OnlineAugmentation(rotation_deg=15, scale=0.2, shift=0.05, gamma=0.3)


def whole_images(spots, augmentation=None, resize="letterbox"):
    data = WholeImages.from_tables(
        spots.images, spots.landmarks, spots.cvm, spots.measurements, spots.names, ("N_Me_mm",), "consensus"
    )
    return WholeImageDataset(data, spots.cache, (128, 128), resize, seed=3, augmentation=augmentation)


def brightness_at(image, points):
    """Grey level at each point by nearest pixel."""
    x, y = np.rint(points).astype(int).T
    return image[y, x]


def local_peak(image, point, radius=4):
    """The brightness-weighted centre of the window around a point."""
    x0, y0 = (round(float(v)) for v in point)
    window = image[y0 - radius : y0 + radius + 1, x0 - radius : x0 + radius + 1].astype(float)
    weight = np.clip(window - np.quantile(window, 0.6), 0, None)
    ys, xs = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.array([x0 + (weight * xs).sum() / weight.sum(), y0 + (weight * ys).sum() / weight.sum()])


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
@pytest.mark.parametrize("augmentation", [None, STRONG])
def test_whole_image_targets_lie_on_their_spots(spots, augmentation, resize):
    dataset = whole_images(spots, augmentation, resize)
    for item in range(4):
        sample = dataset[5, item]
        image, points = sample.images[0, 0].numpy(), sample.points[0].numpy()
        for point in points:
            assert np.linalg.norm(local_peak(image, point) - point) < 0.6


def test_whole_image_maps_lead_back_to_the_original(spots):
    sample = whole_images(spots, STRONG)[2, 1]
    back = Affine(sample.to_original[0].numpy())(sample.points[0].numpy())
    truth = spots.landmarks[spots.landmarks["image_id"] == "spot_01"][["x", "y"]].to_numpy()
    np.testing.assert_allclose(back, truth, atol=1e-3)


def test_a_sample_depends_on_epoch_and_item_only(spots):
    dataset = whole_images(spots, STRONG)
    first, again, later = dataset[4, 2], dataset[4, 2], dataset[5, 2]
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.points, later.points)


def test_annotations_are_lined_up_on_the_images(spots):
    sample = concatenate([whole_images(spots)[0, item] for item in (0, 7)])
    assert sample.cvm_stage.tolist() == [1, 2]
    assert sample.measurements[:, 0].tolist() == [50.0, 57.0]
    assert sample.pixel_size_mm.tolist() == [0.5, 0.5]


def test_a_missing_point_is_nan_and_keeps_its_channel(spots):
    landmarks = spots.landmarks.copy()
    landmarks.loc[(landmarks["image_id"] == "spot_00") & (landmarks["landmark"] == spots.names[2]), ["x", "y"]] = np.nan
    data = WholeImages.from_tables(spots.images, landmarks, spots.cvm, spots.measurements, spots.names, (), "consensus")
    assert np.isnan(data.points[0]).all(axis=1).tolist() == [False, False, True, False]


def test_letterbox_keeps_the_aspect_and_stretch_does_not():
    assert frame((96, 80), (128, 128), "letterbox").matrix[0, 0] == frame((96, 80), (128, 128), "letterbox").matrix[1, 1]
    stretched = frame((96, 80), (128, 128), "stretch").matrix
    assert (stretched[0, 0], stretched[1, 1]) == (128 / 96, 128 / 80)


def test_no_ranges_mean_no_change():
    none = OnlineAugmentation(rotation_deg=0, scale=0, shift=0, gamma=0, contrast=0, brightness=0)
    np.testing.assert_allclose(random_affine(np.random.default_rng(0), (64, 48), none).matrix, np.eye(2, 3), atol=1e-12)


def test_cut_out_erases_one_square_of_at_most_its_size():
    image = np.ones((100, 100), np.float32)
    cut_out(np.random.default_rng(1), image, OnlineAugmentation(cutout=0.3))
    erased = np.argwhere(image == 0)
    assert 0 < len(erased) <= 30 * 30
    assert (np.ptp(erased, axis=0) < 30).all()


def test_crops_show_their_landmark_at_its_target(spots, crop_table):
    groups = group_by_image(crop_table(3.0), spots.landmarks, spots.images, spots.names)
    sample = CropDataset(groups, spots.store, crop_px=48, crops_per_image=4, seed=1)[0, 0]
    assert sample.images.shape == (4, 1, 48, 48)
    assert sorted(sample.landmark.tolist()) == [0, 1, 2, 3]
    for image, point in zip(sample.images[:, 0].numpy(), sample.points[:, 0].numpy(), strict=True):
        assert np.linalg.norm(local_peak(image, point, radius=6) - point) < 0.7
        assert np.linalg.norm(point - 23.5) == pytest.approx(np.hypot(3, 3) * 2, rel=1e-4)


def test_crops_of_missing_points_are_left_out(spots, crop_table):
    landmarks = spots.landmarks.copy()
    landmarks.loc[landmarks["landmark"] == spots.names[0], ["x", "y"]] = np.nan
    groups = group_by_image(crop_table(0.0).dropna(), landmarks, spots.images, spots.names)
    assert {int(k) for group in groups for k in group.landmark} == {1, 2, 3}


def test_an_epoch_draws_every_item_once_and_the_next_in_another_order():
    sampler = EpochSampler(10, 10, seed=7)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(item for _, item in first) == list(range(10))
    assert {epoch for epoch, _ in second} == {1}
    assert [i for _, i in first] != [i for _, i in second]


def test_more_draws_than_items_take_another_round():
    items = [item for _, item in EpochSampler(4, 10, seed=0)]
    assert len(items) == 10
    assert min(pd.Series(items).value_counts()) >= 2


def test_validation_keeps_order_and_epoch():
    sampler = EpochSampler(3, 3, seed=0, shuffle=False)
    sampler.set_epoch(9)
    assert list(sampler) == [(0, 0), (0, 1), (0, 2)]


def test_the_long_side_is_the_originals(spots, crop_table):
    assert whole_images(spots, STRONG)[0, 0].long_side_px.tolist() == [96.0]
    groups = group_by_image(crop_table(0.0), spots.landmarks, spots.images, spots.names)
    assert CropDataset(groups, spots.store, crop_px=48, crops_per_image=2, seed=1)[0, 0].long_side_px.tolist() == [96.0, 96.0]
