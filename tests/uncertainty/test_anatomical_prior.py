"""Real heads are plausible, a landmark far off is not; it is placed anew only where the network is unsure of it."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.uncertainty.anatomy import (
    AnatomicalPrior,
    AnatomyError,
    AnatomyParams,
    Deviations,
    ShapeDistribution,
    Tails,
    TooFewHeadsError,
    find_outliers,
    judge_anatomy,
    network_sd,
    read_prior,
)
from ceph_pipeline.uncertainty.anatomy.alignment import align

MM = 10.0
"""px per mm of the test heads."""
NAMES = [f"landmark {number}" for number in range(29)]
SURE, TORN = 5.0, 80.0
"""px: what a network says of a point that it sees, and of one that it takes for either of two places."""


def heads(seed: int, n: int) -> np.ndarray:
    """Heads `(n, 29, 2)` in px: of every size, tilted, half of them turned the other way."""
    rng = np.random.default_rng(seed)
    shapes = []
    for number in range(n):
        points = np.stack(list(shape_model().sample(rng).values())) * MM
        turn = Affine.similarity((0, 0), angle_deg=rng.uniform(-15, 15), scale=rng.uniform(0.7, 1.4))
        face = Affine.flip(2000) if number % 2 else Affine.identity()
        shapes.append(turn.then(face).then(Affine.translation(*rng.uniform(0, 300, 2)))(points))
    return np.stack(shapes)


def sure(shapes: np.ndarray) -> np.ndarray:
    return np.full(shapes.shape[:2], SURE)


def table(shapes: np.ndarray, stage: str = "stage1", sigma: float = SURE) -> pd.DataFrame:
    rows = points_table(shapes, [f"head_{number}" for number in range(len(shapes))], NAMES)
    rows.insert(1, "stage", stage)
    return rows.assign(sigma_px=sigma)


@pytest.fixture(scope="module")
def prior() -> AnatomicalPrior:
    return AnatomicalPrior.learn(heads(0, 200), NAMES)


class TestPlausible:
    def test_percentiles_of_new_heads_are_even(self, prior: AnatomicalPrior) -> None:
        rarity = prior.rarity(heads(1, 200))
        for level in (0.05, 0.5, 0.95):
            assert (rarity.whole < level).mean() == pytest.approx(level, abs=0.1)
            assert (rarity.points < level).mean() == pytest.approx(level, abs=0.04)

    def test_hardly_a_new_head_is_called_implausible(self, prior: AnatomicalPrior) -> None:
        found = judge_anatomy(table(heads(2, 200)), prior, AnatomyParams())
        assert found.heads["implausible"].sum() <= 2

    def test_size_tilt_and_direction_of_the_face_do_not_matter(self, prior: AnatomicalPrior) -> None:
        head = heads(7, 1)[0]
        turned = Affine.flip(1700).then(Affine.similarity((10, 20), angle_deg=8, scale=0.4))(head)
        there, again = prior.distances(head[None]), prior.distances(turned[None])
        np.testing.assert_allclose(there.whole, again.whole, rtol=1e-3)
        np.testing.assert_allclose(there.points, again.points, rtol=1e-3, atol=1e-3)

    def test_alignment_and_back_is_the_head_itself(self, prior: AnatomicalPrior) -> None:
        shapes = heads(8, 4)
        to_mean = align(shapes, prior.shapes.mean)
        np.testing.assert_allclose(to_mean.back(to_mean(shapes)), shapes, atol=1e-9)
        assert to_mean.mirrored.tolist() == [to_mean.mirrored[0], ~to_mean.mirrored[0]] * 2

    def test_a_normal_shape_has_the_distance_on_paper(self) -> None:
        """Coordinates of standard deviation 2: (6, 8) from its mean, the landmark is 5 standard deviations off."""
        distribution = ShapeDistribution(np.zeros((5, 2)), 4 * np.eye(10))
        offsets = np.zeros((1, 5, 2))
        offsets[0, 2] = 6.0, 8.0
        judged = distribution._judge(offsets, np.arange(5))
        assert judged.whole[0] == pytest.approx(25.0)
        np.testing.assert_allclose(judged.points[0], [0, 0, 25, 0, 0], atol=1e-12)


class TestTails:
    def test_tails_are_found_again(self) -> None:
        rng = np.random.default_rng(0)
        points = 2 * np.array([0.5, 1.0, 2.0, 1.0]) * stats.f.rvs(2, 10, size=(4000, 4), random_state=rng)
        whole = 8 * 1.5 * stats.f.rvs(8, 20, size=4000, random_state=rng)
        tails = Tails.fit(Deviations(whole, points))
        np.testing.assert_allclose(tails.scales, [0.5, 1.0, 2.0, 1.0], rtol=0.15)
        assert tails.freedom == pytest.approx(10, rel=0.3)
        assert tails.whole_scale == pytest.approx(1.5, rel=0.1)
        np.testing.assert_allclose(tails.sd_factors, np.sqrt(tails.scales * tails.freedom / (tails.freedom - 2)))

    def test_a_point_s_rarity_is_that_of_its_f_distribution(self) -> None:
        tails = Tails(1.0, 20.0, np.array([1.0, 2.0]), 10.0)
        rarity = tails.rarity(Deviations(np.array([8.0]), np.array([[30.0, np.nan]])))
        assert rarity.points[0, 0] == pytest.approx(stats.f.sf(15, 2, 10))
        assert np.isnan(rarity.points[0, 1])
        assert rarity.whole[0] == pytest.approx(stats.f.sf(4, 2, 20)), "the one known landmark has two coordinates"

    def test_few_heads_cannot_show_that_a_tail_is_thin(self) -> None:
        """Of normal coordinates the distances are χ², whose tail is that of ν = ∞."""
        points = stats.chi2.rvs(2, size=(30, 4), random_state=1)
        tails = Tails.fit(Deviations(points.sum(axis=1), points))
        assert tails.freedom <= 15
        assert tails.whole_freedom <= 15


class TestImplausible:
    @pytest.mark.parametrize("landmark", [0, 9, 14, 28])
    def test_a_landmark_far_off_is_named_and_its_neighbours_are_not(self, prior: AnatomicalPrior, landmark: int) -> None:
        wrong = heads(2, 20)
        wrong[:, landmark] += (25 * MM, -20 * MM)
        found = find_outliers(prior, wrong, sure(wrong), 99.9)
        assert found.implausible[:, landmark].all()
        assert np.delete(found.implausible, landmark, axis=1).sum() <= 1

    def test_two_swapped_landmarks_are_both_named(self, prior: AnatomicalPrior) -> None:
        wrong = heads(4, 10)
        wrong[:, [3, 15]] = wrong[:, [15, 3]]
        assert find_outliers(prior, wrong, sure(wrong), 99.9).implausible[:, [3, 15]].all()

    def test_what_the_network_is_sure_of_stays(self, prior: AnatomicalPrior) -> None:
        wrong = heads(3, 5)
        wrong[:, 4] -= 40 * MM
        found = find_outliers(prior, wrong, sure(wrong), 99.9)
        assert found.implausible[:, 4].all()
        assert not found.replaced.any()
        np.testing.assert_array_equal(found.points, wrong)

    def test_a_landmark_the_network_is_unsure_of_is_placed_from_the_others(self, prior: AnatomicalPrior) -> None:
        truth = heads(3, 20)
        wrong, sd = truth.copy(), sure(truth)
        wrong[:, 4] -= 40 * MM
        sd[:, 4] = TORN
        found = find_outliers(prior, wrong, sd, 99.9)
        assert found.replaced[:, 4].all()
        assert found.replaced.sum() == len(truth)
        error = np.linalg.norm(found.points - truth, axis=-1)[:, 4]
        assert np.median(error) < 3 * MM, "placed within 3 mm, from 57 mm off"
        assert 0.5 < np.sqrt((error**2).mean() / 2) / np.median(found.sd_px[:, 4]) < 2, "and its standard deviation says so"
        assert (found.sd_px[:, 4] > SURE).all()
        np.testing.assert_array_equal(found.points[~found.replaced], wrong[~found.replaced])

    def test_a_head_with_many_oddities_is_left_alone(self, prior: AnatomicalPrior) -> None:
        noise = heads(5, 4) + np.random.default_rng(0).normal(0, 25 * MM, (4, 29, 2))
        found = find_outliers(prior, noise, np.full(noise.shape[:2], 1000.0), 99.9)
        assert (found.implausible.sum(axis=1) > 6).all()
        assert not found.replaced.any()

    def test_a_missing_landmark_stays_missing_and_the_others_are_judged(self, prior: AnatomicalPrior) -> None:
        points = heads(6, 3)
        points[:, 7] = np.nan
        rarity = prior.rarity(points)
        assert np.isnan(rarity.points[:, 7]).all()
        assert np.isfinite(np.delete(rarity.points, 7, axis=1)).all()
        assert np.isnan(find_outliers(prior, points, sure(points), 99.9).points[:, 7]).all()

    def test_where_nearly_all_is_missing_nothing_is_said(self, prior: AnatomicalPrior) -> None:
        points = np.full((1, 29, 2), np.nan)
        points[0, :3] = 100.0, 200.0
        assert np.isnan(prior.rarity(points).whole).all()
        assert not find_outliers(prior, points, sure(points), 99.9).implausible.any()

    def test_two_answers_far_apart_are_uncertain(self) -> None:
        points = np.zeros((1, 2, 2))
        earlier = np.array([[[60.0, 80.0], [np.nan, np.nan]]])
        np.testing.assert_allclose(network_sd(np.array([[0.0, 3.0]]), points, earlier), [[50.0, 3.0]])


class TestTable:
    def test_the_table_stays_as_it_is_unless_replacing_is_on(self, prior: AnatomicalPrior) -> None:
        wrong = heads(3, 3)
        wrong[1, 4] -= 40 * MM
        points = table(wrong, sigma=TORN)
        found = judge_anatomy(points, prior, AnatomyParams())
        pd.testing.assert_frame_equal(found.predictions[points.columns], points)
        assert found.heads["implausible"].tolist() == [False, True, False]
        assert found.heads.loc[1, ["least_likely", "implausible_landmarks", "replaced_landmarks"]].tolist() == [
            NAMES[4],
            NAMES[4],
            "",
        ]
        assert found.heads.loc[1, "percentile"] > 99.9
        assert found.heads.loc[1, "least_likely_percentile"] > 99.9

    def test_a_replaced_point_has_the_prior_s_standard_deviation(self, prior: AnatomicalPrior) -> None:
        wrong = heads(3, 3)
        wrong[1, 4] -= 40 * MM
        points = table(wrong, sigma=TORN)
        found = judge_anatomy(points, prior, AnatomyParams(replace=True))
        moved = found.predictions[found.predictions["replaced"]]
        assert moved[["image_id", "landmark"]].to_numpy().tolist() == [["head_1", NAMES[4]]]
        assert SURE < moved["sigma_px"].item() < TORN
        assert found.heads["replaced_landmarks"].tolist() == ["", NAMES[4], ""]
        stayed = ~found.predictions["replaced"]
        pd.testing.assert_frame_equal(found.predictions.loc[stayed, points.columns], points[stayed])

    def test_stages_that_disagree_count_as_uncertain(self, prior: AnatomicalPrior) -> None:
        right, wrong = heads(3, 2), heads(3, 2)
        wrong[0, 4] += (20 * MM, 0)
        both = pd.concat([table(right), table(wrong, "stage2")], ignore_index=True)
        alone = judge_anatomy(both[both["stage"] == "stage2"], prior, AnatomyParams(replace=True))
        together = judge_anatomy(both, prior, AnatomyParams(replace=True))
        assert alone.heads["replaced_landmarks"].tolist() == ["", ""]
        assert together.heads["replaced_landmarks"].tolist() == ["", "", NAMES[4], ""]
        assert together.heads["stage"].tolist() == ["stage1", "stage1", "stage2", "stage2"]

    def test_landmarks_that_the_prior_does_not_know_pass_through(self, prior: AnatomicalPrior) -> None:
        extra = pd.DataFrame([{"image_id": "head_0", "stage": "stage1", "landmark": "p1", "x": 1.0, "y": 2.0, "sigma_px": 9.0}])
        points = pd.concat([extra, table(heads(3, 1))], ignore_index=True)
        found = judge_anatomy(points, prior, AnatomyParams(replace=True))
        pd.testing.assert_frame_equal(found.predictions[points.columns], points)

    def test_strange_landmarks_are_refused(self, prior: AnatomicalPrior) -> None:
        with pytest.raises(AnatomyError, match="none of the predicted landmarks, such as 'p1'"):
            judge_anatomy(table(heads(3, 1)).assign(landmark="p1"), prior, AnatomyParams())

    def test_without_a_prior_nothing_is_implausible(self) -> None:
        found = judge_anatomy(table(heads(3, 2)), None, AnatomyParams(replace=True))
        assert not found.predictions[["implausible", "replaced"]].any(axis=None)
        assert found.heads["percentile"].isna().all()
        assert not found.heads["implausible"].any()

    def test_no_predictions_are_no_heads(self, prior: AnatomicalPrior) -> None:
        empty = table(heads(3, 1)).iloc[:0]
        assert judge_anatomy(empty, prior, AnatomyParams()).heads.empty


class TestLearned:
    def test_a_prior_needs_heads(self) -> None:
        with pytest.raises(TooFewHeadsError, match="19 training heads have all of their 29 landmarks, expected at least 20"):
            AnatomicalPrior.learn(heads(8, 19), NAMES)
        with pytest.raises(TooFewHeadsError, match="0 training heads"):
            AnatomicalPrior.learn(np.empty((0, 29, 2)), NAMES)

    def test_a_landmark_hardly_ever_annotated_and_incomplete_heads_are_left_out(self) -> None:
        shapes = heads(9, 24)
        shapes[2:, 5] = np.nan
        shapes[0, 6] = np.nan
        prior = AnatomicalPrior.learn(shapes, NAMES)
        assert prior.landmarks == tuple(name for name in NAMES if name != NAMES[5])
        assert prior.n_heads == 23

    def test_it_comes_back_from_its_file(self, prior: AnatomicalPrior, tmp_path) -> None:
        file = tmp_path / "anatomy.json"
        file.write_text(json.dumps(prior.to_report()))
        again = read_prior(file)
        np.testing.assert_array_equal(again.rarity(heads(1, 3)).points, prior.rarity(heads(1, 3)).points)
        assert again.landmarks == prior.landmarks

    def test_no_file_or_nothing_learned_is_no_prior(self, tmp_path) -> None:
        assert read_prior(tmp_path / "anatomy.json") is None
        (tmp_path / "anatomy.json").write_text("{}")
        assert read_prior(tmp_path / "anatomy.json") is None

    @pytest.mark.parametrize("text", ["not json", '{"mean": 1}', None])
    def test_a_damaged_file_is_named_with_the_way_out(self, prior: AnatomicalPrior, tmp_path, text: str | None) -> None:
        file = tmp_path / "anatomy.json"
        file.write_text(text or json.dumps(prior.to_report() | {"mean": [[0.0, 0.0]]}))
        with pytest.raises(AnatomyError, match=r"not what the evaluation wrote.*Run the evaluation pipeline again, or delete"):
            read_prior(file)

    @pytest.mark.parametrize(
        "change",
        [
            {"mean": [[None, None]] * 29},
            {"covariance": np.zeros((58, 58)).tolist()},
            {"scales": [0.0] * 29},
            {"freedom": None},
            {"whole_scale": "wide"},
        ],
    )
    def test_numbers_that_no_heads_give_are_refused(self, prior: AnatomicalPrior, tmp_path, change: dict[str, object]) -> None:
        file = tmp_path / "anatomy.json"
        file.write_text(json.dumps(prior.to_report() | change))
        with pytest.raises(AnatomyError, match=r"anatomy\.json: .*not what the evaluation wrote.*or delete"):
            read_prior(file)
