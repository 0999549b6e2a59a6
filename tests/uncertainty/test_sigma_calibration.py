"""Calibrated standard deviations are those that the errors were drawn with."""

import numpy as np
import pytest

from ceph_pipeline.uncertainty import coverage_curve, ence, fit_sigma


def rayleigh(sd: np.ndarray, seed: int) -> np.ndarray:
    return sd * np.random.default_rng(seed).rayleigh(size=sd.shape)


def predicted(seed: int, shape: tuple[int, int] = (400, 19)) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 3.0, shape)


def test_gain_and_floor_come_back() -> None:
    said = predicted(0)
    fitted = fit_sigma(rayleigh(np.sqrt(0.6**2 + (1.8 * said) ** 2), 1), said)
    assert fitted.gain == pytest.approx(1.8, rel=0.03)
    assert fitted.floor == pytest.approx(0.6, rel=0.2)
    np.testing.assert_allclose(fitted.factors, 1, atol=0.1)


def test_a_landmark_that_errs_twice_as_much_gets_twice_the_factor() -> None:
    said = predicted(2)
    scale = np.ones(19)
    scale[4] = 2.0
    factors = fit_sigma(rayleigh(said * scale, 3), said).factors
    assert factors[4] / np.median(factors) == pytest.approx(2.0, rel=0.1)


def test_few_images_hardly_move_a_landmarks_factor() -> None:
    said = np.ones((2, 10))
    errors = np.full((2, 10), np.sqrt(2.0))
    errors[:, 0] *= 3
    factors = fit_sigma(errors, said).factors
    assert 1.1 < factors[0] / factors[1] < 2, "the data alone say 3, but there are two images"


def test_calibration_repairs_what_ence_and_coverage_measure() -> None:
    said, unseen = predicted(4), predicted(5)
    calibrate = fit_sigma(rayleigh(2.5 * said, 6), said)
    errors = rayleigh(2.5 * unseen, 7)
    assert ence(errors, unseen) == pytest.approx(1.5, abs=0.1), "|1 − 2.5| / 1"
    assert ence(errors, calibrate(unseen)) < 0.05
    assert coverage_curve(errors, unseen).miscalibration > 0.2
    assert coverage_curve(errors, calibrate(unseen)).miscalibration < 0.02


def test_missing_points_count_for_nothing() -> None:
    said = predicted(8)
    errors = rayleigh(said, 9)
    with_gaps = np.where(np.random.default_rng(1).random(errors.shape) < 0.3, np.nan, errors)
    assert fit_sigma(with_gaps, said).gain == pytest.approx(fit_sigma(errors, said).gain, rel=0.05)
    assert np.isnan(fit_sigma(errors, said)(np.array([[np.nan] * 19]))).all()


def test_perfect_points_do_not_break_the_fit() -> None:
    calibrate = fit_sigma(np.zeros((5, 3)), np.zeros((5, 3)))
    assert np.isfinite(calibrate(np.ones((1, 3)))).all()


@pytest.mark.parametrize(
    ("errors", "sigma", "complaint"),
    [(np.ones((2, 3)), np.ones((3, 2)), "same shape"), (np.full((2, 3), np.nan), np.ones((2, 3)), "without images")],
)
def test_what_cannot_be_fitted_is_refused(errors: np.ndarray, sigma: np.ndarray, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        fit_sigma(errors, sigma)


def test_ence_by_hand() -> None:
    errors = np.sqrt(2.0) * np.array([1.0, 1.0, 3.0, 3.0])
    assert ence(errors, np.array([1.0, 1.0, 2.0, 2.0]), n_bins=2) == pytest.approx((0 + 0.5) / 2)
    assert np.isnan(ence(np.array([np.nan]), np.array([1.0])))


def test_a_coverage_curve_by_hand() -> None:
    curve = coverage_curve(np.array([0.5, 1.2, 1.3, 9.0]), np.ones(4), n_shares=1)
    assert curve.nominal.tolist() == [0.5]
    assert curve.actual.tolist() == [0.25], "the median of a Rayleigh distribution is √(2 ln 2) = 1.177"
