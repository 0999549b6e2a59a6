import numpy as np
import pytest

from ceph_pipeline.evaluation import improvement, landmark_intervals, mean_interval
from ceph_pipeline.evaluation.bootstrap import CHUNK
from ceph_pipeline.evaluation.intervals import MIN_IMAGES, by_patient, correlation_interval, rate_intervals


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

    def test_skewed_errors_have_the_longer_arm_where_large_errors_would_be(self):
        errors = np.random.default_rng(3).lognormal(0, 0.8, (12, 1))
        interval = mean_interval(errors)
        assert interval.high - errors.mean() > 1.2 * (errors.mean() - interval.low)

    def test_covers_the_mean_of_ten_images_where_the_percentiles_cover_87_percent(self):
        rng, held = np.random.default_rng(0), []
        for _ in range(600):
            hard = np.exp(rng.normal(0, 0.3, (10, 1)))
            interval = mean_interval(hard * rng.rayleigh(0.8, (10, 19)), n_resamples=500)
            held.append(interval.low <= 0.8 * np.sqrt(np.pi / 2) * np.exp(0.3**2 / 2) <= interval.high)
        assert np.mean(held) >= 0.91  # 95 promised, 94.3 simulated with more samples; 600 scatter by 1

    def test_one_gross_error_leaves_no_mean_below_0(self):
        errors = np.random.default_rng(0).uniform(0.05, 0.3, (240, 2))
        errors[0] = 400.0
        assert mean_interval(errors).low == 0
        assert landmark_intervals(errors)[0].low == 0

    @pytest.mark.parametrize("n_images", [1, 2, 9])
    def test_too_few_images_give_none(self, errors, n_images):
        assert mean_interval(errors[:n_images]) is None
        padded = np.concatenate([errors[:n_images], np.full((20, 29), np.nan)])
        assert mean_interval(padded) is None

    def test_ten_images_are_enough(self, errors):
        assert MIN_IMAGES == 10
        assert mean_interval(errors[:10]) is not None

    def test_a_difference_that_one_image_makes_has_no_interval(self):
        difference = np.zeros((12, 5))
        difference[3] = 2.0  # in 35 % of the resamples that image is missing, and nothing varies
        assert mean_interval(difference) is None

    def test_nothing_known_gives_none(self):
        assert mean_interval(np.full((3, 2), np.nan)) is None

    def test_images_without_known_points_do_not_count(self, errors):
        padded = np.concatenate([errors, np.full((20, 29), np.nan)])
        assert mean_interval(padded, n_resamples=500) == mean_interval(errors, n_resamples=500)

    def test_missing_points_weigh_nothing(self):
        errors = np.ones((12, 2))
        errors[::2, 0] = np.nan
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

    def test_landmark_seen_on_nine_images_has_none(self, errors):
        errors[9:, 2] = np.nan
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

    def test_gross_errors_leave_no_gain_above_100_percent(self):
        rng = np.random.default_rng(0)
        new, old = rng.uniform(0.05, 0.3, (240, 2)), rng.uniform(0.1, 2.0, (240, 2))
        old[:12] = rng.uniform(2, 20, (12, 2))
        new[0], old[0], new[1] = (160, 170), (165, 160), 4
        assert improvement(new, old).interval.high == 100

    def test_worse_is_negative(self, errors):
        result = improvement(1.1 * errors, errors)
        assert result.percent == pytest.approx(-10)
        assert result.interval.high < 0

    def test_only_points_known_in_both_count(self):
        new, old = [[1.0, np.nan], [2.0, 2.0]], [[2.0, 100.0], [4.0, np.nan]]
        assert improvement(new, old, n_resamples=100).percent == pytest.approx(50)

    @pytest.mark.parametrize("n_images", [1, 9])
    def test_few_images_have_a_figure_and_no_interval(self, n_images):
        result = improvement(np.full((n_images, 2), 1.0), np.full((n_images, 2), 2.0))
        assert (result.percent, result.interval, result.difference_interval, result.n_images) == (50.0, None, None, n_images)

    def test_of_two_equally_good_systems_few_are_said_to_beat_the_other(self):
        rng, won = np.random.default_rng(2), []
        for _ in range(600):
            hard = np.exp(rng.normal(0, 0.3, (15, 1)))
            result = improvement(*(hard * rng.rayleigh(0.8, (2, 15, 19))), n_resamples=500)
            won.append(result.interval.low > 0)
        assert np.mean(won) <= 0.045  # 2.5 % promised

    def test_errors_of_different_shapes_are_refused(self, errors):
        with pytest.raises(ValueError, match=r"\(150, 28\) and \(150, 29\)"):
            improvement(errors[:, 1:], errors)

    def test_nothing_in_common_is_refused(self):
        with pytest.raises(ValueError, match="no point is known in both"):
            improvement([[1.0, np.nan]], [[np.nan, 1.0]])


class TestRateIntervals:
    def hits(self, n_images, rate=0.9, seed=0):
        return 100.0 * (np.random.default_rng(seed).random((n_images, 19)) < rate)

    def test_independent_points_have_wilsons_interval(self):
        hits = self.hits(400)
        (interval,) = rate_intervals([hits])
        share, n, z = hits.mean() / 100, hits.size, 1.966  # Student's t with 399 degrees of freedom
        middle, half = (share + z**2 / (2 * n)) / (1 + z**2 / n), z * np.sqrt(share * (1 - share) / n) / (1 + z**2 / n)
        assert (interval.low, interval.high) == pytest.approx((100 * (middle - half), 100 * (middle + half)), abs=0.2)

    def test_points_that_hit_together_count_as_one(self):
        alike = np.repeat(self.hits(100)[:, :1], 19, axis=1)
        one, all_ = rate_intervals([alike[:, :1], alike])
        assert (one.low, one.high) == pytest.approx((all_.low, all_.high))

    def test_stays_within_0_and_100(self):
        hits = np.full((12, 19), 100.0)
        hits[0, 0] = 0.0
        (interval,) = rate_intervals([hits])
        assert 0 < interval.low < 99 < interval.high < 100

    def test_equal_rates_of_all_images_are_known_as_well_as_those_of_independent_points(self):
        """The misses per image sum to the total but for a rounding error."""
        hits = np.full((10, 29), 100.0)
        hits[:, :14] = 0.0
        alike, apart = rate_intervals([hits, np.random.default_rng(0).permutation(hits.ravel()).reshape(10, 29)])
        assert 9 < alike.high - alike.low < 15
        assert alike.high - alike.low == pytest.approx(apart.high - apart.low, rel=0.5)

    def test_all_hits_and_few_images_give_none(self):
        assert rate_intervals([np.full((50, 19), 100.0), np.zeros((50, 19)), self.hits(9)]) == [None] * 3

    def test_unknown_points_do_not_count(self):
        hits = self.hits(30)
        padded = np.concatenate([hits, np.full((30, 19), np.nan)])
        assert rate_intervals([padded]) == rate_intervals([hits])


def correlation(totals):
    with np.errstate(invalid="ignore"):
        return totals[:, 0] / np.sqrt(totals[:, 1] * totals[:, 2])


class TestCorrelationInterval:
    def test_is_fishers_for_normal_values(self):
        x, noise = np.random.default_rng(0).normal(size=(2, 400))
        y = 0.6 * x + 0.8 * noise
        interval, undefined = correlation_interval(np.stack([x * y, x * x, y * y], axis=1), correlation, n_resamples=200)
        r = (x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum())
        expected = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / np.sqrt(397))
        assert [interval.low, interval.high] == pytest.approx(expected, abs=0.02)
        assert undefined == 0

    def test_undefined_resamples_are_counted_and_many_leave_no_interval(self):
        rows = np.zeros((12, 3))
        rows[0] = [0.5, 1.0, 1.0]  # undefined wherever this image is not drawn: (11/12)¹² = 35 %
        interval, undefined = correlation_interval(rows, correlation, n_resamples=4000)
        assert interval is None
        assert undefined == pytest.approx(0.352, abs=0.03)


class TestPatients:
    """Films of one patient are drawn together."""

    def test_sums_keep_the_order_of_appearance(self):
        rows = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
        assert by_patient(rows, ["b", "a", "b"]).tolist() == [[5.0, 50.0], [2.0, 20.0]]

    def test_patients_of_one_film_each_change_nothing(self, errors):
        alone = [str(number) for number in range(150)]
        hits = [100.0 * (errors <= 1)]
        assert mean_interval(errors, patients=alone, n_resamples=500) == mean_interval(errors, n_resamples=500)
        assert rate_intervals(hits, patients=alone) == rate_intervals(hits)

    def test_the_same_film_three_times_says_no_more_than_once(self, errors):
        films, patients = np.repeat(errors[:20], 3, axis=0), np.repeat([f"p{number}" for number in range(20)], 3).tolist()
        for interval in (mean_interval, lambda values, **given: improvement(values, values[::-1], **given).interval):
            assert interval(films, patients=patients) == pytest.approx(interval(errors[:20]))
            assert interval(films).high < interval(errors[:20]).high
        assert landmark_intervals(films, patients=patients)[4] == pytest.approx(landmark_intervals(errors[:20])[4])
        hits = [100.0 * (films <= 1)]
        assert rate_intervals(hits, patients=patients)[0] == pytest.approx(rate_intervals([100.0 * (errors[:20] <= 1)])[0])

    def test_kappa_like_figures_too(self):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(2, 30))
        rows = np.stack([x * y, x * x, y * y], axis=1)
        patients = np.repeat(np.arange(30).astype(str), 2).tolist()
        together, _ = correlation_interval(np.repeat(rows, 2, axis=0), correlation, patients=patients, n_resamples=200)
        assert together == pytest.approx(correlation_interval(rows, correlation, n_resamples=200)[0])

    def test_nine_patients_with_many_films_have_no_interval(self, errors):
        patients = [f"p{number % 9}" for number in range(150)]
        assert mean_interval(errors, patients=patients) is None
        assert rate_intervals([100.0 * (errors <= 1)], patients=patients) == [None]

    def test_covers_the_mean_where_drawing_films_does_not(self):
        rng, held = np.random.default_rng(0), {True: [], False: []}
        patients = np.repeat(np.arange(20), 4).astype(str).tolist()
        mean = 0.8 * np.sqrt(np.pi / 2) * np.exp(0.4**2 / 2)
        for _ in range(300):
            films = np.repeat(np.exp(rng.normal(0, 0.4, (20, 1))), 4, axis=0) * rng.rayleigh(0.8, (80, 19))
            for told, hits in held.items():
                interval = mean_interval(films, patients=patients if told else None, n_resamples=500)
                hits.append(interval.low <= mean <= interval.high)
        assert np.mean(held[True]) >= 0.9
        assert np.mean(held[False]) < 0.8
