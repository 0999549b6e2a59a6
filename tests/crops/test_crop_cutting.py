"""A crop's pixels and points move together, there and back, over the border too."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceph_pipeline.crops import SourcePyramid
from ceph_pipeline.landmarks import Affine, Affines

GEOMETRIES = [
    # field_px, rotation_deg, crop_px
    (96.0, 0.0, 96),
    (131.3, 7.5, 128),
    (250.0, -5.0, 128),  # reduced by 1.5 first
    (517.0, 12.0, 128),  # reduced by 4 first
    (60.0, 3.0, 96),  # magnified
]


def one(centre: tuple[float, float], field: float, rotation: float, crop_px: int) -> Affines:
    return Affines.crops(np.array([centre]), np.array([field]), crop_px, rotation)


def cut(image: np.ndarray, centre: tuple[float, float], field: float, rotation: float, crop_px: int) -> np.ndarray:
    return SourcePyramid(image).cut(one(centre, field, rotation, crop_px), crop_px)[0]


def blob(size: tuple[int, int], at: tuple[float, float], sd: float) -> np.ndarray:
    """A dark image `(h, w)` with one smooth bright dot."""
    y, x = np.mgrid[: size[0], : size[1]]
    return 200 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * sd**2)).astype(np.float32)


def centroid(image: np.ndarray) -> np.ndarray:
    """The dot's place by its centre of mass."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    mass = np.where(image > 2, image, 0).astype(np.float64)
    return np.array([(mass * x).sum(), (mass * y).sum()]) / mass.sum()


@pytest.mark.parametrize(("field", "rotation", "crop_px"), GEOMETRIES)
def test_a_dot_lands_where_the_map_says(field: float, rotation: float, crop_px: int) -> None:
    dot, centre = (301.37, 245.81), (310.2, 240.6)
    image = blob((601, 703), dot, sd=4 * max(1, field / crop_px))
    expected = one(centre, field, rotation, crop_px)([dot])[0]
    np.testing.assert_allclose(centroid(cut(image, centre, field, rotation, crop_px)), expected, atol=0.01)


@pytest.mark.parametrize(("field", "rotation", "crop_px"), GEOMETRIES)
def test_a_dot_found_in_a_crop_over_the_border_comes_back(field: float, rotation: float, crop_px: int) -> None:
    sd = 4 * max(1, field / crop_px)
    dot, centre = (4.3 * sd, 4.1 * sd), (2.7, 1.9)
    found = centroid(cut(blob((601, 703), dot, sd), centre, field, rotation, crop_px))
    back = one(centre, field, rotation, crop_px).inverse()([found])[0]
    np.testing.assert_allclose(back, dot, atol=0.01 * field / crop_px)


@pytest.mark.parametrize(("field", "rotation", "crop_px"), GEOMETRIES)
def test_a_mirrored_crop_shows_the_dot_on_the_other_side(field: float, rotation: float, crop_px: int) -> None:
    dot, centre = (301.37, 245.81), (310.2, 240.6)
    maps = one(centre, field, rotation, crop_px).then(Affine.flip(crop_px))
    crop = SourcePyramid(blob((601, 703), dot, sd=4 * max(1, field / crop_px))).cut(maps, crop_px)[0]
    np.testing.assert_allclose(centroid(crop), maps([dot])[0], atol=0.01)
    np.testing.assert_allclose(centroid(crop), centroid(cut_mirrored(dot, centre, field, rotation, crop_px)), atol=0.01)


def cut_mirrored(
    dot: tuple[float, float], centre: tuple[float, float], field: float, rotation: float, crop_px: int
) -> np.ndarray:
    return cut(blob((601, 703), dot, sd=4 * max(1, field / crop_px)), centre, field, rotation, crop_px)[:, ::-1]


@settings(max_examples=60, deadline=None)
@given(
    point=st.tuples(st.floats(-50, 200), st.floats(-50, 200)),
    centre=st.tuples(st.floats(-300, 6000), st.floats(-300, 6000)),
    field=st.floats(20, 2000),
    rotation=st.floats(-45, 45),
    crop_px=st.sampled_from([96, 128, 256]),
)
def test_there_and_back_is_where_it_was(
    point: tuple[float, float], centre: tuple[float, float], field: float, rotation: float, crop_px: int
) -> None:
    maps = one(centre, field, rotation, crop_px)
    np.testing.assert_allclose(maps(maps.inverse()([point]))[0], point, atol=1e-8)


def test_beyond_the_border_the_edge_goes_on() -> None:
    image = np.full((50, 40), 90, np.uint8)
    image[:, 0] = 30
    crop = cut(image, (0.0, 25.0), 32.0, 0.0, 32)
    assert (crop[:, :15] == 30).all()
    assert (crop[:, 17:] == 90).all()


def test_a_crop_of_the_same_scale_is_the_pixels_themselves() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 300)).astype(np.uint8)
    np.testing.assert_array_equal(cut(image, (115.5, 95.5), 32.0, 0.0, 32), image[80:112, 100:132])


def test_fine_stripes_average_out_where_a_crop_is_coarser() -> None:
    stripes = np.zeros((512, 512), np.uint8)
    stripes[:, ::2] = 200
    crop = cut(stripes, (256.0, 256.0), 384.0, 0.0, 96)
    assert np.ptp(crop) <= 4
    assert crop.mean() == pytest.approx(100, abs=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_is_kept(dtype: type) -> None:
    crop = cut(np.full((100, 100), np.iinfo(dtype).max, dtype), (50.0, 50.0), 300.0, 5.0, 64)
    assert crop.dtype == dtype
    assert (crop == np.iinfo(dtype).max).all()


def test_crops_of_several_fields_are_what_each_gives_alone() -> None:
    image = np.random.default_rng(1).integers(0, 255, (400, 300)).astype(np.uint8)
    centres = np.random.default_rng(2).uniform(0, 300, (5, 2))
    fields, angles = np.array([64.0, 100.0, 190.0, 260.0, 1500.0]), np.array([0.0, 3.0, -4.0, 10.0, 90.0])
    together = SourcePyramid(image).cut(Affines.crops(centres, fields, 64, angles), 64)
    for crop, centre, field, angle in zip(together, centres, fields, angles, strict=True):
        np.testing.assert_array_equal(crop, cut(image, tuple(centre), field, angle, 64))


def test_an_unreduced_crop_is_the_very_pixels_of_one_warp() -> None:
    image = np.random.default_rng(3).integers(0, 255, (400, 300)).astype(np.uint8)
    maps = one((140.2, 200.7), 90.0, 5.0, 96)
    warped = cv2.warpAffine(image, maps.matrix[0], (96, 96), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    np.testing.assert_array_equal(SourcePyramid(image).cut(maps, 96)[0], warped)


def test_no_crop_is_an_empty_stack() -> None:
    maps = Affines.crops(np.empty((0, 2)), np.empty(0), 32)
    assert SourcePyramid(np.zeros((50, 50), np.uint8)).cut(maps, 32).shape == (0, 32, 32)


@pytest.mark.parametrize("factor", [1.5, 2.0, 3.0, 4.0, 6.0, 8.0])
def test_a_reduced_film_is_the_mean_over_areas(factor: float) -> None:
    clouds = cv2.GaussianBlur(np.random.default_rng(4).uniform(size=(487, 391)), (0, 0), 8)
    film = cv2.normalize(clouds, None, 0, 255, cv2.NORM_MINMAX).round().astype(np.uint8)
    maps = one((200.0, 240.0), 40 * factor, 0.0, 40)
    ((_, reduced, _),) = SourcePyramid(film).warps(maps)
    height, width = (int(factor * side) for side in reduced.shape)
    means = cv2.resize(film[:height, :width], reduced.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - means).max() <= 2
    assert min(film.shape[0] - height, film.shape[1] - width) < 1.5 * factor


def test_an_image_smaller_than_a_reduction_keeps_its_last_pixels() -> None:
    tiny = np.full((3, 5), 70, np.uint8)
    assert (SourcePyramid(tiny).cut(one((1.0, 2.0), 512.0, 0.0, 32), 32) == 70).all()
