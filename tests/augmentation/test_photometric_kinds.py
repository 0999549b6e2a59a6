"""Grey values change as said; nothing is clipped, no bit is lost, no point moves."""

from functools import partial

import numpy as np
import pytest

from ceph_pipeline.augmentation.changes import Tone, full_scale
from ceph_pipeline.augmentation.kinds import random_generator
from ceph_pipeline.augmentation.photometric import Brightness, Contrast, Gamma, adjust_contrast, adjust_gamma, shift_brightness


def toned(image, curve, **settings):
    return Tone(partial(curve, **settings))(image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_brighter_image_keeps_white_and_lifts_black(dtype):
    white = np.iinfo(dtype).max
    ramp = np.linspace(0, white, 256).round().astype(dtype).reshape(16, 16)
    brighter = toned(ramp, shift_brightness, shift=0.25)
    np.testing.assert_allclose(brighter, 0.75 * ramp + 0.25 * white, atol=1.0)
    assert brighter.dtype == dtype


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_darker_image_keeps_black_and_dims_white(dtype):
    ramp = np.linspace(0, np.iinfo(dtype).max, 256).round().astype(dtype).reshape(16, 16)
    np.testing.assert_allclose(toned(ramp, shift_brightness, shift=-0.25), 0.75 * ramp, atol=1.0)


@pytest.mark.parametrize("shift", [-0.35, 0.35])
def test_no_structure_is_clipped_away(shift):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert len(np.unique(toned(ramp, shift_brightness, shift=shift))) >= 256 * (1 - 0.35) - 2


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
    with pytest.raises(ValueError, match="next to no picture"):
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
