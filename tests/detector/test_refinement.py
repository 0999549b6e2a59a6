"""Stage 2 corrects stage 1 within its crops, and leaves it alone where it is unsure."""

import numpy as np
import pytest

from ceph_pipeline.crops import CropParams, RefinementParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.located import Located
from ceph_pipeline.detector.refinement import _fields, predict_refined
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.views import TEN_VIEWS, View

POINTS = np.array([(411.3, 287.8), (655.6, 702.1)])
ROUGH = POINTS + np.array([(9.0, -14.0), (-17.0, 6.0)])


def at(points: np.ndarray, sigma_px: float = 3.0) -> Located:
    """What stage 1 says of the points `(N, K, 2)`."""
    missing = np.isnan(points).any(axis=-1)
    return Located(points, np.where(missing, np.nan, sigma_px), np.full(points.shape[:2], 0.5))


def refined(net: TrainedNet, image: np.ndarray, points: np.ndarray = ROUGH, *, sigma_px: float = 3.0, **options: object):
    options = {"pixel_size_mm": [0.1], "params": RefinementParams()} | options
    return predict_refined([net], [image], at(points[None], sigma_px), **options)


def test_rough_points_move_to_the_dots(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    np.testing.assert_allclose(refined(dot_refiner, dotted).xy[0], POINTS, atol=0.15)


@pytest.mark.parametrize("view", TEN_VIEWS, ids=str)
def test_every_view_of_a_crop_maps_back(dot_refiner: TrainedNet, dotted: np.ndarray, view: View) -> None:
    np.testing.assert_allclose(refined(dot_refiner, dotted, views=(view,)).xy[0], POINTS, atol=0.3)


def test_a_dot_at_the_border_is_refined(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    corner = np.array((350, 230))  # crops reach 40 px over the border
    cut = dotted[230:, 350:]
    np.testing.assert_allclose(refined(dot_refiner, cut, ROUGH - corner).xy[0], POINTS - corner, atol=0.15)


def test_the_batch_size_changes_nothing(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    points = np.stack([ROUGH, POINTS])
    small, large = (
        predict_refined(
            [dot_refiner],
            [dotted, dotted],
            at(points),
            pixel_size_mm=[0.1, 0.1],
            params=RefinementParams(),
            batch_size=size,
        )
        for size in (7, 256)
    )
    np.testing.assert_allclose(small.xy, large.xy, atol=1e-4)


def test_where_nothing_is_seen_stage_1_stands_with_its_own_sigma(dot_refiner: TrainedNet) -> None:
    blank = np.full((1200, 1000), 99, np.uint8)
    result = refined(dot_refiner, blank, sigma_px=7.0)
    np.testing.assert_array_equal(result.xy[0], ROUGH)
    assert result.sigma_px.tolist() == [[7.0, 7.0]]


def test_the_peak_is_stage_1s(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    assert refined(dot_refiner, dotted).peak.tolist() == [[0.5, 0.5]]


def test_a_missing_point_stays_missing_and_is_not_cut(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    points = ROUGH.copy()
    points[0] = np.nan
    result = refined(dot_refiner, dotted, points)
    assert np.isnan(result.xy[0, 0]).all()
    assert np.isnan(result.sigma_px[0, 0])
    np.testing.assert_allclose(result.xy[0, 1], POINTS[1], atol=0.15)


def test_without_a_pixel_size_the_heads_size_gives_the_field(dot_refiner: TrainedNet, dotted: np.ndarray) -> None:
    names = SCHEMAS["isbi2015"].names
    dot_refiner.landmarks = names
    points = np.random.default_rng(0).uniform(200, 900, (len(names), 2))
    dot_refiner.facts["crops"] = CropParams(crop_px=96, field_mm=25.0).model_dump()
    unknown = refined(dot_refiner, dotted, points, pixel_size_mm=[np.nan])
    dot_refiner.facts["crops"] = CropParams(crop_px=96, field_of_face=25.0 / 53.09).model_dump()
    by_face = refined(dot_refiner, dotted, points)
    np.testing.assert_allclose(unknown.xy, by_face.xy)


def test_an_image_without_a_pixel_size_leaves_its_neighbours_field_alone(dot_refiner: TrainedNet) -> None:
    names = SCHEMAS["isbi2015"].names
    dot_refiner.landmarks = names
    points = np.random.default_rng(0).uniform(200, 900, (2, len(names), 2))
    params = CropParams(crop_px=96, field_mm=25.0)
    mixed = _fields(points, dot_refiner, np.array([0.1, np.nan]), params)
    assert mixed[0] == _fields(points[:1], dot_refiner, np.array([0.1]), params)[0] == 250.0
    assert mixed[1] == _fields(points[1:], dot_refiner, np.array([np.nan]), params)[0]
