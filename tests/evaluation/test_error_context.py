"""Ellipses, the gap between splits and the comparison with an earlier run."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationError
from ceph_pipeline.evaluation.context_figures import gap_figure
from ceph_pipeline.evaluation.ellipse_figure import axes_of, ellipse_figure
from ceph_pipeline.evaluation.ellipses import error_ellipses
from ceph_pipeline.evaluation.generalisation_gap import gap_table
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.run_comparison import LARGER, NOISE, SMALLER, UNSURE, compare_with_earlier, earlier_lines
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.tables import points_table

STATISTICS = StatisticsParams(n_resamples=500)
SHAPE = np.array([[0.0, 0.0], [600.0, 30.0], [500.0, 800.0], [100.0, 700.0]])
LANDMARKS = ["Sella", "Nasion", "Menton", "Gonion"]
N = 400
IDS = [f"i{number:03d}" for number in range(N)]


@pytest.fixture(scope="module")
def turned():
    """One face in 400 poses, every second one looking the other way, and errors that lie along the face's own axes."""
    rng = np.random.default_rng(7)
    errors = rng.normal(0, 1, (N, 4, 2)) * np.array([20.0, 5.0]) + np.array([0.0, 10.0])
    poses = [
        (Affine.flip(1000) if n % 2 else Affine.identity()).then(
            Affine.similarity((500, 500), angle_deg=float(rng.uniform(-20, 20)))
        )
        for n in range(N)
    ]
    truth = np.stack([pose(SHAPE) for pose in poses])
    pred = np.stack([pose(SHAPE + error) for pose, error in zip(poses, errors, strict=True)])
    images = pd.DataFrame({"image_id": IDS, "pixel_size_mm": 0.1})
    return points_table(pred, IDS, LANDMARKS), points_table(truth, IDS, LANDMARKS), images


class TestEllipses:
    def test_spread_and_bias_are_found_whatever_way_faces_look(self, turned):
        table, unit = error_ellipses(*turned)
        assert unit == "mm"
        assert np.sqrt(table["var_x"]).to_numpy() == pytest.approx([2.0] * 4, rel=0.12)
        assert np.sqrt(table["var_y"]).to_numpy() == pytest.approx([0.5] * 4, rel=0.12)
        assert table["bias_y"].to_numpy() == pytest.approx([1.0] * 4, abs=0.1)
        assert table["bias_x"].to_numpy() == pytest.approx([0.0] * 4, abs=0.3)

    def test_mean_shape_is_the_face_in_millimetres(self, turned):
        table, _ = error_ellipses(*turned)
        found = table[["x", "y"]].to_numpy()
        expected = 0.1 * (SHAPE - SHAPE.mean(axis=0))
        assert np.linalg.norm(found[0] - found[2]) == pytest.approx(np.linalg.norm(expected[0] - expected[2]))
        assert found == pytest.approx(expected, abs=15)  # turned as the first image is
        assert found.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)

    def test_without_pixel_sizes_it_is_in_pixels(self, turned):
        points, truth, images = turned
        table, unit = error_ellipses(points, truth, images.assign(pixel_size_mm=np.nan))
        assert unit == "px"
        assert table["bias_y"].to_numpy() == pytest.approx([10.0] * 4, abs=1)

    def test_a_landmark_seen_once_has_no_ellipse(self, turned):
        points, truth, images = turned
        lost = (points["landmark"] == "Gonion") & (points["image_id"] != "i000")
        table, _ = error_ellipses(points.assign(x=points["x"].mask(lost), y=points["y"].mask(lost)), truth, images)
        assert list(table["landmark"]) == LANDMARKS[:3]

    def test_axes_of_an_ellipse(self):
        major, minor, angle = axes_of(pd.Series({"var_x": 4.0, "var_y": 1.0, "cov_xy": 0.0}))
        assert (major, minor) == pytest.approx((2 * 2 * 2.4477, 2 * 2.4477), rel=1e-4)  # √5.991 = 2.4477
        assert angle % 180 == pytest.approx(0)

    def test_figure_draws_each_landmark_where_it_is(self, turned):
        table, unit = error_ellipses(*turned)
        both = pd.concat([table.assign(stage="stage1"), table.assign(stage="inter_reader")])
        (axes,) = ellipse_figure(both, unit).axes
        centres = {tuple(np.round(patch.center, 6)) for patch in axes.patches}
        shifted = table[["x", "y"]].to_numpy() + table[["bias_x", "bias_y"]].to_numpy()
        assert {tuple(point) for point in np.round(shifted, 6)} <= centres
        assert [text.get_text() for text in axes.texts] == ["S", "N", "Me", "Go"]
        assert axes.get_ylim()[0] > axes.get_ylim()[1]  # y down, as in the image


class TestGap:
    @pytest.fixture
    def table(self, errors, images):
        trained = errors[(errors["stage"] == "stage1") & (errors["image_id"] == "valid_a")]
        known = pd.concat([trained.assign(image_id=image_id, error_px=16.0) for image_id in ("train_a", "train_b")])
        return gap_table(pd.concat([known, errors]), images, STATISTICS)

    def test_each_split_s_error_against_the_training_s(self, table):
        rows = table.set_index("split")
        assert rows["mre_px"].to_dict() == pytest.approx({"train": 16, "valid": 20, "test": 25})
        assert rows["over_training"].to_dict() == pytest.approx({"train": 1, "valid": 1.25, "test": 1.5625})
        assert rows["n_images"].to_dict() == {"train": 2, "valid": 1, "test": 4}
        assert np.isnan(rows.loc["valid", "mre_px_low"])  # one image

    def test_stages_not_predicted_on_training_images_are_left_out(self, table):
        assert set(table["stage"]) == {"stage1"}

    def test_figures(self, table, errors, images):
        (axes,) = gap_figure(table).axes
        assert axes.get_xticklabels()[2].get_text() == "test\n4 images"
        (empty,) = gap_figure(gap_table(errors, images, STATISTICS)).axes
        assert "no training image" in empty.texts[0].get_text()


class TestEarlierRun:
    def changed(self, errors, factor):
        return errors.assign(error_mm=errors["error_mm"] * factor, error_px=errors["error_px"] * factor)

    def test_a_clear_gain_is_smaller_and_a_clear_loss_larger(self, many_errors):
        errors = many_errors
        for factor, verdict in ((2.0, SMALLER), (0.5, LARGER)):
            result = compare_with_earlier(errors, self.changed(errors, factor), "abc", STATISTICS)
            stage2 = result["stages"]["stage2"]
            assert stage2["verdict"] == verdict
            assert stage2["mre_before"] == pytest.approx(factor * stage2["mre_now"])

    def test_noise_is_called_noise(self, many_errors):
        errors = many_errors
        rng = np.random.default_rng(2)
        jitter = self.changed(errors, 1.0)
        jitter["error_mm"] *= rng.uniform(0.5, 1.5, len(jitter))
        result = compare_with_earlier(errors, jitter, "abc", STATISTICS)["stages"]["stage1"]
        assert result["difference_ci95"][0] < 0 < result["difference_ci95"][1]
        assert result["verdict"] == NOISE

    def test_other_landmarks_are_compared_on_the_common_ones_and_named(self, errors):
        now, before = errors[errors["landmark"] != "Menton"], errors[errors["landmark"] != "Sella"]
        result = compare_with_earlier(now, before, "abc", STATISTICS)
        assert (result["n_landmarks"], result["only_now"], result["only_before"]) == (1, ["Sella"], ["Menton"])
        assert result["stages"]["stage1"]["difference"] == 0
        assert earlier_lines(result)[-1].endswith("only this run has Sella; only the earlier run has Menton")

    def test_only_common_images_count(self, errors):
        before = errors[errors["image_id"].isin(["test_a", "test_b"])]
        result = compare_with_earlier(errors, before, "abc", STATISTICS)
        assert (result["n_images"], result["n_images_only_now"]) == (2, 3)
        assert result["stages"]["stage1"]["n_images"] == 2
        assert result["stages"]["stage1"]["mre_now"] == pytest.approx(1.5)

    def test_images_without_a_pixel_size_in_one_run_count_in_px_and_each_stage_says_on_how_many(self, errors):
        silent = (errors["stage"] == "stage2") & ~errors["image_id"].isin(["test_a", "test_b"])
        before = errors.assign(
            error_mm=errors["error_mm"].where(errors["image_id"] == "test_a"), error_px=errors["error_px"].mask(silent)
        )
        result = compare_with_earlier(errors, before, "abc", STATISTICS)
        assert [result["stages"][stage]["n_images"] for stage in ("stage1", "stage2")] == [5, 2]
        lines = earlier_lines(result)
        assert lines[0].startswith("stage1, 5 images: 24.000 → 24.000 px, difference +0.000")
        assert any(line.startswith("stage2, 2 images: 7.500 → 7.500 px") for line in lines)
        assert lines[-1].startswith("both runs have 5 images and 3 landmarks in common")

    def test_few_images_give_no_verdict(self, errors):
        one = errors[errors["image_id"] == "test_a"]
        result = compare_with_earlier(one, self.changed(one, 2.0), "abc", STATISTICS)
        assert result["stages"]["stage1"]["verdict"] == UNSURE
        assert "[" not in earlier_lines(result)[0]
        assert "too few images" in earlier_lines(result)[0]

    def test_runs_without_pixel_sizes_are_compared_in_pixels(self, errors):
        result = compare_with_earlier(errors, errors.assign(error_mm=np.nan), "abc", STATISTICS)
        assert result["stages"]["stage1"]["unit"] == "px"

    def test_a_stage_without_a_common_point_is_left_out(self, errors):
        blank = errors["stage"] == "stage2"
        before = errors.assign(error_px=errors["error_px"].mask(blank), error_mm=errors["error_mm"].mask(blank))
        assert "stage2" not in compare_with_earlier(errors, before, "abc", STATISTICS)["stages"]

    def test_nothing_in_common_is_refused(self, errors):
        with pytest.raises(EvaluationError, match="0 images and 3 landmarks in common: there is nothing to compare"):
            compare_with_earlier(errors, errors.assign(image_id="z" + errors["image_id"]), "abc", STATISTICS)
