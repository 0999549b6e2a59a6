"""New heads are judged by the prior that the evaluation left; implausible points are flagged, and moved only on demand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.inference import InferenceParams
from ceph_pipeline.inference.anatomy import add_anatomy, judge_new_heads
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.pipelines.inference import anatomy_nodes
from ceph_pipeline.uncertainty.anatomy import AnatomicalPrior, AnatomyParams

OFF, ON = AnatomyParams(), AnatomyParams(replace=True)
WRONG = ("new_1", "Me")


def faces(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([list(shape_model().sample(rng).values()) for _ in range(n)]) * 10


NAMES = list(shape_model().sample(np.random.default_rng(0)))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / "anatomy.json").write_text(json.dumps(AnatomicalPrior.learn(faces(0, 60), NAMES).to_report()))
    return folder


@pytest.fixture
def predictions() -> pd.DataFrame:
    """Three heads; the menton of the second is 40 mm off, and the network torn."""
    points, sigma = faces(1, 3), np.full((3, 29), 3.0)
    points[1, NAMES.index("Me")] += (0, 400)
    sigma[1, NAMES.index("Me")] = 140.0
    table = points_table(points, ["new_0", "new_1", "new_2"], NAMES)
    return table.assign(stage="stage2_tta", sigma_px=sigma.ravel())


def named(table: pd.DataFrame, column: str) -> list[tuple[str, str]]:
    rows = table[table[column]]
    return list(zip(rows["image_id"], rows["landmark"], strict=True))


def test_an_implausible_point_is_flagged_and_stays(predictions: pd.DataFrame, models: Path, caplog) -> None:
    with caplog.at_level("INFO"):
        points, heads = anatomy_nodes.judge_new_heads(predictions, models, InferenceParams(anatomy=OFF))
    assert named(points, "flagged") == [WRONG]
    pd.testing.assert_frame_equal(points[predictions.columns], predictions)
    assert "1 of 3 heads are implausible" in caplog.text
    assert "new_1 is implausible: Me" in caplog.text
    assert heads["implausible"].tolist() == [False, True, False]


def test_on_demand_it_is_placed_from_the_others_without_a_radius(predictions: pd.DataFrame, models: Path, caplog) -> None:
    judged = predictions.assign(calibrated_sigma_px=4.0, radius_px=9.0, radius_mm=0.9, flagged=predictions["landmark"] == "S")
    found = judge_new_heads(judged, models, ON)
    points = found.predictions
    assert named(points, "replaced") == [WRONG]
    assert set(named(points, "flagged")) == {WRONG, *((f"new_{number}", "S") for number in range(3))}
    moved = points[points["replaced"]].iloc[0]
    truth = faces(1, 3)[1, NAMES.index("Me")]
    assert np.hypot(moved["x"] - truth[0], moved["y"] - truth[1]) < 60, "6 mm, from 40 mm"
    assert moved["calibrated_sigma_px"] == moved["sigma_px"] > 5
    assert np.isnan([moved["radius_px"], moved["radius_mm"]]).all()
    assert (points.loc[~points["replaced"], "radius_px"] == 9).all()
    assert "placed anew: Me" in caplog.text


def test_a_head_unusual_as_a_whole_is_said_to_be(predictions: pd.DataFrame, models: Path, caplog) -> None:
    strict = AnatomyParams(percentile=50.01)
    found = judge_new_heads(predictions, models, strict)
    whole = found.heads[found.heads["implausible"] & (found.heads["implausible_landmarks"] == "")]
    assert all(f"{image_id} is implausible as a whole" in caplog.text for image_id in whole["image_id"])


def test_the_summary_has_a_row_an_image(predictions: pd.DataFrame, models: Path) -> None:
    summary = pd.DataFrame({"image_id": ["new_0", "new_1", "new_2"], "n_landmarks": 29})
    rows = add_anatomy(summary, judge_new_heads(predictions, models, ON).heads)
    assert rows["implausible_landmarks"].tolist() == ["", "Me", ""]
    assert rows["replaced_landmarks"].tolist() == ["", "Me", ""]
    assert rows["anatomy_percentile"].between(0, 100).all()
    assert rows["n_landmarks"].tolist() == [29, 29, 29]


def test_without_a_prior_heads_are_not_judged_and_one_line_says_so(predictions: pd.DataFrame, tmp_path: Path, caplog) -> None:
    with caplog.at_level("INFO"):
        found = judge_new_heads(predictions, tmp_path, ON)
    assert "no anatomical prior in" in caplog.text
    assert "flagged" not in found.predictions
    assert found.heads["percentile"].isna().all()
    assert not found.heads["implausible"].any()
