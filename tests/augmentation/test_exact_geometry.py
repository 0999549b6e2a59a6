"""Points move by exactly the map that moves the pixels."""

import cv2
import numpy as np
import pytest

from ceph_pipeline.augmentation import Source
from ceph_pipeline.augmentation.geometric import Flip, Original, Rotation
from ceph_pipeline.augmentation.kinds import random_generator

SIZES = [(200, 160), (201, 160), (200, 161), (201, 161)]
DOTS = np.array([[60.0, 50.0], [139.3, 108.6], [100.25, 80.75], [70.5, 110.5]])
KINDS = [(Original(), 0), (Flip(), 0), (Rotation(), 0), (Rotation(), 1), (Rotation(interpolation="linear"), 0)]


def source_of(size):
    return Source("dots", "dots.png", size, None, {})


def draw_dots(size, points, dtype):
    """Gaussian dots of 3 px, far enough from each other to be located one by one."""
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    light = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in points)
    return np.rint(0.9 * np.iinfo(dtype).max * light).astype(dtype)


def locate(image, near):
    """Centre of mass of a dot, to a hundredth of a pixel."""
    columns, rows = np.meshgrid(np.arange(image.shape[1]), np.arange(image.shape[0]))
    weight = image * (np.hypot(columns - near[0], rows - near[1]) < 13)
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "copy"), KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_dot_lies_within_a_fiftieth_of_a_pixel_of_its_point(size, kind, copy, dtype):
    image = draw_dots(size, DOTS, np.uint16).astype(np.float64)
    image = np.rint(image * np.iinfo(dtype).max / 65535).astype(dtype)
    change = kind.change(source_of(size), copy, random_generator(0, "dots", "kind", copy))
    moved = change.pixels(image)
    assert moved.dtype == dtype
    assert moved.shape == image.shape
    located = np.array([locate(moved, point) for point in change.points(DOTS)])
    before = np.array([locate(image, point) for point in DOTS])
    assert np.abs(located - change.points(before)).max() < 0.02


def test_flipping_twice_gives_the_image_and_its_points_back():
    image = np.random.default_rng(1).integers(0, 255, (31, 20), dtype=np.uint8)
    change = Flip().change(source_of((20, 31)), 0, random_generator(0, "a", "flip", 0))
    np.testing.assert_array_equal(change.pixels(change.pixels(image)), image)
    np.testing.assert_allclose(change.points(change.points(DOTS)), DOTS)


def test_the_true_centre_stays_when_the_image_turns():
    for size in SIZES:
        centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
        change = Rotation(angles_deg=(33.0,)).change(source_of(size), 0, random_generator(0, "a", "rotation", 0))
        np.testing.assert_allclose(change.points(centre), centre, atol=1e-9)


def test_plus_and_minus_seven_degrees_turn_opposite_ways():
    plus, minus = (Rotation().change(source_of((201, 161)), copy, random_generator(0, "a", "r", copy)) for copy in (0, 1))
    np.testing.assert_allclose(minus.points(plus.points(DOTS)), DOTS, atol=1e-9)
    assert plus.points(np.array([150.0, 80.0]))[1] < 80  # counter-clockwise on the screen lifts the right side


def test_what_a_rotation_uncovers_is_black():
    image = np.full((161, 201), 200, np.uint8)
    turned = Rotation().change(source_of((201, 161)), 0, random_generator(0, "a", "rotation", 0)).pixels(image)
    assert turned[0, 0] == 0
    assert cv2.countNonZero(turned) < turned.size


def test_an_image_is_not_changed_in_place():
    image = draw_dots((201, 161), DOTS, np.uint8)
    before = image.copy()
    for kind, copy in KINDS:
        kind.change(source_of((201, 161)), copy, random_generator(0, "a", "x", copy)).pixels(image)
    np.testing.assert_array_equal(image, before)
