"""The share of stage 1's point that cross-validation suggests is the one by which the answers were made wrong."""

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation.cross_validation import cross_validation_lines
from ceph_pipeline.evaluation.stage1_share import suggest_shares
from ceph_pipeline.landmarks.tables import points_table

IDS = [f"film_{number:02d}" for number in range(40)]
NAMES = ["Sella", "Gonion"]
FOLDS = pd.DataFrame({"image_id": IDS, "fold": np.arange(40) % 4})
TRUE_SHARES = np.array([0.0, 0.6])
BUILT = {"Sella": 0.25, "Gonion": 0.25}


def stage(points: np.ndarray, name: str, ids: list[str] = IDS) -> pd.DataFrame:
    return points_table(points, ids, NAMES).assign(stage=name)


@pytest.fixture
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions and truth: `share · stage 1 + (1 − share) · crops` is the truth up to 0.5 px, with another share a landmark."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(100, 900, (40, 2, 2))
    first = truth + rng.normal(0, 10, truth.shape)
    at = TRUE_SHARES[:, None]
    crops = (truth + rng.normal(0, 0.5, truth.shape) - at * first) / (1 - at)
    built = np.array(list(BUILT.values()))[:, None]
    predictions = pd.concat([stage(first, "stage1"), stage(built * first + (1 - built) * crops, "stage2")])
    return predictions, points_table(truth, IDS, NAMES)


def test_the_shares_are_found_and_their_gain_is_measured_on_the_other_folds(tables) -> None:
    found = suggest_shares(*tables, FOLDS, BUILT)
    assert found["stage1_share_of"] == pytest.approx({"Sella": 0.0, "Gonion": 0.6})
    assert found["mre_px_with_shares"] == pytest.approx(0.5 * np.sqrt(np.pi / 2), rel=0.1)
    assert found["mre_px"] > 4
    line = cross_validation_lines({"stages": {}, "comparisons": {}, "shares": found})[-1]
    assert "stage1_share_of fitted on all folds is {Sella: 0, Gonion: 0.6}" in line
    assert f"{100 * (found['mre_px_with_shares'] / found['mre_px'] - 1):+.1f} %" in line


def test_shares_that_only_fit_their_own_films_gain_nothing_on_the_others() -> None:
    """Both stages err at random and alike: whatever share is learned, the other folds' error is about that of the mean."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(100, 900, (40, 2, 2))
    first, crops = (truth + rng.normal(0, 10, truth.shape) for _ in range(2))
    predictions = pd.concat([stage(first, "stage1"), stage((first + crops) / 2, "stage2")])
    found = suggest_shares(predictions, points_table(truth, IDS, NAMES), FOLDS, dict.fromkeys(NAMES, 0.5))
    assert found["mre_px_with_shares"] == pytest.approx(found["mre_px"], rel=0.05)


def test_a_point_that_was_not_refined_stays_where_it_is(tables) -> None:
    predictions, truth = tables
    first = predictions[predictions["stage"] == "stage1"]
    found = suggest_shares(pd.concat([first, first.assign(stage="stage2")]), truth, FOLDS, BUILT)
    assert found["mre_px_with_shares"] == pytest.approx(found["mre_px"])


def test_a_landmark_that_a_fold_lacks_is_left_out(tables) -> None:
    predictions, truth = tables
    lacking = FOLDS.loc[FOLDS["fold"] == 2, "image_id"]
    truth = truth[(truth["landmark"] != "Gonion") | ~truth["image_id"].isin(lacking)]
    assert list(suggest_shares(predictions, truth, FOLDS, BUILT)["stage1_share_of"]) == ["Sella"]


@pytest.mark.parametrize("folds", [FOLDS.assign(fold=0), FOLDS[:1]])
def test_one_fold_suggests_nothing(tables, folds: pd.DataFrame) -> None:
    assert suggest_shares(*tables, folds, BUILT) == {}


def test_stage_1_alone_suggests_nothing(tables) -> None:
    predictions, truth = tables
    assert suggest_shares(predictions[predictions["stage"] == "stage1"], truth, FOLDS, BUILT) == {}
    assert len(cross_validation_lines({"stages": {}, "comparisons": {}, "shares": {}})) == 0
