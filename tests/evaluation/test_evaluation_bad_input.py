"""Input that does not fit: the evaluation goes on with what it has and says so, or ends in one message."""

import json

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationError, EvaluationParams, evaluate
from ceph_pipeline.evaluation.error_tables import subset_frame
from ceph_pipeline.evaluation.errors import error_rows, stage_error_rows
from ceph_pipeline.evaluation.generalisation_gap import gap_table
from ceph_pipeline.evaluation.headline import flat_metrics
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.run_comparison import compare_with_earlier, earlier_lines
from ceph_pipeline.evaluation.stages import stages_in
from ceph_pipeline.evaluation.summary import TOO_FEW, notes, stage_table
from ceph_pipeline.pipelines.evaluation import measurement_nodes as nodes


@pytest.fixture
def judge(images, no_duplicates, statistics):
    """The report of some errors, which has to survive being written and read."""

    def report_of(errors, images=images):
        report = evaluate(errors, images, no_duplicates, statistics)
        assert all(np.isfinite(list(flat_metrics(report).values())))
        assert stage_table(json.loads(json.dumps(report))).row_count == len(stages_in(errors)) + 1, "the mean shape is the last"
        return report

    return report_of


class TestPredictionsWithoutTruth:
    def test_images_that_nobody_annotated_count_nowhere_and_that_is_said(self, predictions, images, truth, judge):
        unread = truth[truth["image_id"] != "test_d"]
        guess = guess_points(mean_shape(unread, images), images[images["split"] == "test"])
        errors = pd.concat([stage_error_rows(predictions, unread, images), error_rows(guess, unread, images, "mean_shape")])
        report = judge(errors)
        assert report["stage1"]["n_images"] == 3
        assert report["stage1"]["mre_px"] == pytest.approx(20.0)  # difficulties 0.5, 1 and 1.5
        assert "1 predicted test images have no annotated point and are ignored" in notes(report)

    def test_a_test_split_that_nobody_annotated_is_refused(self, predictions, images, landmarks):
        learned = landmarks[~landmarks["image_id"].str.startswith("test")]
        with pytest.raises(EvaluationError, match="no error is known on the test split: its images are not annotated"):
            nodes.compute_errors(predictions, learned, images, EvaluationParams())


class TestPredictionsThatAreNoNumbers:
    @pytest.fixture(params=["both", "x alone", "left out"])
    def with_a_hole(self, request, predictions):
        """Stage 1's Menton of one test image has no place."""
        hole = (predictions["stage"] == "stage1") & (predictions["image_id"] == "test_d") & (predictions["landmark"] == "Menton")
        if request.param == "left out":
            return predictions[~hole]
        changed = predictions.assign(x=predictions["x"].mask(hole))
        return changed.assign(y=changed["y"].mask(hole)) if request.param == "both" else changed

    def test_the_point_is_missing_is_counted_and_touches_no_other(self, measure, with_a_hole, judge):
        report = judge(measure(with_a_hole))
        stage = report["stage1"]
        assert (stage["n_missing"], stage["n_points"], stage["n_images"]) == (1, 11, 4)
        assert stage["mre_px"] == pytest.approx((3 * 10 + 3 * 20 + 3 * 30 + 2 * 40) / 11)
        assert report["stage2"]["n_missing"] == 0
        assert notes(report)[-1] == "stage 1: 1 annotated points were not predicted and are ignored above"

    def test_both_stages_are_compared_where_both_have_a_place(self, measure, with_a_hole, judge):
        result = judge(measure(with_a_hole))["details"]["comparisons"]["stage2_vs_stage1"]
        assert result["improvement_percent"] == pytest.approx(50.0)

    def test_a_point_at_infinity_is_refused_by_name(self, measure, predictions):
        far = predictions.assign(x=predictions["x"].where(predictions["image_id"] != "test_b", np.inf))
        with pytest.raises(EvaluationError, match=r"'Sella' of image test_b is predicted at x = inf"):
            measure(far)


class TestEmptySplits:
    def test_no_test_image(self, errors, images, judge):
        kept = images[images["split"] != "test"]
        with pytest.raises(EvaluationError, match="no predictions on the test split"):
            judge(errors[errors["image_id"].isin(kept["image_id"])], kept)

    def test_no_validation_image_leaves_its_row_out(self, errors, images, judge):
        kept = images[images["split"] != "valid"]
        report = judge(errors[errors["image_id"].isin(kept["image_id"])], kept)
        assert report["details"]["valid"] == {}
        assert list(subset_frame(report, "stage2")["on"]) == [
            "test",
            "test without near-duplicates",
            "subset test1",
            "subset test2",
        ]

    def test_no_training_image(self, truth, images):
        with pytest.raises(EvaluationError, match=r"no image of the training split.*Check the splits of ingestion"):
            mean_shape(truth, images[images["split"] != "train"])

    def test_no_predicted_image_at_all(self, predictions, landmarks, images):
        with pytest.raises(EvaluationError, match="no predictions on the test split"):
            nodes.compute_errors(predictions.head(0), landmarks, images, EvaluationParams())

    def test_no_known_test_error_is_said_before_the_tables_are_made(self, predictions, landmarks, images):
        with pytest.raises(EvaluationError, match="no error is known on the test split"):
            nodes.compute_errors(predictions.assign(x=np.nan, y=np.nan), landmarks, images, EvaluationParams())

    def test_no_training_prediction_gives_no_gap(self, errors, images, statistics):
        assert gap_table(errors, images, statistics).empty


class TestOneImage:
    def test_figures_without_intervals_and_that_is_said(self, errors, images, judge):
        kept = images[images["image_id"].isin(["train_a", "test_b"])]
        report = judge(errors[errors["image_id"] == "test_b"], kept)
        assert report["stage2"]["mre_mm"] == pytest.approx(1.0)
        assert all(report["stage2"][key] is None for key in report["stage2"] if key.endswith("_ci95"))
        assert report["details"]["comparisons"]["stage2_vs_stage1"]["ci95"] is None
        assert TOO_FEW in notes(report)


class TestPixelSizes:
    def test_one_image_without_counts_in_px_alone_and_that_is_said(self, predictions, measure, images, judge):
        unsized = images.assign(pixel_size_mm=images["pixel_size_mm"].where(images["image_id"] != "test_d"))
        report = judge(measure(predictions, images=unsized), unsized)
        stage = report["stage1"]
        assert (stage["n_images"], stage["n_images_mm"]) == (4, 3)
        assert stage["mre_px"] == pytest.approx(25.0)
        assert stage["mre_mm"] == pytest.approx(2.0)
        assert "1 of 4 images have no pixel size and are included in px only" in notes(report)

    def test_no_image_with_one_has_no_millimetres_at_all(self, predictions, measure, images, judge):
        unsized = images.assign(pixel_size_mm=np.nan)
        report = judge(measure(predictions, images=unsized), unsized)
        assert np.isnan(report["stage1"]["mre_mm"])
        assert report["stage1"]["mre_mm_ci95"] is None
        assert report["details"]["comparisons"]["stage2_vs_stage1"]["unit"] == "px"


class TestTwoRuns:
    def test_of_different_landmarks_are_compared_on_the_common_ones_by_hand(self, errors, statistics):
        """The earlier run has 2 mm more on Nasion, which both know, and 50 mm more on Menton, which this one does not."""
        before = errors[errors["landmark"] != "Sella"]
        more = before["landmark"].map({"Nasion": 2.0, "Menton": 50.0})
        before = before.assign(error_mm=before["error_mm"] + more)
        result = compare_with_earlier(errors[errors["landmark"] != "Menton"], before, "abc", statistics)
        assert result["stages"]["stage1"]["difference"] == pytest.approx(-2.0)
        assert "both runs have 5 images and 1 landmarks in common" in earlier_lines(result)[-1]

    def test_of_which_one_answers_nan_everywhere_have_nothing_to_say_of_that_stage(self, errors, statistics):
        silent = errors.assign(
            error_mm=errors["error_mm"].mask(errors["stage"] == "stage2"),
            error_px=errors["error_px"].mask(errors["stage"] == "stage2"),
        )
        assert "stage2" not in compare_with_earlier(silent, errors, "abc", statistics)["stages"]
