import numpy as np
import pytest

from ceph_pipeline.evaluation import improvement, landmark_intervals, mean_interval
from ceph_pipeline.evaluation.bootstrap import CHUNK


@pytest.fixture
def errors():
    return np.random.default_rng(3).gamma(2.0, 0.6, (150, 29))


class TestMeanInterval:
    def test_holds_the_mean_and_agrees_with_the_normal_approximation(self, errors):
        interval = mean_interval(errors)
        standard_error = errors.mean(axis=1).std(ddof=1) / np.sqrt(len(errors))
        assert interval.low < errors.mean() < interval.high
        assert (interval.high - interval.low) / 2 == pytest.approx(1.96 * standard_error, rel=0.05)

    def test_images_are_drawn_not_points(self, errors):
        alike = np.repeat(errors[:, :1], 29, axis=1)  # 29 points of an image say no more than one
        one, all_ = mean_interval(errors[:, :1], n_resamples=5000), mean_interval(alike, n_resamples=5000)
        assert (one.low, one.high) == pytest.approx((all_.low, all_.high))

    def test_two_images_give_the_three_means_there_are(self):
        interval = mean_interval([[1.0], [3.0]], n_resamples=1000)  # resamples are {1, 1}, {1, 3}, {3, 3}
        assert (interval.low, interval.high) == (1.0, 3.0)

    def test_one_image_gives_none(self):
        assert mean_interval([[1.0, 2.0]]) is None
        assert mean_interval([[1.0, 2.0], [np.nan, np.nan]]) is None

    def test_nothing_known_gives_none(self):
        assert mean_interval(np.full((3, 2), np.nan)) is None

    def test_images_without_known_points_do_not_count(self, errors):
        padded = np.concatenate([errors, np.full((20, 29), np.nan)])
        assert mean_interval(padded, n_resamples=500) == mean_interval(errors, n_resamples=500)

    def test_missing_points_weigh_nothing(self):
        errors = np.array([[1.0, np.nan], [1.0, 1.0], [np.nan, 1.0]])
        interval = mean_interval(errors, n_resamples=500)
        assert (interval.low, interval.high) == (1.0, 1.0)

    def test_same_seed_same_interval(self, errors):
        n = CHUNK + 100
        assert mean_interval(errors, n_resamples=n, seed=1) == mean_interval(errors, n_resamples=n, seed=1)
        assert mean_interval(errors, n_resamples=n, seed=1) != mean_interval(errors, n_resamples=n, seed=2)


class TestLandmarkIntervals:
    def test_each_landmark_by_itself(self, errors):
        for k, interval in enumerate(landmark_intervals(errors[:, :3], n_resamples=500)):
            alone = mean_interval(errors[:, [k]], n_resamples=500)
            assert (interval.low, interval.high) == pytest.approx((alone.low, alone.high))

    def test_landmark_seen_on_one_image_has_none(self, errors):
        errors[1:, 2] = np.nan
        assert [interval is None for interval in landmark_intervals(errors[:, :4], n_resamples=200)] == [
            False,
            False,
            True,
            False,
        ]


class TestImprovement:
    def test_every_error_a_quarter_smaller_is_25_percent_without_doubt(self, errors):
        result = improvement(0.75 * errors, errors)
        assert result.percent == pytest.approx(25)
        assert (result.interval.low, result.interval.high) == pytest.approx((25, 25))
        assert result.n_images == 150

    def test_pairing_sees_a_gain_that_separate_intervals_hide(self):
        rng = np.random.default_rng(0)
        difficulty = rng.gamma(1.5, 1.0, (40, 1))
        old = difficulty * rng.uniform(0.9, 1.1, (40, 5))
        new = 0.95 * difficulty * rng.uniform(0.9, 1.1, (40, 5))
        assert improvement(new, old).interval.low > 0
        assert mean_interval(new).high > mean_interval(old).low

    def test_worse_is_negative(self, errors):
        result = improvement(1.1 * errors, errors)
        assert result.percent == pytest.approx(-10)
        assert result.interval.high < 0

    def test_only_points_known_in_both_count(self):
        new, old = [[1.0, np.nan], [2.0, 2.0]], [[2.0, 100.0], [4.0, np.nan]]
        assert improvement(new, old, n_resamples=100).percent == pytest.approx(50)

    def test_one_image_has_a_figure_and_no_interval(self):
        result = improvement([[1.0, 1.0]], [[2.0, 2.0]])
        assert (result.percent, result.interval, result.n_images) == (50.0, None, 1)

    def test_errors_of_different_shapes_are_refused(self, errors):
        with pytest.raises(ValueError, match=r"\(150, 28\) and \(150, 29\)"):
            improvement(errors[:, 1:], errors)

    def test_nothing_in_common_is_refused(self):
        with pytest.raises(ValueError, match="no point is known in both"):
            improvement([[1.0, np.nan]], [[np.nan, 1.0]])
