"""Grey values change as said; no bit is lost, no point moves."""

from functools import partial

import numpy as np
import pytest

from ceph_pipeline.augmentation.kinds import random_generator
from ceph_pipeline.augmentation.photometric import (
    CURVE_ENDS,
    DENSITY_RANGE,
    Brightness,
    Contrast,
    Gamma,
    adjust_contrast,
    adjust_gamma,
    change_dose,
)
from ceph_pipeline.augmentation.transforms import Tone, full_scale


def toned(image, curve, **settings):
    return Tone(partial(curve, **settings))(image)


RAMP = np.linspace(0, 1, 1001)


def exposed(stops, levels=RAMP, film_gamma=2.8):
    return change_dose(np.asarray(levels), 0.5, stops=stops, film_gamma=film_gamma)


class TestExposure:
    def test_no_change_of_dose_changes_nothing(self):
        np.testing.assert_allclose(exposed(0.0), RAMP, atol=1e-12)

    def test_half_of_twice_the_dose_is_the_dose_where_nothing_is_clipped(self):
        middle = RAMP[300:700]
        np.testing.assert_allclose(exposed(-1.0, exposed(1.0, middle)), middle, atol=1e-12)

    @pytest.mark.parametrize("film_gamma", [1.5, 2.8, 3.5])
    def test_in_the_middle_of_the_curve_density_rises_by_the_film_s_gamma(self, film_gamma):
        """A tenth of a stop is log10(2) / 10 of the dose's logarithm; grey falls by as much of the density range."""
        fall = 0.5 - exposed(0.1, [0.5], film_gamma)[0]
        density = fall * (1 - 2 * CURVE_ENDS) * DENSITY_RANGE
        assert density == pytest.approx(film_gamma * 0.1 * np.log10(2), rel=0.01)

    def test_contrast_is_lost_in_toe_and_shoulder_only(self):
        """Twice the dose: dark tissue is compressed in the shoulder, dense bone leaves the toe and gains contrast."""
        slope = np.diff(exposed(1.0)) / np.diff(RAMP)
        assert slope[200] < 0.6
        assert slope[900] > 1.2

    @pytest.mark.parametrize(("stops", "end"), [(0.6, 0), (-0.6, -1)])
    def test_what_the_digitised_range_no_longer_holds_is_clipped_and_no_more(self, stops, end):
        clipped = exposed(stops) == (0.0 if end == 0 else 1.0)
        assert 0.01 < clipped.mean() < 0.05
        assert clipped[end]

    @pytest.mark.parametrize("stops", [-0.8, 0.8])
    def test_the_curve_ascends(self, stops):
        assert (np.diff(exposed(stops)) >= 0).all()

    def test_8_and_16_bits_are_the_same_curve(self):
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
        narrow = toned(ramp, change_dose, stops=0.5, film_gamma=2.8)
        wide = toned(ramp.astype(np.uint16) * np.uint16(257), change_dose, stops=0.5, film_gamma=2.8)
        assert wide.dtype == np.uint16
        np.testing.assert_allclose(wide / 257, narrow, atol=0.501)

    @pytest.mark.parametrize("dose", [[-4, -1], [1, 3.5]])
    def test_a_dose_that_leaves_no_picture_is_refused(self, dose):
        with pytest.raises(ValueError, match="too extreme"):
            Brightness(dose_stops=[dose])


def test_gamma_keeps_black_and_white_and_moves_the_middle():
    image = np.array([[0, 64, 128, 255]], np.uint8)
    np.testing.assert_allclose(toned(image, adjust_gamma, gamma=2.0), [[0, 16, 64, 255]], atol=1.0)


@pytest.mark.parametrize("factor", [0.6, 0.9, 1.1, 1.5])
def test_contrast_keeps_black_mean_and_white_and_has_its_factor_at_the_mean(factor):
    mean, step = 0.4, 1e-6
    ends = adjust_contrast(np.array([0.0, mean, 1.0]), mean, factor=factor)
    np.testing.assert_allclose(ends, [0.0, mean, 1.0], atol=1e-12)
    below, above = adjust_contrast(np.array([mean - step, mean + step]), mean, factor=factor)
    assert (above - below) / (2 * step) == pytest.approx(factor, rel=1e-4)


def test_the_middle_of_the_logarithm_is_the_middle_of_the_draws():
    kind = Gamma(gammas=((0.5, 2.0),))
    drawn = [kind.change(None, 0, np.random.default_rng(n)).pixels.curve.keywords["gamma"] for n in range(400)]
    assert np.mean(np.array(drawn) < 1) == pytest.approx(0.5, abs=0.06)
    assert 0.5 <= min(drawn) < 0.52 < 1.9 < max(drawn) <= 2.0


@pytest.mark.parametrize("kind", [Gamma, Contrast])
def test_a_curve_that_leaves_no_picture_is_refused(kind):
    (field,) = set(kind.model_fields) & {"gammas", "factors"}
    with pytest.raises(ValueError, match="too extreme"):
        kind.model_validate({field: [[0.0, 1.0]]})


def test_white_of_a_12_bit_image_is_4095():
    assert full_scale(np.array([[0, 3000]], np.uint16)) == 4095
    assert full_scale(np.array([[0, 3]], np.uint16)) == 255
    assert full_scale(np.array([[0, 3]], np.uint8)) == 255


def test_the_first_copy_is_darker_and_the_second_brighter(grainy_image, face):
    image = grainy_image(0)
    for kind in (Brightness(), Gamma(gammas=((1.2, 1.5), (0.6, 0.8)))):
        assert kind.copies == 2
        darker, brighter = (kind.change(face, copy, random_generator(0, "face", "b", copy)) for copy in (0, 1))
        assert darker.pixels(image).mean() < image.mean() - 10
        assert brighter.pixels(image).mean() > image.mean() + 10
        points = np.array([[3.0, 4.0], [np.nan, np.nan]])
        np.testing.assert_array_equal(darker.points(points), points)
