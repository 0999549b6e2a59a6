"""Uncertainty of points, propagated: against formulas on paper and against sampling."""

import numpy as np
import pytest

from ceph_pipeline.cephalometry import assess
from ceph_pipeline.cephalometry.evaluating import SYMBOLS, evaluate
from ceph_pipeline.cephalometry.propagation import propagate
from tests.cephalometry.test_measurement_invariance import BASE

PIXEL_MM = 0.1
UNIT = {"N": (0.0, 0.0), "Me": (0.0, 1000.0)}


def test_a_distance_scatters_along_itself_alone():
    along_and_across = {"N": [[0.0, 0.0], [0.0, 9.0]], "Me": [[100.0, 0.0], [0.0, 16.0]]}  # px²; 3 and 4 px along, 10 px across
    assert assess(UNIT, PIXEL_MM, along_and_across)["N_Me_mm"].sigma == pytest.approx(0.5, rel=1e-6)


def test_an_angle_scatters_by_the_points_over_the_arms():
    face = {"S": (0.0, 0.0), "N": (700.0, 0.0), "A": (700.0, 600.0)}
    sigma = assess(face, None, {"S": 0.0, "N": 0.0, "A": 6.0})["SNA"].sigma
    assert sigma == pytest.approx(np.degrees(6 / 600), rel=1e-6)


def test_a_point_that_two_terms_share_is_counted_once():
    face = {"S": (0.0, 0.0), "N": (700.0, 0.0), "A": (690.0, 600.0), "B": (660.0, 1000.0)}
    found = assess(face, None, {"S": 20.0, "N": 0.0, "A": 0.0, "B": 0.0})
    assert found["SNA"].sigma > 1
    assert found["ANB"].sigma == pytest.approx(0, abs=1e-6)  # Sella turns both angles alike


@pytest.mark.parametrize("correlated", [False, True])
def test_first_order_agrees_with_sampling(correlated):
    rng = np.random.default_rng(7)
    spread = rng.uniform(0.5, 2.0, (len(SYMBOLS), 2, 2)) if correlated else np.broadcast_to(1.5 * np.eye(2), (len(SYMBOLS), 2, 2))
    covariance = spread @ spread.transpose(0, 2, 1)
    sizes = np.array([PIXEL_MM])
    predicted = propagate(BASE[None], sizes, covariance[None])[0]
    noise = np.einsum("kij,nkj->nki", spread, rng.standard_normal((20_000, len(SYMBOLS), 2)))
    sampled = evaluate(BASE + noise, np.repeat(sizes, 20_000)).std(axis=0)
    assert predicted / sampled == pytest.approx(1, abs=0.04)


def test_a_point_of_unknown_scatter_leaves_the_sigma_unknown():
    found = assess(UNIT | {"ANS": (30.0, 500.0)}, PIXEL_MM, {"N": 3.0, "Me": 4.0})
    assert found["N_Me_mm"].sigma == pytest.approx(0.5)
    assert found["N_ANS_mm"].value is not None
    assert found["N_ANS_mm"].sigma is None


@pytest.mark.parametrize(
    ("spread", "message"), [(-1.0, "at least 0"), ([1.0, 2.0], "expected a standard"), ([[1, 2], [2, 1]], "negative")]
)
def test_what_is_no_scatter_is_refused(spread, message):
    with pytest.raises(ValueError, match=message):
        assess(UNIT, PIXEL_MM, {"N": spread})
