"""Timing of crop cutting: a bare loop that gives the very same pixels, and ratios of what it says."""

import crop_cutting
import numpy as np
import pytest

from ceph_pipeline.benchmark.synthetic import ORIGINAL, draw_films


@pytest.fixture(scope="module")
def film():
    return draw_films(1)[0]


def test_drawn_films_are_of_full_size_and_not_flat(film):
    assert film.shape == ORIGINAL[::-1]
    assert film.std() > 20


@pytest.mark.parametrize("crop_px", crop_cutting.SIDES_PX)
@pytest.mark.parametrize("reduced_before", [False, True])
def test_the_bare_loop_cuts_the_same_pixels(film, crop_px, reduced_before):
    points = np.array([[[700.3, 900.8], [12.0, 2390.0], [1500.2, 1700.9]]])
    expected = crop_cutting.cut_all(film, points, crop_px)
    assert expected.shape == (15, crop_px, crop_px)
    np.testing.assert_array_equal(crop_cutting.bare_loop(film, points, crop_px, reduced_before=reduced_before)(), expected)


def test_a_row_for_each_side_compares_with_the_loop():
    table = crop_cutting.time_crops(n_landmarks=2, iterations=3, warmup=1)
    assert table["crop_px"].tolist() == [256, 128]
    assert table["crops"].tolist() == [10, 10]
    assert table["of_bare"].to_numpy() == pytest.approx((table["bare_ms"] / table["ms"]).to_numpy())
    assert table["of_warps"].to_numpy() == pytest.approx((table["warps_ms"] / table["ms"]).to_numpy())
