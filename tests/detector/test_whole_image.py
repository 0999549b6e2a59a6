"""Stage 1 finds what its network sees, in pixels of the original, whatever the view."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.whole_image import WholeImagePredictions, predict_whole_batch, predict_whole_images
from ceph_pipeline.images.normalise import raise_levels
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.views import TEN_VIEWS, Fusion, View
from ceph_pipeline.views.choice import FIVE_VIEWS

POINTS = np.array([(411.3, 287.8), (655.6, 702.1)])
SIZE = (1000, 1200)


def located(net: TrainedNet, image: np.ndarray, views: tuple[View, ...] = (View(),), fusion: Fusion = "mean"):
    return predict_whole_batch([net], [image], [SIZE], views).fused(fusion)


def test_dots_are_found_in_px_of_the_original(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    np.testing.assert_allclose(located(dot_finder, dotted).xy[0], POINTS, atol=0.5)  # an input px is 3.9 of the original's


def test_a_point_that_no_view_shows_is_not_certain() -> None:
    xy, peak, sd = np.full((1, 1, 2, 2), np.nan), np.full((1, 1, 2), np.nan), np.full((1, 1, 2), np.nan)
    xy[0, 0, 1], peak[0, 0, 1], sd[0, 0, 1] = (5.0, 6.0), 0.5, 3.0
    found = WholeImagePredictions(xy, peak, sd, {}).fused()
    np.testing.assert_array_equal(found.sigma_px, [[np.nan, 3.0]])
    np.testing.assert_array_equal(found.xy, [[[np.nan, np.nan], [5.0, 6.0]]])


def test_a_stored_copy_of_another_size_gives_the_same_points(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    for size in [(267, 320), (500, 600)]:
        cached = cv2.resize(dotted, size, interpolation=cv2.INTER_AREA)
        np.testing.assert_allclose(located(dot_finder, cached).xy[0], POINTS, atol=0.5)


@pytest.mark.parametrize("view", TEN_VIEWS, ids=str)
def test_every_view_maps_back(dot_finder: TrainedNet, dotted: np.ndarray, view: View) -> None:
    np.testing.assert_allclose(located(dot_finder, dotted, (view,)).xy[0], POINTS, atol=1.0)


def test_a_stretched_input_maps_back_per_axis(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    dot_finder.facts["resize"] = "stretch"
    dot_finder.input_size = (320, 256)
    np.testing.assert_allclose(located(dot_finder, dotted).xy[0], POINTS, atol=1.0)


@pytest.mark.parametrize("fusion", ["mean", "median", "confidence"])
def test_ten_views_are_at_least_as_good(dot_finder: TrainedNet, dotted: np.ndarray, fusion: str) -> None:
    np.testing.assert_allclose(located(dot_finder, dotted, TEN_VIEWS, fusion=fusion).xy[0], POINTS, atol=0.5)


def test_a_view_that_has_lost_a_landmark_is_not_asked_for_it(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    """The bright dot lies at the lower edge; at 1.2 times the scale a network answers with something else that is bright."""
    lowered = np.full_like(dotted, 120)
    lowered[860:] = dotted[:340]
    lowered[300:, 500:] = np.minimum(lowered, dotted)[300:, 500:]
    lowered[20, 20] = 255
    expected = np.array([(POINTS[0, 0], POINTS[0, 1] + 860), POINTS[1]])
    found = located(dot_finder, lowered, FIVE_VIEWS)
    np.testing.assert_allclose(found.xy[0], expected, atol=1.5)
    assert np.isfinite(found.sigma_px).all()
    assert np.isfinite(found.peak).all()


def test_the_batch_size_changes_nothing(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    images = {"a": dotted, "b": dotted[:, ::-1], "c": dotted[::-1]}
    one, three = (
        predict_whole_images([dot_finder], images.__getitem__, list(images), [SIZE] * 3, TEN_VIEWS, batch_size=size).fused()
        for size in (1, 3)
    )
    np.testing.assert_allclose(one.xy, three.xy, atol=1e-4)
    np.testing.assert_allclose(one.xy[1, 0], (999 - POINTS[0, 0], POINTS[0, 1]), atol=0.5)


def test_an_image_is_read_once_whatever_the_number_of_views(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    reads: list[str] = []

    def read(image_id: str) -> np.ndarray:
        reads.append(image_id)
        return dotted

    predict_whole_images([dot_finder], read, ["a", "b"], [SIZE] * 2, TEN_VIEWS)
    assert reads == ["a", "b"]


class Unsure(nn.Module):
    """A flat answer: peaks of a quarter."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.25))

    def forward(self, images: Tensor) -> LandmarkOutput:
        maps = torch.zeros(len(images), 2, images.shape[2] // 4, images.shape[3] // 4)
        maps[:, :, 30, 20] = 1
        return LandmarkOutput(maps * self.scale, None, None)


def test_a_low_peak_means_a_wide_sigma(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    dot_finder.net = Unsure()
    sigma = located(dot_finder, dotted).sigma_px
    # s = t · √(1/0.25 − 1) = 1.5 · √3 heatmap px, of 4 input px, each 1000 / 256 px of the original
    np.testing.assert_allclose(sigma, 1.5 * np.sqrt(3) * 4 * 1000 / 256, rtol=1e-4)


class Recorder(nn.Module):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.anywhere = nn.Parameter(torch.zeros(1))
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> LandmarkOutput:
        self.seen.append(images)
        return LandmarkOutput(torch.zeros(len(images), 2, images.shape[2] // 4, images.shape[3] // 4), None, None)


def test_a_network_sees_grey_levels_raised_as_in_its_training(dot_finder: TrainedNet, dotted: np.ndarray) -> None:
    recorder = dot_finder.net = Recorder()
    cached = cv2.resize(dotted, (267, 320), interpolation=cv2.INTER_AREA)
    located(dot_finder, raise_levels(cached, 0.5))
    dot_finder.facts["input_gamma"] = 0.5
    located(dot_finder, cached)
    plain, raised = recorder.seen
    torch.testing.assert_close(raised, plain, atol=1e-4, rtol=1e-4)
