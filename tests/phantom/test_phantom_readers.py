"""Readers scatter as readers do."""

import numpy as np
import pytest

from ceph_pipeline.phantom.readers import SCATTER_MM, read_landmarks
from ceph_pipeline.phantom.specimen import sample_specimen


@pytest.fixture(scope="module")
def errors_mm():
    """(reader, image, landmark, 2) distances from the truth in mm."""
    rows = {"senior": [], "junior": []}
    for index in range(60):
        specimen = sample_specimen(index, 5, 1000)
        truth = specimen.landmarks_px()
        for reader, points in read_landmarks(specimen, index, 5, 1.0).items():
            rows[reader].append([(points[s] - truth[s]) * specimen.pixel_size_mm for s in SCATTER_MM])
    return np.array([rows["senior"], rows["junior"]])


def test_mean_distance_per_landmark_lies_between_0_3_and_2_mm(errors_mm):
    mean = np.linalg.norm(errors_mm, axis=-1).mean(axis=(0, 1))
    assert 0.25 < mean.min() < 0.5
    assert 1.2 < mean.max() < 2.0


def test_ramus_condylion_porion_gonion_and_articulare_are_read_worst(errors_mm):
    mean = dict(zip(SCATTER_MM, np.linalg.norm(errors_mm, axis=-1).mean(axis=(0, 1)), strict=True))
    assert set(sorted(mean, key=mean.get)[-5:]) == {"R", "Co", "Po", "Go", "Ar"}


def test_readers_are_independent_and_unbiased(errors_mm):
    senior, junior = (errors_mm[reader].ravel() for reader in (0, 1))
    assert abs(np.corrcoef(senior, junior)[0, 1]) < 0.06
    assert abs(senior.mean()) < 0.05


def test_the_junior_scatters_more(errors_mm):
    assert errors_mm[1].std() == pytest.approx(1.25 * errors_mm[0].std(), rel=0.08)


def test_without_noise_readers_hit_the_truth():
    specimen = sample_specimen(0, 5, 1000)
    for points in read_landmarks(specimen, 0, 5, 0.0).values():
        for symbol, truth in specimen.landmarks_px().items():
            np.testing.assert_allclose(points[symbol], truth)


def test_readers_never_leave_the_picture():
    for index in range(10):
        specimen = sample_specimen(index, 5, 256)
        for points in read_landmarks(specimen, index, 5, 5.0).values():
            found = np.array(list(points.values()))
            assert (found >= 0).all()
            assert (found <= np.array(specimen.size) - 1).all()
