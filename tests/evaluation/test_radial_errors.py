import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationError, error_rows, radial_errors, sdr
from ceph_pipeline.evaluation.errors import error_matrix

PRED = np.array([[[3.0, 4.0], [10.0, 10.0]], [[0.0, 0.0], [8.0, 15.0]]])
TARGET = np.array([[[0.0, 0.0], [10.0, 12.0]], [[0.0, 1.0], [0.0, 0.0]]])


class TestRadialErrors:
    def test_distances_in_mm_are_those_on_paper(self):
        errors = radial_errors(PRED, TARGET, [0.1, 0.2])
        np.testing.assert_allclose(errors, [[0.5, 0.2], [0.2, 3.4]])

    def test_pixel_sizes_of_one_give_pixels(self):
        np.testing.assert_allclose(radial_errors(PRED, TARGET, np.ones(2)), [[5, 2], [1, 17]])

    def test_missing_truth_is_nan_and_touches_no_other_point(self):
        target = TARGET.copy()
        target[0, 1] = np.nan
        errors = radial_errors(PRED, target, [0.1, 0.2])
        assert np.isnan(errors[0, 1])
        assert np.isfinite(errors).sum() == 3

    def test_missing_prediction_is_nan(self):
        pred = PRED.copy()
        pred[1, 0] = np.nan
        assert np.isnan(radial_errors(pred, TARGET, [0.1, 0.2])).tolist() == [[False, False], [True, False]]

    def test_image_without_pixel_size_has_no_mm(self):
        errors = radial_errors(PRED, TARGET, [np.nan, 0.2])
        assert np.isnan(errors[0]).all()
        assert np.isfinite(errors[1]).all()

    @pytest.mark.parametrize(
        ("pred", "target", "pixel_size", "message"),
        [
            (PRED[0], TARGET[0], [0.1, 0.1], r"\(N, K, 2\)"),
            (PRED, TARGET[:, :1], [0.1, 0.1], r"\(2, 2, 2\) and \(2, 1, 2\)"),
            (PRED, TARGET, [0.1], "2 images need 2 pixel sizes"),
            (PRED, TARGET, [0.1, 0.0], "positive"),
        ],
    )
    def test_what_does_not_belong_together_is_refused(self, pred, target, pixel_size, message):
        with pytest.raises(EvaluationError, match=message):
            radial_errors(pred, target, pixel_size)


class TestSdr:
    def test_percent_of_known_errors_at_most_the_threshold(self):
        errors = [[0.5, 2.0], [2.2, np.nan], [3.0, 4.5]]  # five known: 2 of 5, 3 of 5, 4 of 5, 4 of 5
        assert sdr(errors, (2.0, 2.5, 3.0, 4.0)) == {2.0: 40.0, 2.5: 60.0, 3.0: 80.0, 4.0: 80.0}

    def test_error_on_the_threshold_counts_in_spite_of_binary_fractions(self):
        error = (512.2 - 482.2) * 0.1
        assert error > 3.0
        assert sdr([error], [3.0]) == {3.0: 100.0}

    def test_nothing_known_is_nan_not_zero(self):
        assert np.isnan(sdr([np.nan], [2.0])[2.0])


class TestErrorRows:
    def test_each_stage_has_the_error_it_was_given(self, errors, facts):
        for stage, radius in facts.stage_error_px.items():
            for image_id, difficulty in facts.difficulty.items():
                rows = errors[(errors["stage"] == stage) & (errors["image_id"] == image_id)]
                np.testing.assert_allclose(rows["error_px"], radius * difficulty)
                np.testing.assert_allclose(rows["error_mm"], radius * difficulty * 0.1)

    def test_landmark_without_prediction_keeps_its_row_and_its_truth(self, predictions, truth, images):
        stage1 = predictions[(predictions["stage"] == "stage1") & (predictions["landmark"] != "Menton")]
        rows = error_rows(stage1, truth, images, "stage1")
        menton = rows[rows["landmark"] == "Menton"]
        assert len(menton) == 5
        assert menton["error_px"].isna().all()
        assert menton["has_truth"].all()

    def test_points_of_unknown_images_are_refused_by_name(self, predictions, truth, images):
        with pytest.raises(EvaluationError, match=r"'test_d', unknown among images\. Predict again"):
            error_rows(predictions[predictions["stage"] == "stage1"], truth, images[:-1], "stage1")

    def test_predicted_landmarks_that_nobody_annotated_are_refused(self, predictions, truth, images):
        with pytest.raises(EvaluationError, match="'Nasion' and 1 more, unknown among the annotated landmarks"):
            error_rows(predictions[predictions["stage"] == "stage1"], truth[truth["landmark"] == "Menton"], images, "stage1")

    def test_matrix_has_a_row_an_image_and_a_column_a_landmark(self, errors, facts):
        matrix = error_matrix(errors, "stage2", "px")
        assert list(matrix.columns) == facts.landmarks
        assert matrix.loc["test_d", "Menton"] == pytest.approx(20)

    def test_unknown_stage_is_refused_with_those_there_are(self, errors):
        with pytest.raises(EvaluationError, match=r"no errors of stage 'stage3'.*stage2_tta"):
            error_matrix(errors, "stage3")

    def test_order_of_the_rows_does_not_matter(self, predictions, truth, images):
        stage1 = predictions[predictions["stage"] == "stage1"]
        shuffled = error_rows(stage1.sample(frac=1, random_state=1), truth, images, "stage1")
        straight = error_rows(stage1, truth, images, "stage1")
        keys = ["image_id", "landmark"]
        pd.testing.assert_frame_equal(
            shuffled.sort_values(keys, ignore_index=True), straight.sort_values(keys, ignore_index=True)
        )
