import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationError
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.readers import inter_reader_rows
from ceph_pipeline.landmarks.tables import points_array


class TestMeanShape:
    def test_guess_is_the_training_mean_in_images_of_one_size(self, truth, images, truth_points, facts):
        placed = guess_points(mean_shape(truth, images), images[images["split"] == "test"])
        expected = truth_points[:2].mean(axis=0)
        np.testing.assert_allclose(points_array(placed, ["test_a"], facts.landmarks)[0], expected)

    def test_other_image_size_scales_each_axis_about_the_outer_corner(self, truth, images, truth_points, facts):
        wide = images[images["image_id"] == "test_a"].assign(width=2400, height=750)
        placed = points_array(guess_points(mean_shape(truth, images), wide), ["test_a"], facts.landmarks)[0]
        expected = (truth_points[:2].mean(axis=0) + 0.5) * [2.0, 0.5] - 0.5
        np.testing.assert_allclose(placed, expected)

    def test_test_images_do_not_enter_the_mean(self, truth, images):
        moved = truth.copy()
        moved.loc[moved["image_id"].str.startswith("test"), ["x", "y"]] += 500
        pd.testing.assert_frame_equal(mean_shape(moved, images), mean_shape(truth, images))

    def test_missing_training_points_are_left_out_of_the_mean(self, truth, images):
        gap = truth.copy()
        gap.loc[(gap["image_id"] == "train_b") & (gap["landmark"] == "Sella"), ["x", "y"]] = np.nan
        gap.loc[gap["landmark"] == "Menton", ["x", "y"]] = np.nan
        placed = guess_points(mean_shape(gap, images), images).set_index(["image_id", "landmark"])
        assert placed.loc[("test_a", "Sella")].tolist() == pytest.approx([400.0, 500.0])
        assert placed.loc[("test_a", "Menton")].isna().all()

    def test_no_training_image_is_an_error_with_a_way_out(self, truth, images):
        with pytest.raises(EvaluationError, match=r"no image of the training split.*Check the splits"):
            mean_shape(truth, images[images["split"] != "train"])


class TestInterReader:
    def test_two_readers_are_as_far_apart_as_they_were_put(self, landmarks, images):
        rows = inter_reader_rows(landmarks, images)
        np.testing.assert_allclose(rows["error_px"], 10.0)  # (-3, -4) to (3, 4)
        np.testing.assert_allclose(rows["error_mm"], 1.0)
        assert len(rows) == 21

    def test_three_readers_give_the_mean_over_the_pairs(self, landmarks, images):
        third = landmarks[landmarks["reader"] == "senior"].assign(reader="third")
        rows = inter_reader_rows(pd.concat([landmarks, third]), images)
        np.testing.assert_allclose(rows["error_px"], 20 / 3)  # pairs at 10, 10 and 0

    def test_a_single_reader_has_no_distance(self, landmarks, images):
        rows = inter_reader_rows(landmarks[landmarks["reader"] != "junior"], images)
        assert rows.empty
        assert {"error_px", "error_mm", "stage", "landmark"} <= set(rows.columns)

    def test_point_that_one_reader_lacks_is_nan(self, landmarks, images):
        lacking = landmarks[~((landmarks["reader"] == "junior") & (landmarks["landmark"] == "Sella"))]
        rows = inter_reader_rows(lacking, images)
        both = rows[rows["landmark"] != "Sella"]
        assert np.isfinite(both["error_px"]).all()
        assert rows.loc[rows["landmark"] == "Sella", "error_px"].isna().all()
