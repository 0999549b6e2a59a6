"""What the measurement head is to answer belongs to the pixels it sees, and becomes millimetres where those are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ceph_pipeline.cephalometry import measure
from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.detector.checkpoint import TrainedNet
from ceph_pipeline.detector.image_set import ImageSet
from ceph_pipeline.detector.tables import whole_image_tables
from ceph_pipeline.models import LandmarkOutput
from ceph_pipeline.training.measurement_scores import MeasurementMoments, measurement_moments
from ceph_pipeline.training.params import Stage1Params
from ceph_pipeline.training.whole_images import WholeImageDataset, WholeImages

KEYS = ("N_Me_px", "S_Go_px", "Jarabak_pct")
UNSCORED = MeasurementMoments(KEYS, np.zeros(3), np.ones(3))
INPUT = (128, 128)
S, N, ME, GO = range(4)


def recipe(**kinds):
    return Stage1Params.model_validate({"augmentation": kinds}).augmentation


@pytest.fixture
def data(spots):
    return WholeImages.from_tables(spots.images, spots.landmarks, spots.cvm, spots.names, "consensus")


@pytest.fixture
def target(spots, data):
    """Target of one sample and its points, in px of the input."""

    def sample(kinds=None, *, resize="letterbox", data=data):
        dataset = WholeImageDataset(data, spots.cache, INPUT, resize, seed=3, augmentation=kinds, moments=UNSCORED)
        found = dataset[5, 0]
        return found.measurements[0].numpy(), found.points[0].numpy()

    return sample


EVERY_CHANGE = recipe(
    affine={"rotation_deg": [-15, 15], "scale": [0.8, 1.2], "shift": [-0.05, 0.05], "shear_deg": [-8, 8]},
    flip={"probability": 0.5},
    elastic={"displacement_mm": [2, 2], "spacing_mm": 10},
)


@pytest.mark.parametrize("kinds", [None, EVERY_CHANGE])
def test_a_length_is_the_distance_of_the_points_that_the_sample_shows(target, kinds):
    (n_me, s_go, jarabak), points = target(kinds)
    assert n_me == pytest.approx(np.linalg.norm(points[N] - points[ME]), rel=1e-4)
    assert s_go == pytest.approx(np.linalg.norm(points[S] - points[GO]), rel=1e-4)
    assert jarabak == pytest.approx(100 * s_go / n_me, rel=1e-4)


def test_an_enlarged_face_has_longer_lengths_and_the_same_ratio(target):
    plain, _ = target()
    enlarged, _ = target(recipe(affine={"rotation_deg": [0, 0], "scale": [1.2, 1.2], "shift": [0, 0]}))
    np.testing.assert_allclose(enlarged, plain * [1.2, 1.2, 1], rtol=1e-4)


def test_a_stretched_input_changes_no_ratio(target):
    """Points are measured in the original's geometry; a length counts at the mean scale of both axes."""
    (n_me, _, jarabak), points = target(resize="stretch")
    original = points / [128 / 96, 128 / 80]
    length = np.linalg.norm(original[N] - original[ME])
    assert n_me == pytest.approx(length * np.sqrt(128 / 96 * 128 / 80), rel=1e-4)
    assert jarabak == pytest.approx(100 * np.linalg.norm(original[S] - original[GO]) / length, rel=1e-4)


def test_a_film_without_a_pixel_size_teaches_lengths_too(target, data):
    np.testing.assert_array_equal(target(data=replace(data, pixel_size_mm=np.full(12, np.nan)))[0], target()[0])


def test_a_missing_point_leaves_its_measurements_unknown(target, data):
    points = data.points.copy()
    points[0, ME] = np.nan
    assert np.isfinite(target(data=replace(data, points=points))[0]).tolist() == [False, True, False]


def test_moments_are_of_what_comes_into_the_input_and_of_what_some_image_allows(data):
    moments = measurement_moments(data.measured(INPUT, "letterbox"))
    lengths = np.linalg.norm(data.points[:, N] - data.points[:, ME], axis=1) * 128 / 96
    assert moments.keys == KEYS
    assert (moments.mean[0], moments.sd[0]) == pytest.approx((lengths.mean(), lengths.std()))


def test_moments_of_equal_values_never_divide_by_zero(data):
    alike = replace(data, points=data.points[:1].repeat(12, axis=0))
    moments = measurement_moments(alike.measured(INPUT, "letterbox"))
    assert moments.sd.tolist() == [1.0, 1.0, 1.0]


class Oracle(nn.Module):
    """A network that answers the scores of the images it is shown, in their order."""

    def __init__(self, scores):
        super().__init__()
        self.scores, self.asked = nn.Parameter(torch.from_numpy(scores).float()), 0

    def forward(self, images):
        first = self.asked
        self.asked += len(images)
        maps = torch.ones(len(images), 4, images.shape[2] // 4, images.shape[3] // 4)
        return LandmarkOutput(maps, None, self.scores[first : self.asked])


@pytest.mark.parametrize("resize", ["letterbox", "stretch"])
def test_a_head_that_answers_its_targets_gives_the_film_s_millimetres(spots, data, resize):
    moments = measurement_moments(data.measured(INPUT, resize))
    dataset = WholeImageDataset(data, spots.cache, INPUT, resize, seed=3, moments=moments)
    targets = np.stack([dataset[0, item].measurements[0].numpy() for item in range(12)])
    found = head_outputs(spots, targets, moments, resize)
    for item, image_id in enumerate(spots.images["image_id"]):
        face = dict(zip(spots.names, map(tuple, data.points[item]), strict=True))
        for key, value in measure(face, 0.5, ["N_Me_mm", "S_Go_mm", "Jarabak_pct"]).items():
            assert found[image_id, key] == pytest.approx(value, rel=1e-4)


def test_lengths_of_films_without_a_pixel_size_are_absent(spots, data):
    moments = measurement_moments(data.measured(INPUT, "letterbox"))
    unknown = spots._replace(images=spots.images.assign(pixel_size_mm=np.nan))
    found = head_outputs(unknown, np.zeros((12, 3)), moments, "letterbox")
    assert {key for _, key in found.index} == {"Jarabak_pct"}


def test_millimetres_of_a_network_that_learned_them_are_read_as_they_are(spots):
    """Checkpoints from before lengths were learned in px."""
    moments = MeasurementMoments(("N_Me_mm", "FMA"), np.array([110.0, 25.0]), np.array([8.0, 4.0]))
    found = head_outputs(spots, np.array([[0.5, -1.0]] * 12), moments, "letterbox")
    assert found["spot_03", "N_Me_mm"] == 114.0
    assert found["spot_03", "FMA"] == 21.0


def head_outputs(spots, scores, moments, resize) -> pd.Series:
    """The head's table for a network that answers these scores, by image and key."""
    facts = {
        "resize": resize,
        "measurements": list(moments.keys),
        "measurement_mean": moments.mean.tolist(),
        "measurement_sd": moments.sd.tolist(),
    }
    net = TrainedNet(Oracle(scores), "stage1", tuple(spots.names), INPUT, 4, 1.0, "linear", {}, facts)
    images = ImageSet.of_cache(spots.images, spots.cache, spots.images[["image_id"]].assign(digest=""))
    table = whole_image_tables([net], images, DetectorParams(device="cpu").in_one_view()).head_outputs
    return table.set_index(["image_id", "output"])["value"]
