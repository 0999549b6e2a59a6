import json

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationError, evaluate
from ceph_pipeline.evaluation.breakdown import device_table, hardest_first, image_ranking, landmark_table
from ceph_pipeline.evaluation.headline import flat_metrics, leaked_images, on_split
from ceph_pipeline.evaluation.metrics import compare, stage_metrics
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.stores import JSONReportDataset

STAGES = ["stage1", "stage1_tta", "stage2", "stage2_tta"]


def without_pixel_size(errors, *image_ids):
    return errors.assign(error_mm=errors["error_mm"].mask(errors["image_id"].isin(image_ids)))


class TestStages:
    def test_figures_are_those_on_paper(self, report):
        stage1 = report["stage1"]  # errors of 1, 2, 3, 4 mm on four test images, three points each
        assert stage1["mre_mm"] == pytest.approx(2.5)
        assert stage1["mre_px"] == pytest.approx(25)
        assert stage1["std_mm"] == pytest.approx(np.sqrt(1.25))
        assert stage1["median_mm"] == pytest.approx(2.5)
        assert [stage1[f"sdr_{t}"] for t in ("2.0", "2.5", "3.0", "4.0")] == [50, 50, 75, 100]
        assert (stage1["n_images"], stage1["n_landmarks"], stage1["n_points"], stage1["n_missing"]) == (4, 3, 12, 0)

    def test_rates_have_intervals_from_twelve_images(self, many_report):
        stage1 = many_report["stage1"]
        low, high = stage1["sdr_2.5_ci95"]
        assert 0 < low < 50 < high < 100
        assert many_report["stage2"]["sdr_4.0"] == 100
        assert many_report["stage2"]["sdr_4.0_ci95"] is None  # all within 4 mm: resampling says nothing of the others
        assert stage1["mre_px_ci95"] == pytest.approx([10 * bound for bound in stage1["mre_mm_ci95"]])

    def test_four_images_have_a_tail_and_no_intervals(self, report):
        stage1 = report["stage1"]
        assert {stage1[key] for key in stage1 if key.endswith("_ci95")} == {None}
        assert (stage1["p90_mm"], stage1["p95_mm"]) == pytest.approx((4.0, 4.0))

    def test_stages_and_mean_shape_are_the_top_level_and_the_rest_is_in_details(self, report):
        assert list(report) == [*STAGES, "mean_shape", "details"]
        required = {"mre_mm", "mre_px", "sdr_2.0", "sdr_2.5", "sdr_3.0", "sdr_4.0", "n_images", "n_landmarks", "mre_mm_ci95"}
        assert all(required <= set(report[stage]) for stage in [*STAGES, "mean_shape"])

    def test_interval_brackets_the_mean(self, many_report):
        low, high = many_report["stage2"]["mre_mm_ci95"]
        assert 0.5 <= low < many_report["stage2"]["mre_mm"] < high <= 2.0

    def test_validation_images_are_kept_apart(self, report):
        assert report["details"]["valid"]["stage1"]["mre_mm"] == pytest.approx(2.0)
        assert report["details"]["valid"]["stage1"]["n_images"] == 1

    def test_single_image_has_no_interval(self, report):
        assert report["details"]["valid"]["stage1"]["mre_mm_ci95"] is None

    def test_survives_json(self, errors, images, no_duplicates, statistics, tmp_path):
        store = JSONReportDataset(filepath=str(tmp_path / "metrics.json"))
        nameless = without_pixel_size(errors, *images["image_id"])
        store.save(evaluate(nameless, images, no_duplicates, statistics))
        stage = json.loads((tmp_path / "metrics.json").read_text())["stage2"]
        assert stage["mre_mm"] is stage["mre_mm_ci95"] is stage["sdr_2.0"] is None
        assert stage["mre_px"] == pytest.approx(12.5)

    def test_images_without_pixel_size_count_in_pixels_only(self, errors, statistics, images):
        test = on_split(without_pixel_size(errors, "test_c", "test_d"), images, "test")
        stage1 = stage_metrics(test, "stage1", statistics)
        assert stage1["mre_mm"] == pytest.approx(1.5)
        assert stage1["mre_px"] == pytest.approx(25)
        assert (stage1["n_images"], stage1["n_images_mm"]) == (4, 2)

    def test_points_that_were_not_predicted_are_counted(self, predictions, measure, images, statistics):
        gone = (predictions["stage"] == "stage2") & (predictions["image_id"] == "test_a") & (predictions["landmark"] == "Sella")
        errors = measure(predictions.assign(x=predictions["x"].mask(gone), y=predictions["y"].mask(gone)))
        stage2 = stage_metrics(on_split(errors, images, "test"), "stage2", statistics)
        assert (stage2["n_points"], stage2["n_missing"]) == (11, 1)

    def test_no_test_predictions_is_an_error(self, errors, images, no_duplicates, statistics):
        with pytest.raises(EvaluationError, match="no predictions on the test split"):
            evaluate(on_split(errors, images, "valid"), images, no_duplicates, statistics)

    def test_nothing_known_on_the_test_split_is_an_error(self, errors, images, no_duplicates, statistics):
        blank = errors.assign(error_px=np.nan, error_mm=np.nan)
        with pytest.raises(EvaluationError, match="its images are not annotated, or every prediction is NaN"):
            evaluate(blank, images, no_duplicates, statistics)


class TestDetails:
    def test_refinement_halves_the_error_in_every_resample(self, many_report):
        result = many_report["details"]["comparisons"]["stage2_vs_stage1"]
        assert result["improvement_percent"] == pytest.approx(50)
        assert result["ci95"] == pytest.approx([50, 50])
        assert (result["n_images"], result["unit"]) == (12, "mm")
        assert result["difference"] == pytest.approx(-1.25)  # from 2.5 to 1.25 mm
        low, high = result["difference_ci95"]
        assert low < -1.25 < high < 0

    def test_views_and_refinement_are_compared_both_ways(self, report):
        assert set(report["details"]["comparisons"]) == {
            "stage2_vs_stage1",
            "stage2_tta_vs_stage1_tta",
            "stage1_tta_vs_stage1",
            "stage2_tta_vs_stage2",
            "stage2_tta_vs_stage1",
            *(f"{stage}_vs_mean_shape" for stage in STAGES),
        }

    def test_without_pixel_sizes_stages_are_compared_in_pixels(self, errors, images, statistics):
        result = compare(without_pixel_size(errors, *images["image_id"]), "stage2", "stage1", statistics)
        assert (result["unit"], result["improvement_percent"]) == ("px", pytest.approx(50))

    def test_stages_on_different_images_are_not_compared(self, errors, statistics):
        half = errors[~((errors["stage"] == "stage2") & (errors["image_id"] == "test_a"))]
        with pytest.raises(EvaluationError, match="not predicted on the same images"):
            compare(half, "stage2", "stage1", statistics)

    def test_mean_shape_is_beaten_by_the_stages_that_are_better(self, report):
        assert report["mean_shape"]["mre_mm"] == pytest.approx(12.0)  # 75, 105, 135 and 165 px to the side
        assert report["details"]["beats_mean_shape"] == dict.fromkeys(STAGES, True)

    def test_a_stage_worse_than_the_mean_shape_is_said(self, errors, images, no_duplicates, statistics):
        lost = errors.assign(error_mm=errors["error_mm"].where(errors["stage"] != "stage2", 40.0))
        assert evaluate(lost, images, no_duplicates, statistics)["details"]["beats_mean_shape"]["stage2"] is False

    def test_readers_stand_beside_and_one_is_half_as_far_from_their_mean(self, report):
        assert report["details"]["inter_reader"]["mre_mm"] == pytest.approx(1.0)
        assert report["details"]["reader_to_truth"]["mre_mm"] == pytest.approx(0.5)

    def test_a_mean_shape_that_wins_by_chance_is_not_called_beaten(self, many_errors, many_images, no_duplicates, statistics):
        guess = many_errors["stage"] == "mean_shape"
        noise = np.random.default_rng(0).uniform(0.5, 1.52, len(many_errors))
        stage2 = many_errors[many_errors["stage"] == "stage2"]["error_mm"].to_numpy()
        close = many_errors.assign(error_mm=many_errors["error_mm"].mask(guess))
        close.loc[guess, "error_mm"] = stage2 * noise[: len(stage2)]
        report = evaluate(close, many_images, no_duplicates, statistics)
        low, high = report["details"]["comparisons"]["stage2_vs_mean_shape"]["ci95"]
        assert low < 0 < high
        assert report["details"]["beats_mean_shape"]["stage2"] is False

    def test_readers_stand_beside_every_subset_and_split(self, report):
        details = report["details"]
        tables = [details["without_near_duplicates"], *details["subsets"].values(), details["valid"]]
        assert [table["inter_reader"]["mre_mm"] for table in tables] == pytest.approx([1.0] * 4)

    def test_single_reader_has_no_distance(self, measure, predictions, landmarks, images, no_duplicates, statistics):
        errors = measure(predictions, landmarks=landmarks[landmarks["reader"] != "junior"])
        assert evaluate(errors, images, no_duplicates, statistics)["details"]["inter_reader"] is None

    def test_subsets_of_the_test_split(self, report):
        subsets = report["details"]["subsets"]
        assert subsets["test1"]["stage1"]["mre_mm"] == pytest.approx(1.5)
        assert subsets["test2"]["stage1"]["mre_mm"] == pytest.approx(3.5)

    def test_a_single_subset_is_not_repeated(self, errors, images, no_duplicates, statistics):
        assert evaluate(errors, images.assign(subset="test"), no_duplicates, statistics)["details"]["subsets"] == {}

    def test_test_images_with_a_twin_in_training_are_left_out_whichever_side_they_are_on(self, errors, images, statistics):
        duplicates = pd.DataFrame(
            {"image_a": ["train_a", "test_b", "test_c", "train_a"], "image_b": ["test_a", "valid_a", "test_d", "train_b"]}
        )
        assert leaked_images(duplicates, images) == {"test_a", "test_b"}
        clean = evaluate(errors, images, duplicates, statistics)["details"]["without_near_duplicates"]
        assert clean["n_left_out"] == 2
        assert clean["stage1"]["mre_mm"] == pytest.approx(3.5)

    def test_landmark_subsets_are_those_of_the_papers(self, images, no_duplicates):
        names = SCHEMAS["aariz"].names
        rows = pd.DataFrame(
            {
                "image_id": np.repeat(["test_a", "test_b"], 29),
                "stage": "stage1",
                "landmark": [*names, *names],
                "has_truth": True,
                "error_px": 10.0,
                "error_mm": [0.0] * 26 + [1.0] * 3 + [0.0] * 26 + [1.0] * 3,
            }
        )
        errors = pd.concat([rows, rows.assign(stage="mean_shape")])
        subsets = evaluate(errors, images, no_duplicates, StatisticsParams(n_resamples=100))["details"]["landmark_subsets"]
        assert subsets["26"]["stage1"]["n_landmarks"] == 26
        assert subsets["26"]["stage1"]["mre_mm"] == 0
        assert subsets["19"]["stage1"]["n_landmarks"] == 19

    def test_flat_metrics_are_numbers_under_dotted_names(self, report):
        flat = flat_metrics(report)
        assert flat["stage2_tta.mre_mm"] == pytest.approx(1.0)
        assert flat["stage2_vs_stage1.improvement_percent"] == pytest.approx(50)
        assert flat["valid.stage1.mre_mm"] == pytest.approx(2.0)
        assert all(np.isfinite(value) for value in flat.values())


class TestBreakdown:
    def test_landmark_rows_are_means_over_images(self, errors, images, statistics):
        table = landmark_table(on_split(errors, images, "test"), statistics).set_index(["stage", "landmark"])
        sella = table.loc[("stage1", "Sella")]
        assert (sella["mre_mm"], sella["mre_px"], sella["median_mm"]) == pytest.approx((2.5, 25, 2.5))
        assert (sella["sdr_2.0"], sella["n"], sella["symbol"], sella["tissue"]) == (50, 4, "S", "skeletal")
        assert np.isnan([sella["mre_mm_low"], sella["sdr_2.0_low"]]).all()  # four images
        assert table.loc[("inter_reader", "Sella"), "mre_mm"] == pytest.approx(1.0)

    def test_device_rows_hold_their_own_images(self, errors, images, statistics):
        sized = images.assign(pixel_size_mm=images["machine"].map({"A": 0.1, "B": 0.2}))
        table = device_table(on_split(errors, images, "test"), sized, statistics).set_index(["machine", "stage"])
        assert table.loc[("A", "stage1"), "mre_px"] == pytest.approx(15)
        assert table.loc[("B", "stage1"), "mre_px"] == pytest.approx(35)
        assert table.loc[("B", "stage1"), "pixel_size_mm"] == pytest.approx(0.2)

    def test_hardest_landmark_comes_first(self, errors, images, statistics):
        harder = errors.assign(error_mm=errors["error_mm"] + (errors["landmark"] == "Nasion"))
        table = landmark_table(on_split(harder, images, "test"), statistics)
        assert hardest_first(table, "stage2")[0] == "Nasion"

    def test_images_are_ranked_by_their_mean_error(self, errors, images):
        ranking = image_ranking(on_split(errors, images, "test"), "stage2_tta")
        assert list(ranking.index) == ["test_a", "test_b", "test_c", "test_d"]
        assert ranking["test_d"] == pytest.approx(1.6)
