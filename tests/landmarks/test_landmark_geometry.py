import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceph_pipeline.landmarks.geometry import Affine, Affines, centre_of, centroid_size, fitted_size

coordinate = st.floats(-3000, 3000)
point = st.tuples(coordinate, coordinate)
length = st.integers(2, 3000)


def spot(size, xy, sigma=6.0):
    """A bright Gaussian spot on black, float32."""
    x, y = np.arange(size[0]), np.arange(size[1])[:, None]
    return np.exp(-((x - xy[0]) ** 2 + (y - xy[1]) ** 2) / (2 * sigma**2)).astype(np.float32)


def centre_of_mass(image):
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(x * image).sum(), (y * image).sum()]) / image.sum()


class TestPointsFollowPixels:
    @pytest.mark.parametrize("interpolation", [cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC])
    def test_resize_moves_points_as_opencv_moves_pixels(self, interpolation):
        source, target, xy = (400, 300), (160, 180), (123.4, 210.7)
        resized = cv2.resize(spot(source, xy), target, interpolation=interpolation)

        np.testing.assert_allclose(Affine.resize(source, target)(xy), centre_of_mass(resized), atol=0.02)

    @pytest.mark.parametrize(
        "affine",
        [
            Affine.letterbox((400, 300), (256, 256)),
            Affine.flip(400),
            Affine.similarity((200, 150), angle_deg=7, scale=0.9),
            Affine(Affines.crops(np.array([(180, 140)]), np.array([160]), 96, -5).matrix[0]),
            Affine.translation(-20, 12.5),
        ],
        ids=["letterbox", "flip", "similarity", "crop", "translation"],
    )
    def test_one_matrix_serves_warp_and_points(self, affine):
        xy = (171.3, 133.8)
        warped = cv2.warpAffine(spot((400, 300), xy), affine.matrix, (400, 300), flags=cv2.INTER_LINEAR)

        np.testing.assert_allclose(affine(xy), centre_of_mass(warped), atol=0.05)


class TestMaps:
    @given(point, st.integers(1, 5000))
    def test_flipping_twice_is_the_identity(self, xy, width):
        flip = Affine.flip(width)
        np.testing.assert_allclose(flip(flip(xy)), xy, atol=1e-9)

    @given(point, st.floats(-180, 180), st.floats(0.05, 20), point)
    def test_a_map_and_its_inverse_cancel(self, xy, angle, scale, centre):
        affine = Affine.similarity(centre, angle_deg=angle, scale=scale)
        np.testing.assert_allclose(affine.inverse()(affine(xy)), xy, atol=1e-6)

    @given(point, st.tuples(length, length), st.tuples(length, length))
    def test_composition_applies_the_first_map_first(self, xy, source, target):
        first, second = Affine.resize(source, target), Affine.flip(target[0])
        np.testing.assert_allclose(first.then(second)(xy), second(first(xy)), rtol=1e-9, atol=1e-6)

    @given(st.tuples(length, length), st.tuples(length, length))
    def test_the_corners_outer_edges_meet_under_resize(self, source, target):
        corners = Affine.resize(source, target)([(-0.5, -0.5), (source[0] - 0.5, source[1] - 0.5)])
        np.testing.assert_allclose(corners, [(-0.5, -0.5), (target[0] - 0.5, target[1] - 0.5)], atol=1e-6)

    @given(st.tuples(length, length), st.tuples(length, length))
    def test_letterbox_centres_the_whole_image_in_the_frame(self, source, target):
        affine = Affine.letterbox(source, target)
        low, high = affine([(-0.5, -0.5), (source[0] - 0.5, source[1] - 0.5)])

        np.testing.assert_allclose(affine(centre_of(source)), centre_of(target), atol=1e-6)
        assert (low >= -0.5 - 1e-6).all()
        assert (high <= np.array(target) - 0.5 + 1e-6).all()
        assert np.isclose(high - low, target, rtol=1e-6).any(), "the frame is filled along one axis"

    def test_the_crops_centre_lies_between_its_middle_pixels(self):
        crops = Affines.crops(np.array([(70.2, 33.0), (5.0, 6.0)]), np.array([50.0, 99.0]), 128, [0.0, 30.0])
        np.testing.assert_allclose(crops([(70.2, 33.0), (5.0, 6.0)]), [(63.5, 63.5), (63.5, 63.5)])

    def test_a_positive_angle_turns_counter_clockwise_on_the_screen(self):
        x, y = Affine.similarity((0, 0), angle_deg=90)((1, 0))
        assert (round(x, 9), round(y, 9)) == (0, -1), "y points down"

    def test_a_crops_scale_is_output_pixels_per_source_pixel(self):
        np.testing.assert_allclose(Affines.crops(np.zeros((2, 2)), np.array([64, 256]), 128, 12).scales, [2, 0.5])

    def test_many_crops_are_each_ones_similarity_and_shift(self):
        centres, fields, angles = np.array([(180.0, 140.0), (-3.0, 9.5)]), np.array([160.0, 70.0]), np.array([-5.0, 33.0])
        for matrix, centre, field, angle in zip(
            Affines.crops(centres, fields, 96, angles).matrix, centres, fields, angles, strict=True
        ):
            turned = Affine.similarity(tuple(centre), angle_deg=angle, scale=96 / field)
            np.testing.assert_allclose(matrix, turned.then(Affine.translation(*(47.5 - centre))).matrix, atol=1e-9)

    def test_many_maps_compose_with_one(self):
        crops = Affines.crops(np.array([(10.0, 20.0), (30.0, 5.0)]), np.array([50.0, 80.0]), 64)
        points = np.array([(12.0, 19.0), (33.0, 4.0)])
        np.testing.assert_allclose(crops.then(Affine.flip(64))(points), Affine.flip(64)(crops(points)))
        assert len(crops) == 2

    def test_one_map_is_not_many(self):
        with pytest.raises(ValueError, match="2 × 3"):
            Affine(np.zeros((4, 2, 3)))

    def test_missing_points_stay_missing(self):
        assert np.isnan(Affine.flip(10)([(np.nan, np.nan), (1, 2)])).tolist() == [[True, True], [False, False]]

    def test_the_identity_changes_nothing(self):
        np.testing.assert_array_equal(Affine.identity()([(3, 4)]), [(3, 4)])

    def test_a_singular_map_has_no_inverse(self):
        with pytest.raises(ValueError, match="has no inverse"):
            Affine(np.zeros((2, 3))).inverse()

    def test_a_matrix_of_another_shape_is_refused(self):
        with pytest.raises(ValueError, match="2 × 3 matrix, got shape \\(3, 3\\)"):
            Affine(np.eye(3))


class TestSizes:
    def test_fitted_size_keeps_the_aspect_of_an_isbi_film(self):
        assert fitted_size((1935, 2400), 512) == (413, 512)

    def test_fitted_size_never_vanishes(self):
        assert fitted_size((1000, 1), 10) == (10, 1)

    def test_centroid_size_of_a_unit_circle_is_its_radius(self):
        angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        assert centroid_size(np.column_stack([np.cos(angles), np.sin(angles)]) + 5) == pytest.approx(1)

    def test_centroid_size_leaves_missing_points_out(self):
        square = [(0, 0), (2, 0), (2, 2), (0, 2)]
        assert centroid_size([*square, (np.nan, np.nan)]) == pytest.approx(centroid_size(square))
