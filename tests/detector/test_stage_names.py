"""What a detector's points are called, by the views they come from."""

import numpy as np
import pytest

from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.views import ViewGrid, Views

DOTS = np.array([(411.3, 287.8), (655.6, 702.1)])


@pytest.mark.parametrize(
    ("views", "stage"),
    [("single", "stage2"), (ViewGrid(), "stage2"), (ViewGrid(scales=(0.9,)), "stage2_tta"), ("grid", "stage2_tta")],
    ids=str,
)
def test_points_from_the_plain_frame_alone_are_not_called_augmented(
    dot_finder: TrainedNet, dot_refiner: TrainedNet, views: Views, stage: str
) -> None:
    assert LandmarkDetector([dot_finder], [dot_refiner], DetectorParams(views_stage1=views)).stage == stage
    assert LandmarkDetector([dot_finder], [dot_refiner], DetectorParams(views_stage2=views)).stage == stage


def test_views_without_the_plain_frame_find_the_dots_too(
    dot_finder: TrainedNet, dot_refiner: TrainedNet, dotted: np.ndarray
) -> None:
    grid = ViewGrid(flips=(False, True), scales=(0.9, 1.1), rotations_deg=(-5, 5))
    alone = LandmarkDetector([dot_finder], [], DetectorParams(views_stage1=grid)).predict([dotted], pixel_size_mm=0.1)
    both = LandmarkDetector([dot_finder], [dot_refiner], DetectorParams(views_stage1=grid, views_stage2=grid))
    refined = both.predict([dotted], pixel_size_mm=0.1)
    np.testing.assert_allclose(alone[["x", "y"]], DOTS, atol=0.5)
    np.testing.assert_allclose(refined[["x", "y"]], DOTS, atol=0.15)
    assert refined["stage"].unique() == ["stage2_tta"]
