"""Radii cover what they promise, on images that neither fit has seen."""

import math

import numpy as np
import pytest

from ceph_pipeline.uncertainty import conformal_factor, coverage, flag_curve, sources_needed


def heavy_tailed(rng: np.random.Generator, n_images: int, n_landmarks: int = 19) -> np.ndarray:
    """Scores whose points share their image's fortune, far from any Rayleigh distribution."""
    image = rng.lognormal(0, 0.6, (n_images, 1))
    return image * np.abs(rng.standard_t(3, (n_images, n_landmarks)))


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_new_images_are_covered_as_promised(level: float) -> None:
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        scores = heavy_tailed(rng, 60)
        factor = conformal_factor(scores[:40], level)
        shares.append(coverage(scores[40:], np.full((20, 19), factor)))
    assert level - 0.01 <= np.mean(shares) <= level + 0.03


def test_the_quantile_by_hand() -> None:
    scores = np.arange(1.0, 10.0)[:, None]  # nine images, one point each: each weighs 1/10
    assert conformal_factor(scores, 0.5) == 5
    assert conformal_factor(scores, 0.9) == 9


def test_too_few_images_promise_nothing() -> None:
    assert math.isinf(conformal_factor(np.ones((8, 19)), 0.9)), "8 images: the ninth could be the one in ten"
    assert conformal_factor(np.ones((9, 19)), 0.9) == 1
    assert math.isinf(conformal_factor(np.full((3, 2), np.nan), 0.5))


@pytest.mark.parametrize(("level", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_how_many_images_a_level_needs(level: float, needed: int) -> None:
    assert sources_needed(level) == needed
    assert math.isfinite(conformal_factor(np.ones((needed, 3)), level))
    assert math.isinf(conformal_factor(np.ones((needed - 1, 3)), level))


def test_an_image_with_many_points_weighs_no_more_than_one_with_few() -> None:
    scores = np.full((11, 30), np.nan)
    scores[:10, 0] = 1.0
    scores[10] = 50.0
    assert conformal_factor(scores, 0.8) == 1.0


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        conformal_factor(np.ones((3, 3)), level)


def test_coverage_by_hand() -> None:
    errors = np.array([[1.0, 3.0], [2.0, np.nan], [np.nan, np.nan]])
    assert coverage(errors, np.full((3, 2), 2.0)) == pytest.approx((0.5 + 1.0) / 2)
    assert math.isnan(coverage(np.full((1, 2), np.nan), np.ones((1, 2))))


def test_flags_by_hand() -> None:
    errors = np.array([1.0, 9.0, 0.5, 5.0, 1.0])
    curve = flag_curve(errors, np.array([0.1, 3.0, 2.0, 1.0, 0.2]))
    assert curve.n_gross == 2
    np.testing.assert_allclose(curve.flagged, [0, 0.2, 0.4, 0.6, 0.8, 1])
    np.testing.assert_allclose(curve.caught, [0, 0.5, 0.5, 1, 1, 1])
    assert curve.caught_at(0.2) == 0.5
    assert math.isnan(flag_curve(np.ones(3), np.ones(3)).caught_at(0.1)), "nothing to catch"
