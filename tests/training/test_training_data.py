"""Samples of both stages: their targets lie on their pixels, and their randomness on (seed, epoch, image) alone."""

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from ceph_pipeline.augmentation import Source
from ceph_pipeline.crops import CropParams
from ceph_pipeline.detector.framing import frame
from ceph_pipeline.images import ImageStore
from ceph_pipeline.images.normalise import normalise, raise_levels
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.training import crop_batches
from ceph_pipeline.training.augment_online import UNCHANGED, Drawn, draw_changes
from ceph_pipeline.training.batch import concatenate, sample_rng
from ceph_pipeline.training.crop_batches import CropDataset, group_by_image
from ceph_pipeline.training.params import Stage1Params
from ceph_pipeline.training.sampling import EpochSampler, device_weights, weighted_draws
from ceph_pipeline.training.whole_images import WholeImageDataset, WholeImages


def recipe(**kinds):
    """Kinds on the fly, as the parameters read them."""
    return Stage1Params.model_validate({"augmentation": kinds}).augmentation


STRONG = recipe(
    affine={"rotation_deg": [-15, 15], "scale": [0.8, 1.2], "shift": [-0.05, 0.05]},
    flip={"probability": 0.5},
    gamma={"gammas": [[0.7, 1.4]]},
)


def whole_images(spots, augmentation=None, resize="letterbox", input_gamma=1.0):
    data = WholeImages.from_tables(spots.images, spots.landmarks, spots.cvm, spots.names, "consensus")
    return WholeImageDataset(data, spots.cache, (128, 128), resize, seed=3, augmentation=augmentation, input_gamma=input_gamma)


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
    assert sample.pixel_size_mm.tolist() == [0.5, 0.5]


def test_a_missing_point_is_nan_and_keeps_its_channel(spots):
    landmarks = spots.landmarks.copy()
    landmarks.loc[(landmarks["image_id"] == "spot_00") & (landmarks["landmark"] == spots.names[2]), ["x", "y"]] = np.nan
    data = WholeImages.from_tables(spots.images, landmarks, spots.cvm, spots.names, "consensus")
    assert np.isnan(data.points[0]).all(axis=1).tolist() == [False, False, True, False]


def test_letterbox_keeps_the_aspect_and_stretch_does_not():
    assert frame((96, 80), (128, 128), "letterbox").matrix[0, 0] == frame((96, 80), (128, 128), "letterbox").matrix[1, 1]
    stretched = frame((96, 80), (128, 128), "stretch").matrix
    assert (stretched[0, 0], stretched[1, 1]) == (128 / 96, 128 / 80)


def test_without_augmentation_a_sample_is_the_letterboxed_normalised_image(spots):
    sample = whole_images(spots)[0, 3].images[0, 0].numpy()
    cached = spots.cache.read("spot_03")
    warp = Affine.resize((72, 60), (96, 80)).then(frame((96, 80), (128, 128), "letterbox"))
    expected = cv2.warpAffine(normalise(cached), warp.matrix, (128, 128), flags=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(sample, expected)


@pytest.mark.parametrize("augmentation", [None, recipe(gamma={"gammas": [[0.8, 0.8]]})])
def test_the_input_s_gamma_comes_last_and_before_normalisation(spots, augmentation):
    sample = whole_images(spots, augmentation, input_gamma=0.5)[0, 3].images[0, 0].numpy()
    warp = Affine.resize((72, 60), (96, 80)).then(frame((96, 80), (128, 128), "letterbox"))
    raised = raise_levels(spots.cache.read("spot_03"), 0.5 * (0.8 if augmentation else 1))
    expected = cv2.warpAffine(normalise(raised), warp.matrix, (128, 128), flags=cv2.INTER_LINEAR)
    np.testing.assert_allclose(sample, expected, atol=1e-4)


def test_a_flip_on_the_fly_is_the_flipped_copy(spots):
    plain, flipped = whole_images(spots)[0, 3], whole_images(spots, recipe(flip={}))[0, 3]
    np.testing.assert_allclose(flipped.images.numpy()[..., ::-1], plain.images.numpy(), atol=1e-5)
    np.testing.assert_allclose(flipped.points[..., 0], 127 - plain.points[..., 0], atol=1e-4)


def test_a_kind_changes_as_many_samples_as_its_probability_says(spots):
    dataset, plain = whole_images(spots, recipe(flip={"probability": 0.3})), whole_images(spots)
    flipped = [not torch.equal(dataset[epoch, item].points, plain[0, item].points) for epoch in range(40) for item in range(8)]
    assert np.mean(flipped) == pytest.approx(0.3, abs=0.08)


@pytest.mark.parametrize("kind", ["gamma", "contrast", "brightness"])
def test_a_tone_on_the_fly_is_the_copy_s_tone_and_is_normalised_as_the_copy_is(spots, kind):
    """The copy is rounded to whole grey levels, the sample is not."""
    sample = whole_images(spots, recipe(**{kind: {}}))[0, 3].images[0, 0].numpy()
    plain = whole_images(spots)[0, 3].images[0, 0].numpy()
    cached = spots.cache.read("spot_03")
    copies = [change.pixels(cached) for number in range(2) if (change := _drawn_alone(kind, spots, number)) is not None]
    warp = Affine.resize((72, 60), (96, 80)).then(frame((96, 80), (128, 128), "letterbox"))
    warped = [cv2.warpAffine(normalise(copy), warp.matrix, (128, 128)) for copy in copies]
    step = 1 / min(copy.std() for copy in copies)
    assert min(np.abs(sample - w).max() for w in warped) < 0.75 * step
    assert np.abs(sample - plain).max() > step


def _drawn_alone(kind, spots, number):
    """The change of `recipe({kind: {}})` for epoch 0, item 3, if it takes copy `number`."""
    rng = sample_rng(3, 0, 3)
    rng.random()
    if int(rng.integers(2)) != number:
        return None
    return recipe(**{kind: {}})[kind].change(None, number, rng)


def test_kinds_compose_in_the_recipe_s_order(spots):
    """A shift to the right, then a flip: the picture lies on the left."""
    shift = {"rotation_deg": [0, 0], "scale": [1, 1], "shift": [0.1, 0.1]}
    plain = whole_images(spots)[0, 1].points
    moved = whole_images(spots, recipe(affine=shift, flip={}))[0, 1].points
    width_in_input = 128
    np.testing.assert_allclose(moved[..., 0], 127 - (plain[..., 0] + 0.1 * width_in_input), atol=1e-3)


def test_kinds_beside_the_plain_ones_work_on_the_fly(spots):
    kinds = ("elastic", "blur", "clahe", "scatter", "scanner_lines", "collimator", "burned_in_marks", "cutout")
    plain = whole_images(spots)[0, 2]
    for kind in kinds:
        dataset = whole_images(spots, recipe(**{kind: {}}))
        sample, again = dataset[0, 2], dataset[0, 2]
        assert torch.equal(sample.images, again.images)
        assert torch.equal(sample.points, plain.points) == (kind != "elastic")
        assert torch.isfinite(sample.images).all()


def test_elastic_targets_lie_on_their_spots(spots):
    dataset = whole_images(spots, recipe(elastic={"displacement_mm": [4, 4], "spacing_mm": 10}, affine={}))
    plain, largest = whole_images(spots, recipe(affine={})), 0.0
    for item in range(4):
        sample = dataset[5, item]
        largest = max(largest, float((sample.points - plain[5, item].points).norm(dim=-1).max()))
        for point in sample.points[0].numpy():
            assert np.linalg.norm(local_peak(sample.images[0, 0].numpy(), point) - point) < 0.6
    assert largest > 1


def test_a_collimator_keeps_clear_of_landmarks_where_a_bend_before_it_has_carried_them():
    deep = {"edges": [4, 4], "depth": [0.5, 0.5], "shade": "black", "penumbra_mm": [0.1, 0.1]}
    kinds = recipe(elastic={"displacement_mm": [16, 16], "spacing_mm": 100}, collimator=deep)
    source = Source("a", "a", (400, 500), 1.0, {"one": (150.0, 180.0), "other": (260.0, 300.0)})
    points, furthest = np.array(list(source.landmarks.values())), 0.0
    for seed in range(100):
        drawn = draw_changes(kinds, source, np.random.default_rng(seed))
        shown = np.full((500, 400), 128, np.uint8)
        for change in drawn.others:
            shown = change.pixels(shown)
        moved = drawn.moved(points)
        furthest = max(furthest, float(np.abs(moved - points).max()))
        assert [shown[y, x] for x, y in moved.round().astype(int)] == [128, 128], seed
    assert furthest > 5


def test_a_cutout_on_the_fly_is_the_copy_s_and_is_normalised_as_the_copy_is(spots):
    kinds = recipe(cutout={"side": [0.4, 0.4]})
    rng = sample_rng(3, 0, 0)
    rng.random(), rng.integers(1)
    erase = kinds["cutout"].change(Source("spot_00", "", (72, 60), None, {}), 0, rng)
    copy = erase.pixels(spots.cache.read("spot_00"))
    warp = Affine.resize((72, 60), (96, 80)).then(frame((96, 80), (128, 128), "letterbox"))
    expected = cv2.warpAffine(normalise(copy), warp.matrix, (128, 128), flags=cv2.INTER_LINEAR)
    np.testing.assert_allclose(whole_images(spots, kinds)[0, 0].images[0, 0].numpy(), expected, atol=1e-5)


def test_an_image_much_larger_than_the_input_is_area_averaged(tmp_path, spots):
    """Stripes of one pixel would alias to stripes of many; averaged, they are grey."""
    store = ImageStore(str(tmp_path), format="npy")
    stripes = np.zeros((600, 720), np.uint8)
    stripes[:300, ::2] = 200
    stripes[300:, 360:] = 200
    for image_id in spots.images["image_id"]:
        store.write(image_id, stripes)
    data = whole_images(spots).data
    dataset = WholeImageDataset(data, store, (128, 128), "letterbox", seed=3)
    inside = dataset[0, 0].images[0, 0].numpy()[15:60, 10:-10]
    assert np.ptp(inside) < 0.3  # of 2 from black to white


def test_crops_show_their_landmark_at_its_target(spots, crop_table):
    groups = group_by_image(crop_table(3.0), spots.landmarks, spots.images, spots.names)
    sample = CropDataset(groups, spots.store, crop_px=48, crops_per_image=4, seed=1)[0, 0]
    assert sample.images.shape == (4, 1, 48, 48)
    assert sorted(sample.landmark.tolist()) == [0, 1, 2, 3]
    for image, point in zip(sample.images[:, 0].numpy(), sample.points[:, 0].numpy(), strict=True):
        assert np.linalg.norm(local_peak(image, point, radius=6) - point) < 0.7
        assert np.linalg.norm(point - 23.5) == pytest.approx(np.hypot(3, 3) * 2, rel=1e-4)


def test_crops_are_flipped_and_turned_with_their_targets(spots, crop_table):
    groups = group_by_image(crop_table(3.0), spots.landmarks, spots.images, spots.names)
    kinds = recipe(flip={"probability": 0.5}, affine={"rotation_deg": [-20, 20]}, contrast={}, elastic={"spacing_mm": 3})
    plain = CropDataset(groups, spots.store, crop_px=48, crops_per_image=4, seed=1)[0, 0]
    sample = CropDataset(groups, spots.store, crop_px=48, crops_per_image=4, seed=1, augmentation=kinds)[0, 0]
    assert sample.landmark.tolist() == plain.landmark.tolist()
    assert (sample.points - plain.points).norm(dim=-1).min() > 0.1
    for image, point in zip(sample.images[:, 0].numpy(), sample.points[:, 0].numpy(), strict=True):
        assert np.linalg.norm(local_peak(image, point, radius=6) - point) < 1.0


def test_a_dark_crop_of_a_film_of_12_bits_becomes_as_bright_as_in_the_changed_film():
    film = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    source = Source("a", "", (64, 64), 0.1, {"target": (3.0, 3.0)})
    (change,) = draw_changes(recipe(brightness={"dose_stops": [[0.3, 0.3]]}), source, np.random.default_rng(0)).tones
    drawn = Drawn(Affine.identity(), [change])
    expected = normalise(change(film)[:8])
    np.testing.assert_allclose(drawn.levels(film[:8], white=4095), expected, atol=0.01)
    assert np.abs(drawn.levels(film[:8]) - expected).max() > 0.03, "the crop alone does not show the film's white"


def test_without_a_pixel_size_changes_in_mm_use_the_usual_field(spots, crop_table, monkeypatch):
    sources = []
    monkeypatch.setattr(crop_batches, "draw_around_target", lambda kinds, source, rng: sources.append(source) or UNCHANGED)
    groups = group_by_image(crop_table(0.0), spots.landmarks, spots.images.assign(pixel_size_mm=np.nan), spots.names)
    usual = CropParams(field_of_ruler=1.5).usual_field_mm
    dataset = CropDataset(groups, spots.store, 48, 4, seed=1, augmentation=recipe(blur={}), usual_field_mm=usual)
    dataset[0, 0]
    assert np.mean([source.pixel_size_mm for source in sources]) == pytest.approx(15 / 48)


@pytest.mark.parametrize(
    "kind",
    [
        {"collimator": {"edges": [4, 4], "depth": [0.3, 0.3], "shade": "white"}},
        {"burned_in_marks": {"marks": ["side"], "height_mm": [4, 4]}},
    ],
)
def test_what_keeps_clear_of_the_landmark_does_so_where_the_flip_has_carried_it(tmp_path, spots, crop_table, kind):
    """The landmark lies a quarter of the field left of the centre, after the flip as far right; a cover is white on grey."""
    store = ImageStore(str(tmp_path))
    for image_id in spots.images["image_id"]:
        store.write(image_id, np.full((80, 96), 100, np.uint8))
    crops = crop_table(0.0).assign(rotation_deg=0.0)
    crops["centre_x"] += 0.25 * crops["field_px"]
    groups = group_by_image(crops, spots.landmarks, spots.images.assign(pixel_size_mm=1.0), spots.names)
    dataset = CropDataset(groups, store, crop_px=48, crops_per_image=4, seed=1, augmentation=recipe(flip={}, **kind))
    batch = concatenate([dataset[0, item] for item in range(len(groups))])
    assert batch.points[:, 0, 0].tolist() == pytest.approx([23.5 + 12] * len(batch.points))
    distance = np.hypot(*(np.mgrid[:48, :48][::-1] - np.array([23.5 + 12, 23.5])[:, None, None]))
    images = batch.images[:, 0].numpy()
    grey = images.min(axis=(1, 2))
    assert (images.max(axis=(1, 2)) > grey).mean() > 0.9
    assert (images[:, distance < 5] == grey[:, None]).all()


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


MACHINES = ["common"] * 90 + ["rare"] * 10


def test_balanced_devices_are_drawn_equally_often():
    weights = device_weights(MACHINES, 1.0)
    drawn = np.array(MACHINES)[weighted_draws(weights, 100, np.random.default_rng(0))]
    assert (drawn == "rare").sum() == 50


def test_half_balanced_devices_count_by_the_root_of_their_images():
    weights = device_weights(MACHINES, 0.5)
    assert weights[-10:].sum() / weights[:90].sum() == pytest.approx(np.sqrt(10 / 90))
    assert weights.mean() == pytest.approx(1)


def test_without_balance_or_with_one_device_all_images_weigh_the_same():
    assert device_weights(MACHINES, 0.0) is None
    assert device_weights(["common"] * 5, 1.0) is None


def test_weighted_draws_take_each_item_its_share_rounded_up_or_down():
    weights = np.array([1.0, 2.0, 3.0, 0.5])
    counts = np.bincount(weighted_draws(weights, 65, np.random.default_rng(1)), minlength=4)
    assert (np.abs(counts - 65 * weights / weights.sum()) < 1).all()
    assert counts.sum() == 65


def test_a_weighted_epoch_is_the_same_whenever_it_is_drawn():
    """As after a resume: a new sampler set to the same epoch."""
    weights = device_weights(MACHINES, 1.0)
    first, resumed = (EpochSampler(100, 100, seed=7, weights=weights) for _ in range(2))
    first.set_epoch(2)
    list(first)
    for sampler in (first, resumed):
        sampler.set_epoch(3)
    assert list(first) == list(resumed)
    first.set_epoch(4)
    assert [i for _, i in first] != [i for _, i in resumed]


def test_more_draws_than_items_take_another_round():
    items = [item for _, item in EpochSampler(4, 10, seed=0)]
    assert len(items) == 10
    assert min(pd.Series(items).value_counts()) >= 2


@pytest.mark.parametrize("weights", [None, np.array([1.0, 1.0, 5.0])])
def test_no_draw_of_a_training_repeats_another(weights):
    """Or an image that an epoch draws several times would give the same sample each time."""
    sampler = EpochSampler(3, 10, seed=0, weights=weights)
    draws = []
    for epoch in range(4):
        sampler.set_epoch(epoch)
        draws += sampler
    assert len(set(draws)) == len(draws) == 40


def test_a_source_that_is_drawn_again_gives_other_crops(spots, crop_table):
    groups = group_by_image(crop_table(0.0), spots.landmarks, spots.images, spots.names)
    dataset = CropDataset(groups, spots.store, crop_px=48, crops_per_image=2, seed=1)
    first, again = (dataset[draw] for draw in EpochSampler(1, 2, seed=0))
    assert not torch.equal(first.to_original, again.to_original)


def test_validation_keeps_order_and_epoch():
    sampler = EpochSampler(3, 3, seed=0, shuffle=False)
    sampler.set_epoch(9)
    assert list(sampler) == [(0, 0), (0, 1), (0, 2)]


def test_the_long_side_is_the_originals(spots, crop_table):
    assert whole_images(spots, STRONG)[0, 0].long_side_px.tolist() == [96.0]
    groups = group_by_image(crop_table(0.0), spots.landmarks, spots.images, spots.names)
    assert CropDataset(groups, spots.store, crop_px=48, crops_per_image=2, seed=1)[0, 0].long_side_px.tolist() == [96.0, 96.0]
