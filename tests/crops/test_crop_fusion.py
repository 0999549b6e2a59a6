"""Five answers become one, or none is believed."""

import numpy as np
import pytest

from ceph_pipeline.crops import RefinementParams, fuse
from ceph_pipeline.errors import InvalidValueError

STAGE_1 = np.array([[[100.0, 100.0]]])
FIELD = np.array([100.0])
PARAMS = RefinementParams(min_score=0.1, max_spread_of_field=0.1)
NAMES = ["Sella"]


def answers(*xy: tuple[float, float]) -> np.ndarray:
    """Predictions of one point of one image, `(1, 1, S, 2)`."""
    return np.array(xy, dtype=np.float64)[None, None]


def scores(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)[None, None]


def test_the_mean_is_weighted_by_confidence() -> None:
    fused = fuse(answers((104, 100), (108, 100)), scores(0.3, 0.1), STAGE_1, FIELD, PARAMS, NAMES)
    np.testing.assert_allclose(fused.xy[0, 0], (105, 100))
    assert fused.refined[0, 0]
    # variance per axis: (0.75 · 1² + 0.25 · 3²) / 2
    assert fused.sd[0, 0] == pytest.approx(np.sqrt(1.5))


def test_an_unsure_refinement_leaves_stage_1s_point() -> None:
    fused = fuse(answers((104, 100), (104, 100)), scores(0.1, 0.05), STAGE_1, FIELD, PARAMS, NAMES)
    np.testing.assert_array_equal(fused.xy, STAGE_1)
    assert not fused.refined[0, 0]


def test_answers_that_disagree_leave_stage_1s_point() -> None:
    fused = fuse(answers((80, 100), (120, 100)), scores(1, 1), STAGE_1, FIELD, PARAMS, NAMES)
    np.testing.assert_array_equal(fused.xy, STAGE_1)
    assert fused.sd[0, 0] == pytest.approx(20 / np.sqrt(2))


@pytest.mark.parametrize("far", [(151.0, 100.0), (100.0, 49.0)])
def test_a_refinement_moves_no_point_out_of_its_crop(far: tuple[float, float]) -> None:
    fused = fuse(answers(far, far), scores(1, 1), STAGE_1, FIELD, PARAMS, NAMES)
    np.testing.assert_array_equal(fused.xy, STAGE_1)


def test_a_crop_without_an_answer_counts_for_nothing() -> None:
    fused = fuse(answers((104, 100), (np.nan, np.nan)), scores(1, 1), STAGE_1, FIELD, PARAMS, NAMES)
    np.testing.assert_allclose(fused.xy[0, 0], (104, 100))


def test_a_point_that_stage_1_missed_stays_missing() -> None:
    nothing = np.full((1, 1, 2), np.nan)
    fused = fuse(np.full((1, 1, 5, 2), np.nan), np.ones((1, 1, 5)), nothing, FIELD, PARAMS, NAMES)
    assert np.isnan(fused.xy).all()
    assert not fused.refined.any()


def test_crops_that_see_nothing_leave_stage_1s_point_even_at_threshold_0() -> None:
    fused = fuse(answers((104, 100)), scores(0), STAGE_1, FIELD, RefinementParams(min_score=0), NAMES)
    np.testing.assert_array_equal(fused.xy, STAGE_1)


def test_stage_1_counts_as_one_more_answer_of_its_share() -> None:
    params = RefinementParams(min_score=0.1, max_spread_of_field=0.1, stage1_share=0.25)
    fused = fuse(answers((104, 100), (108, 100)), scores(0.3, 0.1), STAGE_1, FIELD, params, NAMES)
    np.testing.assert_allclose(fused.xy[0, 0], (0.25 * 100 + 0.75 * 105, 100))
    xs, weights = np.array([100.0, 104, 108]), np.array([0.25, 0.75 * 0.75, 0.75 * 0.25])
    variance = (weights * (xs - (weights * xs).sum()) ** 2).sum() / 2
    assert fused.sd[0, 0] == pytest.approx(np.sqrt(variance))


def test_a_landmark_may_have_a_share_of_its_own() -> None:
    params = PARAMS.model_copy(update={"stage1_share": 0.25, "stage1_share_of": {"Gonion": 0.5}})
    both = np.concatenate([answers((104, 100))] * 2, axis=1)
    fused = fuse(both, np.ones((1, 2, 1)), np.tile(STAGE_1, (1, 2, 1)), FIELD, params, ["Sella", "Gonion"])
    np.testing.assert_allclose(fused.xy[0], [(103, 100), (102, 100)])
    np.testing.assert_allclose(fused.sd[0], [4 * np.sqrt(0.25 * 0.75 / 2), 4 * np.sqrt(0.5 * 0.5 / 2)])


def test_a_share_of_a_landmark_that_there_is_not_is_named() -> None:
    params = RefinementParams.model_validate({"stage1_share_of": {"gonion": 0.5}})
    with pytest.raises(InvalidValueError, match=r"stage1_share_of: 'gonion' is not one of the detector's 1 landmarks \(Sella\)"):
        fuse(answers((104, 100)), scores(1), STAGE_1, FIELD, params, NAMES)


def test_settings_with_shares_can_be_the_key_of_a_cache() -> None:
    one, same, other = (RefinementParams.model_validate({"stage1_share_of": {"Gonion": share}}) for share in (0.5, 0.5, 0.6))
    assert {one: "kept"} == {same: "kept"}
    assert hash(one) != hash(other)


def test_shares_in_another_order_are_the_same_settings() -> None:
    shares = {"Gonion": 0.5, "Sella": 0.1}
    one, other = (RefinementParams(stage1_share_of=dict(pairs)) for pairs in (shares.items(), reversed(shares.items())))
    assert one == other
    assert hash(one) == hash(other)
