"""Implausible landmarks are found and placed where the others expect them; plausible heads are left alone."""

import numpy as np
import pytest

from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.shape_prior import ShapePrior
from ceph_pipeline.phantom.shape import shape_model

MM = 10.0
"""px per mm of the test heads."""


def heads(seed: int, n: int) -> np.ndarray:
    """Heads `(n, 29, 2)` in px: of every size, tilted, half of them turned the other way."""
    rng = np.random.default_rng(seed)
    shapes = []
    for number in range(n):
        points = np.stack(list(shape_model().sample(rng).values())) * MM
        turn = Affine.similarity((0, 0), angle_deg=rng.uniform(-15, 15), scale=rng.uniform(0.7, 1.4))
        face = Affine.flip(2000) if number % 2 else Affine.identity()
        shapes.append(turn.then(face).then(Affine.translation(*rng.uniform(0, 300, 2)))(points))
    return np.stack(shapes)


@pytest.fixture(scope="module")
def prior() -> ShapePrior:
    return ShapePrior.fit(heads(0, 300))


def test_new_heads_are_plausible(prior: ShapePrior) -> None:
    distances = prior.distances(heads(1, 100))
    assert np.median(distances) == pytest.approx(2 * np.log(2), rel=0.25), "the median of χ² with two degrees of freedom"
    assert (distances > 18.4).mean() < 0.005
    assert prior.mend(heads(1, 100), max_distance=30).replaced.mean() < 0.001


@pytest.mark.parametrize("landmark", [0, 9, 14, 28])
def test_a_landmark_far_off_is_the_one_that_stands_out(prior: ShapePrior, landmark: int) -> None:
    truth = heads(2, 20)
    wrong = truth.copy()
    wrong[:, landmark] += (25 * MM, -20 * MM)
    assert (prior.distances(wrong).argmax(axis=1) == landmark).all()
    mended = prior.mend(wrong, max_distance=30)
    assert mended.replaced[:, landmark].all()
    error = np.linalg.norm(mended.points - truth, axis=-1)[:, landmark]
    assert np.median(error) < 5 * MM, "placed within 5 mm, from 32 mm off"
    assert 0.3 < np.sqrt((error**2).mean() / 2) / np.median(mended.sigma_px[:, landmark]) < 3, "and its sigma says so"


def test_the_others_stay_where_they_are(prior: ShapePrior) -> None:
    wrong = heads(3, 5)
    wrong[:, 4] -= 40 * MM
    mended = prior.mend(wrong, max_distance=30)
    np.testing.assert_array_equal(mended.points[~mended.replaced], wrong[~mended.replaced])
    assert np.isnan(mended.sigma_px[~mended.replaced]).all()


def test_two_outliers_of_one_head_are_both_placed_anew(prior: ShapePrior) -> None:
    wrong = heads(4, 10)
    wrong[:, 3] += (0, 40 * MM)
    wrong[:, 15] -= (35 * MM, 0)
    assert prior.mend(wrong, max_distance=30).replaced[:, [3, 15]].all()


def test_a_head_with_many_oddities_is_left_alone(prior: ShapePrior) -> None:
    noise = heads(5, 4) + np.random.default_rng(0).normal(0, 25 * MM, (4, 29, 2))
    mended = prior.mend(noise, max_distance=30)
    assert not mended.replaced.any()
    np.testing.assert_array_equal(mended.points, noise)


def test_a_missing_landmark_stays_missing(prior: ShapePrior) -> None:
    points = heads(6, 3)
    points[:, 7] = np.nan
    assert np.isnan(prior.distances(points)[:, 7]).all()
    assert np.isfinite(np.delete(prior.distances(points), 7, axis=1)).all()
    assert np.isnan(prior.mend(points, max_distance=30).points[:, 7]).all()


def test_where_nearly_all_is_missing_nothing_is_said(prior: ShapePrior) -> None:
    points = np.full((1, 29, 2), np.nan)
    points[0, :3] = 100.0, 200.0
    assert np.isnan(prior.distances(points)).all()
    assert not prior.mend(points, max_distance=1e-9).replaced.any()


def test_size_tilt_and_direction_of_the_face_do_not_matter(prior: ShapePrior) -> None:
    head = heads(7, 1)[0]
    turned = Affine.flip(1700).then(Affine.similarity((10, 20), angle_deg=8, scale=0.4))(head)
    np.testing.assert_allclose(prior.distances(turned[None]), prior.distances(head[None]), rtol=1e-3, atol=1e-3)


def test_a_prior_needs_heads() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        ShapePrior.fit(heads(8, 9))
