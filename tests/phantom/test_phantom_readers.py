"""Readers scatter as readers do."""

from itertools import pairwise

import numpy as np
import pytest

from ceph_pipeline.phantom.contours import contours, slide
from ceph_pipeline.phantom.curves import ellipse
from ceph_pipeline.phantom.readers import SCATTER_MM, read_landmarks
from ceph_pipeline.phantom.specimen import sample_specimen

N_IMAGES = 250


def contour_frame(index, symbol):
    """Rows: unit vectors along the contour at a landmark, and across it."""
    face = sample_specimen(index, 5, 1000).face
    contour = contours(face)[symbol]
    nearest = int(np.argmin(np.linalg.norm(contour - face[symbol], axis=1)))
    along = contour[min(nearest + 1, len(contour) - 1)] - contour[max(nearest - 1, 0)]
    along /= np.linalg.norm(along)
    return np.array([along, [-along[1], along[0]]])


@pytest.fixture(scope="module")
def errors_mm():
    """(reader, image, landmark, 2) distances from the truth in mm."""
    rows = {"senior": [], "junior": []}
    for index in range(N_IMAGES):
        specimen = sample_specimen(index, 5, 1000)
        truth = specimen.landmarks_px()
        for reader, points in read_landmarks(specimen, index, 5, 1.0).items():
            rows[reader].append([(points[s] - truth[s]) * specimen.pixel_size_mm for s in SCATTER_MM])
    return np.array([rows["senior"], rows["junior"]])


ISBI_HALF_DISTANCE_MM = {
    "Po": 1.47, "Ar": 1.24, "A": 1.20, "Go": 1.12, "Or": 1.07, "B": 1.07, "N": 0.97, "Pog`": 0.96, "ANS": 0.89, "PNS": 0.63,
    "Ls": 0.60, "Li": 0.57, "Pog": 0.55, "Sn": 0.51, "Me": 0.51, "Gn": 0.45, "S": 0.42, "LIT": 0.30, "UIT": 0.26,
}  # fmt: skip
"""Mean of half the distance between the readers of ISBI 2015 on Test1, their constant offsets removed."""

ISBI_ALONG_OVER_ACROSS = {"Pog": 4.2, "Pog`": 3.2, "ANS": 3.0, "Me": 2.9, "Gn": 2.7}


def test_readers_are_as_far_apart_as_those_of_isbi_2015(errors_mm):
    half_distance = dict(zip(SCATTER_MM, np.linalg.norm(errors_mm[0] - errors_mm[1], axis=-1).mean(axis=0) / 2, strict=True))
    for symbol, expected in ISBI_HALF_DISTANCE_MM.items():
        assert half_distance[symbol] == pytest.approx(expected, rel=0.15), symbol


def test_ramus_condylion_porion_and_articulare_are_read_worst(errors_mm):
    mean = dict(zip(SCATTER_MM, np.linalg.norm(errors_mm, axis=-1).mean(axis=(0, 1)), strict=True))
    assert set(sorted(mean, key=mean.get)[-4:]) == {"R", "Co", "Po", "Ar"}


@pytest.mark.parametrize(("symbol", "ratio"), ISBI_ALONG_OVER_ACROSS.items())
def test_readers_scatter_along_the_contour_more_than_across_it(errors_mm, symbol, ratio):
    errors = errors_mm[:, :, list(SCATTER_MM).index(symbol)].reshape(-1, 2)
    turned = np.array([contour_frame(index, symbol) @ error for index, error in enumerate(errors[:N_IMAGES])])
    along, across = turned.std(axis=0)
    assert along / across == pytest.approx(ratio, rel=0.3)


def test_what_readers_mark_lies_near_the_outline_of_bone_and_skin():
    for index in range(60):
        specimen = sample_specimen(index, 5, 1000)
        readings = read_landmarks(specimen, index, 5, 1.0)
        for symbol, contour in contours(specimen.face).items():
            consensus = np.mean([points[symbol] for points in readings.values()], axis=0)
            dense = np.concatenate([np.linspace(a, b, 9) for a, b in pairwise(specimen.to_px(contour))])
            off_mm = np.linalg.norm(dense - consensus, axis=1).min() * specimen.pixel_size_mm
            assert off_mm < 3.2 * max(SCATTER_MM[symbol][1], 0.2), (index, symbol)


@pytest.mark.parametrize("index", range(3))
def test_every_landmark_lies_on_its_contour(index):
    face = sample_specimen(index, 5, 1000).face
    found = contours(face)
    assert set(found) == set(SCATTER_MM)
    for symbol, contour in found.items():
        assert np.linalg.norm(contour - face[symbol], axis=1).min() < 1e-9, symbol


def test_sliding_along_a_circle_stays_on_it():
    circle = ellipse((0.0, 0.0), (10.0, 0.0), 1.0)
    for along in (-9.0, 0.0, 4.0, 30.0):
        assert np.linalg.norm(slide(circle, circle[0], along, 0.0)) == pytest.approx(10.0, abs=0.05)
    assert np.linalg.norm(slide(circle, circle[0], 4.0, 1.5)) == pytest.approx(11.5, abs=0.1)


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
