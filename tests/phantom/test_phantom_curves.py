"""Curves pass where they must."""

import numpy as np
import pytest

from ceph_pipeline.phantom.curves import ellipse, offset, smooth, spindle

ZIGZAG = np.array([(0, 0), (4, 1), (5, 6), (9, 5), (12, 9)], float)


@pytest.mark.parametrize("closed", [False, True])
def test_a_smooth_curve_passes_through_its_points(closed):
    curve = smooth(ZIGZAG, closed=closed, per_span=5)
    assert len(curve) == (25 if closed else 21)
    np.testing.assert_allclose(curve[::5][:5], ZIGZAG, atol=1e-12)


def test_a_smooth_curve_through_points_on_a_line_stays_on_it():
    curve = smooth([(0, 0), (1, 1), (3, 3), (4, 4)])
    np.testing.assert_allclose(curve[:, 0], curve[:, 1], atol=1e-12)


def test_offset_to_the_right_of_a_rightward_line_lies_below_it():
    line = np.column_stack([np.arange(5.0), np.zeros(5)])
    np.testing.assert_allclose(offset(line, 2.0)[:, 1], 2.0)


def test_every_point_of_a_circle_is_one_radius_from_its_centre():
    circle = ellipse((3, 4), (2, 0), 1.0)
    np.testing.assert_allclose(np.linalg.norm(circle - (3, 4), axis=1), 2.0)


def test_an_ellipses_second_axis_points_to_the_left_of_the_first():
    top = ellipse((0, 0), (2, 0), 0.5, start_deg=90, stop_deg=180)[0]
    np.testing.assert_allclose(top, (0, -1), atol=1e-12)


def test_a_spindle_reaches_its_tip_and_is_as_wide_as_told():
    outline = spindle((0, 0), (0, 10), [(0.0, 0.2, 0.2), (0.5, 1.5, 1.0), (1.0, 0.2, 0.2)])
    assert outline[:, 1].min() == pytest.approx(0.0, abs=0.3)
    assert outline[:, 0].max() - outline[:, 0].min() == pytest.approx(2.5, abs=0.1)
