import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationError
from ceph_pipeline.evaluation.ellipses import ellipse_table
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.readers import inter_reader_rows, reader_pair, reader_to_truth_rows
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
        assert set(rows["landmark"]) == {"Nasion", "Menton"}


class TestReaderToTruth:
    @pytest.fixture
    def one_is_the_truth(self, landmarks):
        """The consensus is the junior's."""
        junior = landmarks[landmarks["reader"] == "junior"]
        return pd.concat([landmarks[landmarks["reader"] != "consensus"], junior.assign(reader="consensus")])

    def test_the_reader_who_is_the_truth_does_not_count(self, landmarks, one_is_the_truth, images):
        for table, truth in ((landmarks, "junior"), (landmarks, "senior"), (one_is_the_truth, "consensus")):
            np.testing.assert_allclose(reader_to_truth_rows(table, images, truth)["error_px"], 10.0)
        np.testing.assert_allclose(reader_to_truth_rows(landmarks, images, "consensus")["error_px"], 5.0)

    def test_ellipses_are_of_a_reader_who_is_not_the_truth(self, landmarks, one_is_the_truth, predictions, images):
        cases = ((landmarks, "junior", 1.0), (one_is_the_truth, "consensus", 1.0), (landmarks, "consensus", 0.5))
        for table, truth, bias in cases:
            rows = ellipse_table(predictions, table, images, truth)
            rows = rows[rows["stage"] == "reader_to_truth"]
            np.testing.assert_allclose(np.hypot(rows["bias_x"], rows["bias_y"]), bias)  # mm

    def test_a_film_that_one_reader_alone_has_read_says_nothing(self, landmarks, images):
        """Its consensus is that reader's points: the distance is 0."""
        alone = landmarks["image_id"].eq("test_a") & landmarks["reader"].eq("senior")
        junior = landmarks[landmarks["reader"] == "junior"].set_index(["image_id", "landmark"])[["x", "y"]]
        table = landmarks[~alone].set_index(["image_id", "landmark"])
        where = (table["reader"] == "consensus") & (table.index.get_level_values(0) == "test_a")
        table.loc[where, ["x", "y"]] = junior.loc[table.index[where]].to_numpy()
        rows = reader_to_truth_rows(table.reset_index(), images, "consensus")
        assert "test_a" not in set(rows["image_id"])
        np.testing.assert_allclose(rows["error_px"], 5.0)


class TestPair:
    def test_is_of_those_who_share_most_films(self, landmarks):
        third = landmarks[landmarks["reader"].eq("senior") & landmarks["image_id"].isin(["test_a", "test_b"])]
        assert reader_pair(pd.concat([landmarks, third.assign(reader="first")])) == ("junior", "senior")

    def test_readers_without_a_common_film_are_none(self, landmarks, predictions, images):
        of_train = landmarks["image_id"].str.startswith("train")
        centres = landmarks[landmarks["reader"].eq("consensus") | (landmarks["reader"].eq("junior") == of_train)]
        assert reader_pair(centres) is None
        assert inter_reader_rows(centres, images).empty
        assert reader_to_truth_rows(centres, images, "consensus").empty
        assert set(ellipse_table(predictions, centres, images, "consensus")["stage"]) == {"stage2_tta"}
