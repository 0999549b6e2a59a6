"""Errors without constant offsets, on points whose offsets and scatter are known."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation.offsets import offset_rows, without_offsets
from ceph_pipeline.landmarks.tables import points_table

LANDMARKS = ["Sella", "Gonion"]
N = 400
IDS = [f"i{number:03d}" for number in range(N)]


@pytest.fixture(scope="module")
def made():
    """Gonion is predicted 30 px beside the truth, and one reader places it 20 px from the other; both scatter by 10 px."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(200, 800, (N, 2, 2))
    shift = np.array([[0.0, 0.0], [30.0, 0.0]])
    scatter = rng.normal(0, 10, (N, 2, 2))
    half = np.array([[0.0, 0.0], [0.0, 10.0]]) + rng.normal(0, 5, (N, 2, 2))
    readers = {"consensus": truth, "senior": truth + half, "junior": truth - half}
    landmarks = pd.concat([points_table(points, IDS, LANDMARKS).assign(reader=name) for name, points in readers.items()])
    predictions = points_table(truth + shift + scatter, IDS, LANDMARKS).assign(stage="stage2")
    images = pd.DataFrame({"image_id": IDS, "split": "test", "subset": "test1", "pixel_size_mm": 0.1})
    return predictions, landmarks, images


def mean(rows, stage, landmark):
    return rows[(rows["stage"] == stage) & (rows["landmark"] == landmark)]["error_mm"].mean()


def test_what_is_left_is_the_scatter(made):
    rows = offset_rows(*made, "consensus")
    rayleigh = np.sqrt(np.pi / 2)  # mean length of a vector of two unit normals
    for landmark in LANDMARKS:
        assert mean(rows, "offset_removed", landmark) == pytest.approx(1.0 * rayleigh, rel=0.06)
        assert mean(rows, "readers_floor", landmark) == pytest.approx(0.5 * rayleigh, rel=0.06)
    np.testing.assert_allclose(rows["error_mm"], 0.1 * rows["error_px"])


def test_offsets_come_from_the_other_half():
    """On the same images an offset would fit their noise: of two images each would have half the other's difference left."""
    differences = np.array([[[4.0, 0.0]], [[0.0, 2.0]]])
    left = without_offsets(differences, patients=[str(number) for number in range(len(differences))], seed=1)
    np.testing.assert_allclose(left[:, 0], [[4.0, -2.0], [-4.0, 2.0]])


def test_missing_points_do_not_enter_the_offset_and_stay_missing():
    differences = np.full((40, 1, 2), 3.0)
    differences[5] = np.nan
    left = without_offsets(differences, patients=[str(number) for number in range(len(differences))], seed=1)
    assert np.isnan(left[5]).all()
    np.testing.assert_allclose(np.delete(left, 5, axis=0), 0)


def test_each_subset_has_offsets_of_its_own(made):
    """Readers change their convention between sessions: one offset for both would leave half of the change."""
    predictions, landmarks, images = made
    later = images["image_id"] >= "i200"
    moved = predictions["image_id"].isin(images.loc[later, "image_id"])
    shifted = predictions.assign(x=predictions["x"] + 80.0 * moved)
    rows = offset_rows(shifted, landmarks, images.assign(subset=np.where(later, "test2", "test1")), "consensus")
    assert mean(rows, "offset_removed", "Sella") == pytest.approx(np.sqrt(np.pi / 2), rel=0.06)


def test_few_images_and_a_single_reader(made):
    predictions, landmarks, images = made
    assert offset_rows(predictions, landmarks, images.head(19), "consensus").empty
    one = landmarks[landmarks["reader"] != "junior"]
    assert set(offset_rows(predictions, one, images, "consensus")["stage"]) == {"offset_removed"}
    assert offset_rows(predictions, landmarks, images.assign(split="valid"), "consensus").empty
