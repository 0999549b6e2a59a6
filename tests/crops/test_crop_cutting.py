"""A crop's pixels and points move together, there and back, over the border too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceph_pipeline.crops import SourcePyramid, crop_map, cut, uncrop

GEOMETRIES = [
    # field_px, rotation_deg, crop_px
    (96.0, 0.0, 96),
    (131.3, 7.5, 128),
    (250.0, -5.0, 128),  # reduced by 1.5 first
    (517.0, 12.0, 128),  # reduced by 4 first
    (60.0, 3.0, 96),  # magnified
]


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
    dot = (301.37, 245.81)
    image = blob((601, 703), dot, sd=4 * max(1, field / crop_px))
    centre = (310.2, 240.6)
    crop, to_crop = cut(image, centre, field, rotation, crop_px)
    expected = to_crop(dot)
    assert crop.shape == (crop_px, crop_px)
    np.testing.assert_allclose(centroid(crop), expected, atol=0.01)


@pytest.mark.parametrize(("field", "rotation", "crop_px"), GEOMETRIES)
def test_a_dot_found_in_a_crop_over_the_border_comes_back(field: float, rotation: float, crop_px: int) -> None:
    sd = 4 * max(1, field / crop_px)
    dot = (4.3 * sd, 4.1 * sd)
    image = blob((601, 703), dot, sd)
    centre = (2.7, 1.9)
    found = centroid(cut(image, centre, field, rotation, crop_px)[0])
    back = uncrop(found[None], np.array([centre]), np.array([field]), np.array([rotation]), crop_px)
    np.testing.assert_allclose(back[0], dot, atol=0.01 * field / crop_px)


@settings(max_examples=60, deadline=None)
@given(
    point=st.tuples(st.floats(-50, 200), st.floats(-50, 200)),
    centre=st.tuples(st.floats(-300, 6000), st.floats(-300, 6000)),
    field=st.floats(20, 2000),
    rotation=st.floats(-45, 45),
    crop_px=st.sampled_from([96, 128, 256]),
)
def test_crop_and_uncrop_are_inverse(
    point: tuple[float, float], centre: tuple[float, float], field: float, rotation: float, crop_px: int
) -> None:
    back = uncrop(np.array([point]), np.array([centre]), np.array([field]), np.array([rotation]), crop_px)[0]
    np.testing.assert_allclose(crop_map(centre, field, rotation, crop_px)(back), point, atol=1e-8)
    np.testing.assert_allclose(crop_map(centre, field, rotation, crop_px).inverse()(point), back, atol=1e-8)


def test_beyond_the_border_the_edge_goes_on() -> None:
    image = np.full((50, 40), 90, np.uint8)
    image[:, 0] = 30
    crop, _ = cut(image, (0.0, 25.0), 32.0, 0.0, 32)
    assert (crop[:, :15] == 30).all()
    assert (crop[:, 17:] == 90).all()


def test_a_crop_of_the_same_scale_is_the_pixels_themselves() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 300)).astype(np.uint8)
    crop, _ = cut(image, (115.5, 95.5), 32.0, 0.0, 32)
    np.testing.assert_array_equal(crop, image[80:112, 100:132])


def test_fine_stripes_average_out_where_a_crop_is_coarser() -> None:
    stripes = np.zeros((512, 512), np.uint8)
    stripes[:, ::2] = 200
    crop, _ = cut(stripes, (256.0, 256.0), 384.0, 0.0, 96)
    assert np.ptp(crop) <= 4
    assert crop.mean() == pytest.approx(100, abs=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_depth_is_kept(dtype: type) -> None:
    image = np.full((100, 100), np.iinfo(dtype).max, dtype)
    crop, _ = cut(image, (50.0, 50.0), 300.0, 5.0, 64)
    assert crop.dtype == dtype
    assert (crop == np.iinfo(dtype).max).all()


def test_a_source_cuts_what_single_cuts_give() -> None:
    image = np.random.default_rng(1).integers(0, 255, (400, 300)).astype(np.uint8)
    source = SourcePyramid(image)
    for field, rotation, crop_px in GEOMETRIES:
        np.testing.assert_array_equal(
            source.cut((140.2, 200.7), field, rotation, crop_px)[0], cut(image, (140.2, 200.7), field, rotation, crop_px)[0]
        )
