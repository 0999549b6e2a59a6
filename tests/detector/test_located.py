"""How sure a network is, in numbers worked out by hand."""

import numpy as np
import pytest

from ceph_pipeline.detector.located import Located, combined_sd, lies_outside, posterior_sd, prediction_rows
from ceph_pipeline.landmarks.tables import PredictionTable


@pytest.mark.parametrize(("posterior", "target"), [(1.0, 2.0), (3.0, 2.0), (0.5, 1.5)])
def test_the_peak_of_an_average_of_gaussians_gives_their_scatter(posterior: float, target: float) -> None:
    centres = np.random.default_rng(0).normal(0, posterior, (400_000, 2))
    peak = np.exp(-(centres**2).sum(axis=1) / (2 * target**2)).mean()  # the average map at its middle
    assert posterior_sd(np.array(peak), target) == pytest.approx(posterior, rel=0.01)


def test_a_certain_peak_has_no_scatter() -> None:
    assert posterior_sd(np.array([1.0, 1.3]), 2.0).tolist() == [0, 0]


def test_an_empty_map_is_very_unsure_but_finite() -> None:
    assert posterior_sd(np.array(0.0), 2.0) == pytest.approx(2 * np.sqrt(99))


def test_an_unknown_part_adds_nothing() -> None:
    assert combined_sd(np.array([3.0, np.nan]), np.array([4.0, 2.0])).tolist() == [5, 2]


def test_pixels_end_half_a_pixel_beyond_their_centres() -> None:
    xy = np.array([[(-0.5, 0.0), (-0.6, 0.0), (9.4, 19.5), (9.5, 19.6), (np.nan, 30.0)]])
    assert lies_outside(xy, [(10, 20)]).tolist() == [[False, True, False, True, True]]


def test_rows_are_a_prediction_table() -> None:
    located = Located(np.arange(8.0).reshape(2, 2, 2), np.array([[1.0, 2.0], [3.0, np.nan]]), np.full((2, 2), 0.5))
    rows = PredictionTable.validate(prediction_rows(located, ["a", "b"], ["Sella", "Nasion"], "stage1"))
    point = {"image_id": "b", "stage": "stage1", "landmark": "Sella", "x": 4, "y": 5, "sigma_px": 3, "peak": 0.5}
    assert rows.iloc[2].to_dict() == point
