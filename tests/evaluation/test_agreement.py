"""Agreement of classes, with figures worked out on paper."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.cephalometry.classes import ValueClasses
from ceph_pipeline.evaluation.agreement import agreement, classify
from ceph_pipeline.evaluation.cvm_agreement import cvm_agreement, head_table
from ceph_pipeline.evaluation.params import StatisticsParams

STATISTICS = StatisticsParams(n_resamples=300)

TRUE, PREDICTED = [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 2, 0]


class TestByHand:
    @pytest.fixture(scope="class")
    def result(self):
        return agreement(TRUE, PREDICTED, 3, n_resamples=1000)

    def test_confusion_has_the_truth_in_rows(self, result):
        assert result.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]

    def test_shares(self, result):
        assert result.accuracy == pytest.approx(100 * 4 / 6)
        assert result.within_one == pytest.approx(100 * 5 / 6)
        assert result.majority_baseline == pytest.approx(100 / 3)

    def test_macro_f1(self, result):
        """2·1/4, 2·2/5 and 2·1/3."""
        assert result.macro_f1 == pytest.approx((1 / 2 + 4 / 5 + 2 / 3) / 3)

    def test_kappa(self, result):
        """Observed agreement 4/6, by chance (2·2 + 2·3 + 2·1) / 36 = 1/3."""
        assert result.kappa == pytest.approx(0.5)

    def test_quadratic_kappa(self, result):
        """Observed disagreement 1·1 + 1·4 = 5; by chance (6 + 8 + 4 + 2 + 16 + 6) / 6 = 7."""
        assert result.quadratic_kappa == pytest.approx(1 - 5 / 7)

    def test_six_images_have_no_intervals(self, result):
        assert result.accuracy_interval is result.kappa_interval is result.quadratic_kappa_interval is None
        assert np.isnan(result.undefined_percent)

    def test_intervals_hold_the_figures(self):
        result = agreement(TRUE * 4, PREDICTED * 4, 3, n_resamples=1000)
        assert result.undefined_percent == 0
        for figure, interval in (
            (result.accuracy, result.accuracy_interval),
            (result.kappa, result.kappa_interval),
            (result.quadratic_kappa, result.quadratic_kappa_interval),
        ):
            assert interval.low < figure < interval.high


class TestLimits:
    def test_perfect_agreement(self):
        result = agreement(TRUE, TRUE, 3)
        assert (result.accuracy, result.kappa, result.quadratic_kappa, result.macro_f1) == (100, 1, 1, 1)

    def test_perfect_agreement_has_no_intervals(self):
        result = agreement(TRUE * 4, TRUE * 4, 3, n_resamples=300)
        assert result.accuracy_interval is result.kappa_interval is None

    def test_a_class_seen_once_leaves_kappa_without_interval_and_that_is_counted(self):
        true = [0] * 11 + [1]
        result = agreement(true, [*true[:-1], 0], 2, n_resamples=4000)
        assert result.kappa_interval is None
        assert result.undefined_percent == pytest.approx(100 * (11 / 12) ** 12, abs=3)

    def test_the_majority_s_answer_has_no_kappa_above_chance(self):
        result = agreement([0, 0, 0, 1], [0, 0, 0, 0], 2)
        assert result.accuracy == result.majority_baseline == 75
        assert result.kappa == pytest.approx(0)

    def test_classes_that_never_occur_do_not_lower_macro_f1(self):
        assert agreement([0, 1], [0, 1], 6).macro_f1 == 1

    def test_one_class_only_has_no_kappa(self):
        assert np.isnan(agreement([1, 1], [1, 1], 3).kappa)

    def test_unknown_on_either_side_does_not_count(self):
        assert agreement([0, np.nan, 1], [0, 1, np.nan], 2).n == 1

    def test_no_images_have_no_figures(self):
        result = agreement([], [], 3)
        assert (result.n, result.accuracy_interval) == (0, None)
        assert np.isnan([result.accuracy, result.macro_f1, result.quadratic_kappa, result.majority_baseline]).all()

    def test_a_class_out_of_range_is_refused(self):
        with pytest.raises(ValueError, match=r"0 … 2, found 0 … 3"):
            agreement([0, 3], [0, 0], 3)

    def test_different_lengths_are_refused(self):
        with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
            agreement([0, 1], [0], 2)


def test_a_value_on_a_bound_belongs_to_the_lower_class():
    assert classify([-1, 0, 0.1, 4, 4.1], (0.0, 4.0)).tolist() == [0, 0, 1, 1, 2]
    assert np.isnan(classify([np.nan], (0.0, 4.0))[0])


class TestRules:
    def test_bounds_must_ascend(self):
        with pytest.raises(ValueError, match="are not ascending"):
            ValueClasses(bounds=(4.0, 0.0), names=("a", "b", "c"))

    def test_names_must_be_one_more(self):
        with pytest.raises(ValueError, match="1 bounds make 2 classes"):
            ValueClasses(bounds=(4.0,), names=("a", "b", "c"))


def outputs(**values):
    return pd.DataFrame(
        [(image_id, key, value) for key, column in values.items() for image_id, value in zip("abc", column, strict=False)],
        columns=["image_id", "output", "value"],
    )


class TestCvm:
    def test_stages_are_compared_by_image(self):
        cvm = pd.DataFrame({"image_id": ["c", "a", "b"], "stage": [6, 1, 3]})
        fields = cvm_agreement(outputs(cvm_stage=[1, 4, 6]), cvm, STATISTICS)
        assert (fields["n"], fields["accuracy"], fields["within_one"]) == (3, pytest.approx(200 / 3), 100)
        assert fields["confusion"][2][3] == 1  # CS3 taken for CS4
        assert fields["accuracy_ci95"] is None  # three images

    def test_no_head_or_no_truth_is_none(self):
        cvm = pd.DataFrame({"image_id": ["z"], "stage": [6]})
        assert cvm_agreement(outputs(), cvm, STATISTICS) is None
        assert cvm_agreement(outputs(cvm_stage=[1, 2, 3]), cvm, STATISTICS) is None


class TestMeasurementHead:
    def test_head_and_points_are_compared_on_the_same_images(self):
        truth = pd.DataFrame({"image_id": list("abc"), "measurement": "FMA", "value": [20.0, 25.0, 30.0]})
        found = truth.assign(value=[21.0, 24.0, np.nan])
        table = head_table(outputs(FMA=[24.0, 21.0, 99.0]), found, truth, pd.Series({"FMA": 24.0}), STATISTICS)
        (row,) = table.to_dict(orient="records")
        assert (row["n"], row["mae_head"], row["mae_landmarks"], row["difference"]) == (2, 4.0, 1.0, 3.0)
        assert row["mae_guess"] == 2.5  # 24 for 20 and for 25
        assert np.isnan([row["difference_low"], row["difference_high"]]).all()  # two images

    def test_no_head_no_rows(self):
        empty = pd.DataFrame({"image_id": ["a"], "measurement": ["FMA"], "value": [20.0]}).head(0)
        assert head_table(outputs(), empty, empty, pd.Series(dtype=float), STATISTICS).empty
