"""Real faces are plausible; a face with a landmark far off is not, and that landmark is named."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ceph_pipeline.landmarks import Affine
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.plausibility import (
    PRIOR_FILE,
    Deviations,
    PlausibilityError,
    PlausibilityParams,
    ShapeDistribution,
    ShapePrior,
    Tails,
    TooFewShapesError,
    implausible_landmarks,
    judge_shapes,
    learn_without_outliers,
    read_prior,
)
from ceph_pipeline.plausibility.alignment import align

MM = 10.0
"""px per mm of the test heads."""
CHIN = ["Me", "Gn", "Pog", "B", "Pog`"]
SOFT = ["N`", "Pn", "Sn", "Ls", "Li", "Pog`"]
BEHIND = ["Po", "Ar", "Co", "R", "Go", "S"]
MISSING = pytest.mark.parametrize("missing", [CHIN, SOFT, BEHIND], ids=["chin", "soft", "behind"])
NAMES = [f"landmark {number}" for number in range(29)]


def faces(seed: int, n: int) -> np.ndarray:
    """Heads `(n, 29, 2)` in px: of every size, tilted, half of them turned the other way."""
    rng = np.random.default_rng(seed)
    shapes = []
    for number in range(n):
        points = np.stack(list(shape_model().sample(rng).values())) * MM
        turn = Affine.similarity((0, 0), angle_deg=rng.uniform(-15, 15), scale=rng.uniform(0.7, 1.4))
        face = Affine.flip(2000) if number % 2 else Affine.identity()
        shapes.append(turn.then(face).then(Affine.translation(*rng.uniform(0, 300, 2)))(points))
    return np.stack(shapes)


def columns(symbols: list[str]) -> list[int]:
    return [shape_model().symbols.index(symbol) for symbol in symbols]


def without(shapes: np.ndarray, symbols: list[str]) -> np.ndarray:
    known = shapes.copy()
    known[:, columns(symbols)] = np.nan
    return known


def table(shapes: np.ndarray, stage: str = "stage1", sigma: float = 5.0) -> pd.DataFrame:
    rows = points_table(shapes, [f"head_{number}" for number in range(len(shapes))], NAMES)
    rows.insert(1, "stage", stage)
    return rows.assign(sigma_px=sigma)


@pytest.fixture(scope="module")
def prior() -> ShapePrior:
    return ShapePrior.learn(faces(0, 200), NAMES)


class TestPlausible:
    def test_percentiles_of_new_heads_are_even(self, prior: ShapePrior) -> None:
        rarity = prior.rarity(faces(1, 200))
        for level in (0.05, 0.5, 0.95):
            assert (rarity.whole < level).mean() == pytest.approx(level, abs=0.1)
            assert (rarity.points < level).mean() == pytest.approx(level, abs=0.04)

    def test_hardly_a_new_head_is_called_implausible(self, prior: ShapePrior) -> None:
        found = judge_shapes(table(faces(2, 200)), prior, PlausibilityParams())
        assert found.shapes["implausible"].sum() <= 2

    def test_size_tilt_and_direction_of_the_face_do_not_matter(self, prior: ShapePrior) -> None:
        head = faces(7, 1)[0]
        turned = Affine.flip(1700).then(Affine.similarity((10, 20), angle_deg=8, scale=0.4))(head)
        there, again = prior.distances(head[None]), prior.distances(turned[None])
        np.testing.assert_allclose(there.whole, again.whole, rtol=1e-3)
        np.testing.assert_allclose(there.points, again.points, rtol=1e-3, atol=1e-3)

    def test_faces_turned_the_other_way_are_mirrored(self, prior: ShapePrior) -> None:
        mirrored = align(faces(8, 4), prior.shapes.mean).mirrored
        assert mirrored.tolist() == [mirrored[0], ~mirrored[0]] * 2

    def test_a_normal_shape_has_the_distance_on_paper(self) -> None:
        """Five points of one place, which is unknown; one of them lies (6, 8) off the others, by a standard deviation of 2.

        It is (4.8, 6.4) off the mean, the others (1.2, 1.6). Off the mean of the other four it is (6, 8), whose variance is
        4 + 4/4, and each of the others (1.5, 2).
        """
        distribution = ShapeDistribution(np.zeros((5, 2)), 4e-8 * np.eye(10))
        offsets = np.zeros((1, 5, 2))
        offsets[0, 2] = 6e-4, 8e-4
        judged = distribution._judge(offsets, np.arange(5))
        assert judged.whole[0] == pytest.approx(20.0, rel=1e-5)
        np.testing.assert_allclose(judged.points[0], [1.25, 1.25, 20, 1.25, 1.25], rtol=1e-5)


class TestTails:
    def test_tails_are_found_again(self) -> None:
        rng = np.random.default_rng(0)
        points = 2 * np.array([0.5, 1.0, 2.0, 1.0]) * stats.f.rvs(2, 10, size=(4000, 4), random_state=rng)
        whole = 4 * 1.5 * stats.f.rvs(4, 20, size=4000, random_state=rng)
        tails = Tails.fit(Deviations(whole, points), len(whole))
        np.testing.assert_allclose(tails.scales, [0.5, 1.0, 2.0, 1.0], rtol=0.15)
        assert tails.freedom == pytest.approx(10, rel=0.3)
        assert tails.whole_scale == pytest.approx(1.5, rel=0.1)

    def test_a_point_s_rarity_is_that_of_its_f_distribution(self) -> None:
        tails = Tails(1.0, 20.0, np.array([1.0, 2.0, 1.0, 1.0, 1.0, 1.0]), 10.0)
        rarity = tails.rarity(Deviations(np.array([24.0]), np.array([[30.0, np.nan, 1.0, 1.0, 1.0, 1.0]])))
        assert rarity.points[0, 0] == pytest.approx(stats.f.sf(15, 2, 10))
        assert np.isnan(rarity.points[0, 1])
        assert rarity.whole[0] == pytest.approx(stats.f.sf(4, 6, 20)), "ten coordinates, four for the pose"

    def test_few_heads_cannot_show_that_a_tail_is_thin(self) -> None:
        """Of normal coordinates the distances are χ², whose tail is that of ν = ∞."""
        points = stats.chi2.rvs(2, size=(30, 4), random_state=1)
        tails = Tails.fit(Deviations(points.sum(axis=1), points), len(points))
        assert tails.freedom <= 15
        assert tails.whole_freedom <= 15


class TestImplausible:
    @pytest.mark.parametrize("landmark", [0, 9, 14, 28])
    def test_a_landmark_far_off_is_named_and_its_neighbours_are_not(self, prior: ShapePrior, landmark: int) -> None:
        wrong = faces(2, 20)
        wrong[:, landmark] += (25 * MM, -20 * MM)
        found = implausible_landmarks(prior, wrong, 99.9)
        assert found[:, landmark].all()
        assert np.delete(found, landmark, axis=1).sum() <= 1

    def test_two_swapped_landmarks_are_both_named(self, prior: ShapePrior) -> None:
        wrong = faces(4, 10)
        wrong[:, [3, 15]] = wrong[:, [15, 3]]
        assert implausible_landmarks(prior, wrong, 99.9)[:, [3, 15]].all()

    def test_a_missing_landmark_is_not_judged_and_the_others_are(self, prior: ShapePrior) -> None:
        points = faces(6, 3)
        points[:, 7] = np.nan
        rarity = prior.rarity(points)
        assert np.isnan(rarity.points[:, 7]).all()
        assert np.isfinite(np.delete(rarity.points, 7, axis=1)).all()
        assert not implausible_landmarks(prior, points, 99.9)[:, 7].any()

    @MISSING
    def test_what_is_missing_makes_no_face_implausible(self, prior: ShapePrior, missing: list[str]) -> None:
        found = judge_shapes(table(without(faces(2, 200), missing)), prior, PlausibilityParams())
        assert found.shapes["implausible"].sum() <= 2

    @MISSING
    def test_landmarks_that_change_places_at_random_are_no_face(self, prior: ShapePrior, missing: list[str]) -> None:
        """The closest pose of such points is a tiny face's."""
        nonsense = np.random.default_rng(3).permuted(faces(2, 100), axis=1)
        found = judge_shapes(table(without(nonsense, missing)), prior, PlausibilityParams())
        assert found.shapes["implausible"].all()

    @pytest.mark.parametrize(("missing", "error_mm"), [(CHIN, 1.8), (SOFT, 1.8), (BEHIND, 3.0)])
    def test_missing_landmarks_are_expected_where_they_are(self, prior: ShapePrior, missing: list[str], error_mm: float) -> None:
        heads = faces(2, 100)
        off = np.linalg.norm(prior.shapes.completed(without(heads, missing)) - heads, axis=-1)[:, columns(missing)]
        assert np.sqrt((off**2).mean()) < error_mm * MM

    def test_where_nearly_all_is_missing_nothing_is_said(self, prior: ShapePrior) -> None:
        points = np.full((1, 29, 2), np.nan)
        points[0, :3] = 100.0, 200.0
        assert np.isnan(prior.rarity(points).whole).all()
        assert not implausible_landmarks(prior, points, 99.9).any()


class TestTable:
    def test_no_point_is_moved_and_the_implausible_one_is_named(self, prior: ShapePrior) -> None:
        wrong = faces(3, 3)
        wrong[1, 4] -= 40 * MM
        points = table(wrong)
        found = judge_shapes(points, prior, PlausibilityParams())
        pd.testing.assert_frame_equal(found.predictions[points.columns], points)
        marked = found.predictions[found.predictions["implausible"]]
        assert marked[["image_id", "landmark"]].to_numpy().tolist() == [["head_1", NAMES[4]]]
        assert found.shapes["implausible"].tolist() == [False, True, False]
        assert found.shapes.loc[1, ["least_likely", "implausible_landmarks"]].tolist() == [NAMES[4], NAMES[4]]
        assert found.shapes.loc[1, "percentile"] > 99.9
        assert found.shapes.loc[1, "least_likely_percentile"] > 99.9

    def test_each_stage_is_judged_by_itself(self, prior: ShapePrior) -> None:
        right, wrong = faces(3, 2), faces(3, 2)
        wrong[0, 4] += (40 * MM, 0)
        both = pd.concat([table(right), table(wrong, "stage2")], ignore_index=True)
        found = judge_shapes(both, prior, PlausibilityParams())
        assert found.shapes["implausible_landmarks"].tolist() == ["", "", NAMES[4], ""]
        assert found.shapes["stage"].tolist() == ["stage1", "stage1", "stage2", "stage2"]

    def test_landmarks_that_the_prior_does_not_know_pass_through(self, prior: ShapePrior) -> None:
        extra = pd.DataFrame([{"image_id": "head_0", "stage": "stage1", "landmark": "p1", "x": 1.0, "y": 2.0, "sigma_px": 9.0}])
        points = pd.concat([extra, table(faces(3, 1))], ignore_index=True)
        found = judge_shapes(points, prior, PlausibilityParams())
        pd.testing.assert_frame_equal(found.predictions[points.columns], points)

    def test_strange_landmarks_are_refused(self, prior: ShapePrior) -> None:
        with pytest.raises(PlausibilityError, match="none of the predicted landmarks, such as 'p1'"):
            judge_shapes(table(faces(3, 1)).assign(landmark="p1"), prior, PlausibilityParams())

    def test_without_a_prior_nothing_is_implausible(self) -> None:
        found = judge_shapes(table(faces(3, 2)), None, PlausibilityParams())
        assert not found.predictions["implausible"].any()
        assert found.shapes["percentile"].isna().all()
        assert not found.shapes["implausible"].any()

    def test_no_predictions_are_no_configurations(self, prior: ShapePrior) -> None:
        empty = table(faces(3, 1)).iloc[:0]
        assert judge_shapes(empty, prior, PlausibilityParams()).shapes.empty


class TestTurned:
    @pytest.mark.parametrize(("angle", "implausible"), [(0, False), (30, False), (180, True)])
    @pytest.mark.parametrize("number", [0, 1])  # looks to the right, to the left
    def test_a_face_on_its_head_is_implausible_and_a_tilted_one_is_not(
        self, prior: ShapePrior, angle: float, number: int, implausible: bool
    ) -> None:
        face = np.stack(list(shape_model().sample(np.random.default_rng(5)).values())) * MM
        sides = (Affine.identity(), Affine.flip(2000))
        turned = sides[number].then(Affine.similarity((900, 900), angle_deg=angle, scale=1))(face)
        found = judge_shapes(table(turned[None]), prior, PlausibilityParams()).shapes
        assert found["turned_deg"].item() == pytest.approx(angle, abs=6)
        assert found["implausible"].tolist() == found["implausible_as_a_whole"].tolist() == [implausible]
        assert found["percentile"].item() < 99.9, "how landmarks lie to each other does not tell"
        assert found["implausible_landmarks"].tolist() == [""]

    def test_one_training_film_on_its_head_turns_nothing_even_if_it_is_the_first(self) -> None:
        shapes = faces(0, 60)
        shapes[0] = Affine.similarity((900, 900), angle_deg=180, scale=1)(shapes[0])
        found = judge_shapes(table(faces(1, 20)), ShapePrior.learn(shapes, NAMES), PlausibilityParams()).shapes
        assert (found["turned_deg"] < 30).all()


class TestLearned:
    def test_a_prior_needs_heads(self) -> None:
        with pytest.raises(TooFewShapesError, match="shapes of 19 patients have all of their 29 landmarks, expected at least 20"):
            ShapePrior.learn(faces(8, 19), NAMES)
        with pytest.raises(TooFewShapesError, match="training shapes of 0 patients"):
            ShapePrior.learn(np.empty((0, 29, 2)), NAMES)

    def test_a_template_that_nobody_moved_is_none(self) -> None:
        shapes = np.repeat(faces(8, 1), 25, axis=0)
        shapes += np.arange(25)[:, None, None]
        with pytest.raises(TooFewShapesError, match="25 training shapes are all equal"):
            ShapePrior.learn(shapes, NAMES)
        shapes[3] = faces(9, 1)[0]
        with pytest.raises(TooFewShapesError, match="training shapes are all equal"):
            ShapePrior.learn(shapes, NAMES)

    def test_a_film_with_exchanged_landmarks_does_not_hide_gross_errors(self) -> None:
        shapes = faces(0, 60)
        menton, nasion = columns(["Me", "N"])
        shapes[7, [menton, nasion]] = shapes[7, [nasion, menton]]
        wrong = faces(1, 40)
        wrong[:, menton] += 0.2 * np.linalg.norm(wrong - wrong.mean(axis=1, keepdims=True), axis=-1).mean(axis=1)[:, None]
        prior = learn_without_outliers(shapes, NAMES)
        assert prior.n_shapes == 59
        assert implausible_landmarks(prior, wrong, 99.9)[:, menton].mean() > 0.9

    def test_several_films_of_a_patient_do_not_make_other_patients_implausible(self) -> None:
        several = np.repeat(faces(0, 40), 4, axis=0) + np.random.default_rng(1).normal(0, 0.3 * MM, (160, 29, 2))
        patients = [f"patient {number // 4}" for number in range(160)]
        others = faces(2, 400) + np.random.default_rng(3).normal(0, 0.3 * MM, (400, 29, 2))

        def implausible(prior: ShapePrior) -> float:
            return float((prior.rarity(others).whole < 0.001).mean())

        assert implausible(ShapePrior.learn(several, NAMES, patients)) < 0.01
        assert implausible(ShapePrior.learn(several, NAMES)) > 0.02

    def test_two_marks_have_no_shape(self) -> None:
        with pytest.raises(TooFewShapesError, match="2 landmarks, such as the ruler's two marks, are too few"):
            ShapePrior.learn(faces(8, 40)[:, :2], NAMES[:2])

    @pytest.mark.parametrize("landmarks", [0, 29])
    def test_landmarks_that_no_image_has_have_none_either(self, landmarks: int) -> None:
        with pytest.raises(TooFewShapesError, match=r"0 landmarks.*are too few"):
            ShapePrior.learn(np.full((40, landmarks, 2), np.nan), NAMES[:landmarks])

    def test_a_landmark_hardly_ever_annotated_and_incomplete_heads_are_left_out(self) -> None:
        shapes = faces(9, 24)
        shapes[2:, 5] = np.nan
        shapes[0, 6] = np.nan
        prior = ShapePrior.learn(shapes, NAMES)
        assert prior.landmarks == tuple(name for name in NAMES if name != NAMES[5])
        assert prior.n_shapes == 23

    def test_it_comes_back_from_its_file(self, prior: ShapePrior, tmp_path) -> None:
        file = tmp_path / PRIOR_FILE
        file.write_text(json.dumps(prior.to_report()))
        again = read_prior(file)
        np.testing.assert_array_equal(again.rarity(faces(1, 3)).points, prior.rarity(faces(1, 3)).points)
        assert again.landmarks == prior.landmarks

    def test_no_file_or_nothing_learned_is_no_prior(self, tmp_path) -> None:
        assert read_prior(tmp_path / PRIOR_FILE) is None
        (tmp_path / PRIOR_FILE).write_text("{}")
        assert read_prior(tmp_path / PRIOR_FILE) is None

    @pytest.mark.parametrize("text", ["not json", '{"mean": 1}', "[" * 100_000, None])
    def test_a_damaged_file_is_named_with_the_way_out(self, prior: ShapePrior, tmp_path, text: str | None) -> None:
        file = tmp_path / PRIOR_FILE
        file.write_text(text or json.dumps(prior.to_report() | {"mean": [[0.0, 0.0]]}))
        with pytest.raises(PlausibilityError, match=r"(?s)not a shape prior of the evaluation.*Run the evaluation.*or delete"):
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
    def test_numbers_that_no_heads_give_are_refused(self, prior: ShapePrior, tmp_path, change: dict[str, object]) -> None:
        file = tmp_path / PRIOR_FILE
        file.write_text(json.dumps(prior.to_report() | change))
        with pytest.raises(PlausibilityError, match=r"shape_prior\.json: .*not a shape prior of the evaluation.*or delete"):
            read_prior(file)
