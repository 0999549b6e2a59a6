"""Points move by exactly the map that moves the pixels."""

import cv2
import numpy as np
import pytest

from ceph_pipeline.augmentation import Source
from ceph_pipeline.augmentation.elastic import Bend, Elastic
from ceph_pipeline.augmentation.geometric import Flip, Original, RandomAffine, Rotation
from ceph_pipeline.augmentation.kinds import random_generator

SIZES = [(200, 160), (201, 160), (200, 161), (201, 161)]
DOTS = np.array([[60.0, 50.0], [139.3, 108.6], [100.25, 80.75], [70.5, 110.5]])
BORDER_DOTS = np.array(
    [[x, y] for y in (9.25, 150.5) for x in (9.0, 45.5, 81.25, 118.0, 154.5, 190.25)]
    + [[x, y] for x in (9.5, 190.0) for y in (37.5, 64.75, 92.0, 121.25)]
)
"""Centres 9 px from the border of the smallest frame: the dots end at it."""
SHEARED = {"rotation_deg": (3, 8), "scale": (0.9, 1.1), "shift": (-0.02, 0.02), "shear_deg": (2, 6)}
KINDS = {
    "original": (Original(), 0),
    "flip": (Flip(), 0),
    "rotation plus": (Rotation(), 0),
    "rotation minus": (Rotation(), 1),
    "rotation linear": (Rotation(interpolation="linear"), 0),
    "rotation 33": (Rotation(angles_deg=(33.0,)), 0),
    "affine": (RandomAffine(**SHEARED), 0),
    "affine linear": (RandomAffine(interpolation="linear", **SHEARED), 0),
    "affine smaller": (RandomAffine(scale=(0.7, 0.7), shift=(0.05, 0.05)), 0),
    "elastic": (Elastic(displacement_mm=(1, 1), spacing_mm=60), 0),
    "elastic linear": (Elastic(displacement_mm=(1, 1), spacing_mm=60, interpolation="linear"), 0),
}
"""Elastic ones bend gently: where the map's curvature shows within a dot, its centre of mass is not its centre's image."""

every_kind = pytest.mark.parametrize("name", KINDS)
every_size = pytest.mark.parametrize("size", SIZES)
both_depths = pytest.mark.parametrize("dtype", [np.uint8, np.uint16])


def source_of(size):
    return Source("dots", "dots.png", size, 1.0, {})


def draw_dots(size, points, dtype):
    """Gaussian dots of 3 px, far enough from each other to be located one by one."""
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    light = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) for x, y in points)
    return np.rint(0.9 * np.iinfo(dtype).max * light).astype(dtype)


def locate(image, near):
    """Centre of mass of a dot within 3.3 standard deviations; farther out, 8 bits hold more rounding than light."""
    columns, rows = np.meshgrid(np.arange(image.shape[1]), np.arange(image.shape[0]))
    weight = image * (np.hypot(columns - near[0], rows - near[1]) < 10)
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


def change_of(name, size):
    kind, copy = KINDS[name]
    return kind.change(source_of(size), copy, random_generator(0, "dots", "kind", copy))


def largest_error(change, image, dots):
    """The largest distance along an axis between a moved dot and its moved point, in px, over dots inside the frame."""
    moved = change.pixels(image)
    assert moved.dtype == image.dtype
    assert moved.shape == image.shape
    points = change.points(dots)
    inside = ((points >= 9) & (points <= np.array(image.shape[::-1]) - 10)).all(axis=1)
    assert inside.any()
    before = change.points(np.array([locate(image, dot) for dot in dots[inside]]))
    return np.abs(np.array([locate(moved, point) for point in points[inside]]) - before).max()


@every_size
@every_kind
@both_depths
def test_a_dot_lies_within_a_fiftieth_of_a_pixel_of_its_point(size, name, dtype):
    assert largest_error(change_of(name, size), draw_dots(size, DOTS, dtype), DOTS) < 0.02


@every_size
@every_kind
@both_depths
def test_dots_at_the_border_are_as_exact(size, name, dtype):
    assert largest_error(change_of(name, size), draw_dots(size, BORDER_DOTS, dtype), BORDER_DOTS) < 0.02


@every_size
def test_flipping_an_image_that_was_moved_moves_its_dots(size):
    """Both flips, the picture's and the map's, on top of a rotation about the true centre."""
    image = draw_dots(size, DOTS, np.uint16)
    turn, flip = change_of("rotation plus", size), change_of("flip", size)
    located = [locate(flip.pixels(turn.pixels(image)), point) for point in flip.points(turn.points(DOTS))]
    assert np.abs(np.array(located) - flip.points(turn.points(DOTS))).max() < 0.02
    upright = [locate(image[::-1], (x, size[1] - 1 - y)) for x, y in DOTS]
    np.testing.assert_allclose(upright, DOTS * (1, -1) + (0, size[1] - 1), atol=0.01)


def test_flipping_twice_gives_the_image_and_its_points_back():
    image = np.random.default_rng(1).integers(0, 255, (31, 20), dtype=np.uint8)
    change = Flip().change(source_of((20, 31)), 0, random_generator(0, "a", "flip", 0))
    np.testing.assert_array_equal(change.pixels(change.pixels(image)), image)
    np.testing.assert_allclose(change.points(change.points(DOTS)), DOTS)


@every_size
def test_the_true_centre_stays_when_the_image_turns(size):
    centre = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    np.testing.assert_allclose(change_of("rotation 33", size).points(centre), centre, atol=1e-9)
    turn = RandomAffine(shift=(0, 0), shear_deg=(5, 5)).change(source_of(size), 0, np.random.default_rng(1))
    np.testing.assert_allclose(turn.points(centre), centre, atol=1e-9)


def test_plus_and_minus_seven_degrees_turn_opposite_ways():
    plus, minus = (change_of(f"rotation {sign}", (201, 161)) for sign in ("plus", "minus"))
    np.testing.assert_allclose(minus.points(plus.points(DOTS)), DOTS, atol=1e-9)
    assert plus.points(np.array([150.0, 80.0]))[1] < 80  # counter-clockwise on the screen lifts the right side


def test_an_affine_copy_draws_within_its_ranges():
    kind, source = RandomAffine(**SHEARED), source_of((200, 160))
    for copy in range(50):
        matrix = kind.change(source, copy, random_generator(0, "dots", "affine", copy)).points.matrix
        scale = np.hypot(matrix[0, 0], matrix[1, 0])  # the shear leaves horizontal lines as long as they are
        assert 0.9 <= scale <= 1.1
        assert 3 <= np.degrees(np.arctan2(-matrix[1, 0], matrix[0, 0])) <= 8
        shift = matrix @ (99.5, 79.5, 1) - (99.5, 79.5)
        assert (np.abs(shift) <= 0.02 * np.array([200, 160])).all()


def test_a_positive_shear_leans_upright_lines_to_the_right():
    kind = RandomAffine(rotation_deg=(0, 0), scale=(1, 1), shift=(0, 0), shear_deg=(10, 10))
    top = kind.change(source_of((201, 161)), 0, np.random.default_rng(0)).points(np.array([100.0, 0.0]))
    np.testing.assert_allclose(top, [100 + 80 * np.tan(np.radians(10)), 0], atol=1e-9)


def test_a_copy_s_scale_is_its_map_s():
    assert change_of("affine smaller", (200, 160)).scale == pytest.approx(0.7)
    assert change_of("elastic", (200, 160)).scale == change_of("original", (200, 160)).scale == 1


class TestElastic:
    @pytest.mark.parametrize("size", [(600, 480), (601, 480), (600, 481), (601, 481)])
    @pytest.mark.parametrize("interpolation", ["sharp", "linear"])
    @both_depths
    def test_a_dot_moved_by_many_pixels_is_as_exact(self, size, interpolation, dtype):
        dots, kind = 3 * DOTS, Elastic(displacement_mm=(10, 10), spacing_mm=110, interpolation=interpolation)
        change = kind.change(source_of(size), 0, random_generator(0, "dots", "elastic", 0))
        assert np.abs(change.points(dots) - dots).max() > 2
        assert largest_error(change, draw_dots(size, dots, dtype), dots) < 0.02

    @every_size
    def test_points_go_back_by_the_map_that_the_pixels_come_by(self, size):
        """To 1e-6 px anywhere, where the field is as steep as it may be."""
        bend = Bend.draw(size, spacing_px=20, largest_px=100, rng=np.random.default_rng(3))
        points = np.random.default_rng(4).uniform(0, np.array(size) - 1, (500, 2))
        copy = bend(points)
        shift, _ = bend._shift(copy)
        np.testing.assert_allclose(copy + shift, points, atol=1e-6)
        assert np.abs(shift).max() > 1

    def test_the_slope_is_the_derivative_of_the_shift(self):
        bend = Bend.draw((200, 160), spacing_px=30, largest_px=5, rng=np.random.default_rng(3))
        points, step = np.random.default_rng(4).uniform(5, 150, (50, 2)), 1e-5
        _, slope = bend._shift(points)
        for axis in range(2):
            offset = step * np.eye(2)[axis]
            numeric = (bend._shift(points + offset)[0] - bend._shift(points - offset)[0]) / (2 * step)
            np.testing.assert_allclose(slope[:, :, axis], numeric, atol=1e-6)

    def test_it_never_folds(self):
        for seed in range(20):
            bend = Bend.draw((120, 90), spacing_px=15, largest_px=1000, rng=np.random.default_rng(seed))
            _, slope = bend._shift(np.random.default_rng(seed).uniform(0, 90, (2000, 2)))
            assert np.linalg.norm(slope, ord=2, axis=(1, 2)).max() < 2 / 3
            assert np.linalg.det(np.eye(2) + slope).min() > 0

    @every_size
    def test_the_frame_stays_in_place(self, size):
        bend = Bend.draw(size, spacing_px=20, largest_px=3, rng=np.random.default_rng(0))
        right, bottom = size[0] - 1, size[1] - 1
        border = np.array([[0, 0], [right, 0], [0, bottom], [right, bottom], [right / 2, 0], [0, bottom / 3], [-5, 20]])
        np.testing.assert_allclose(bend(border), border, atol=1e-9)

    def test_a_missing_point_stays_missing(self):
        bend = Bend.draw((200, 160), spacing_px=30, largest_px=3, rng=np.random.default_rng(0))
        moved = bend(np.array([[np.nan, np.nan], [100.0, 80.0]]))
        assert np.isnan(moved[0]).all()
        assert np.isfinite(moved[1]).all()

    def test_small_images_bend_too(self):
        change = Elastic().change(Source("a", "a", (9, 7), None, {}), 0, np.random.default_rng(0))
        assert change.pixels(np.zeros((7, 9), np.uint8)).shape == (7, 9)


@pytest.mark.parametrize("name", ["rotation plus", "affine smaller"])
def test_what_a_warp_uncovers_is_black(name):
    image = np.full((161, 201), 200, np.uint8)
    moved = change_of(name, (201, 161)).pixels(image)
    assert moved[0, 0] == 0
    assert cv2.countNonZero(moved) < moved.size


def test_an_image_is_not_changed_in_place():
    image = draw_dots((201, 161), DOTS, np.uint8)
    before = image.copy()
    for name in KINDS:
        change_of(name, (201, 161)).pixels(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (RandomAffine, {"scale": (0.0, 1.0)}, "too extreme"),
        (RandomAffine, {"shear_deg": (-45, 0)}, "too extreme"),
        (Elastic, {"displacement_mm": (-1, 1)}, "below 0"),
    ],
)
def test_ranges_that_make_no_cephalogram_are_refused(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)
