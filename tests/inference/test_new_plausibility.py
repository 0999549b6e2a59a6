"""Located configurations are judged by the prior that the evaluation left; implausible points are flagged and never moved."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.artifacts import pseudonym
from ceph_pipeline.inference.plausibility import add_plausibility, flag_line, judge_located
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.plausibility import PRIOR_FILE, PlausibilityParams, ShapePrior

DEFAULT = PlausibilityParams()
WRONG = ("new_1", "Me")


def faces(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([list(shape_model().sample(rng).values()) for _ in range(n)]) * 10


NAMES = list(shape_model().sample(np.random.default_rng(0)))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (folder / PRIOR_FILE).write_text(json.dumps(ShapePrior.learn(faces(0, 60), NAMES).to_report()))
    return folder


@pytest.fixture
def predictions() -> pd.DataFrame:
    """Three faces; the menton of the second is 40 mm off."""
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
        points, shapes = judge_located(predictions, models, DEFAULT)
    assert named(points, "flagged") == [WRONG]
    pd.testing.assert_frame_equal(points[predictions.columns], predictions)
    assert "1 of 3 configurations are implausible" in caplog.text
    assert f"{pseudonym('new_1')} is implausible: Me" in caplog.text
    assert shapes["implausible"].tolist() == [False, True, False]
    assert shapes["implausible_as_a_whole"].tolist() == [False, False, False], "one landmark alone is off"


def test_a_film_on_its_head_is_named_with_the_way_out(predictions: pd.DataFrame, models: Path, caplog) -> None:
    on_its_head = predictions["image_id"] == "new_2"
    turned = predictions.assign(**{axis: predictions[axis].where(~on_its_head, 3000 - predictions[axis]) for axis in "xy"})
    shapes = judge_located(turned, models, DEFAULT).shapes
    assert shapes["implausible"].tolist() == [False, True, True]
    assert re.search(rf"{pseudonym('new_2')} is implausible: rotated by 1[78]\d° .* Turn the film upright", caplog.text)


def test_a_flag_of_the_uncertainty_stays(predictions: pd.DataFrame, models: Path) -> None:
    judged = predictions.assign(flagged=predictions["landmark"] == "S")
    points = judge_located(judged, models, DEFAULT).predictions
    assert set(named(points, "flagged")) == {WRONG, *((f"new_{number}", "S") for number in range(3))}


def test_a_configuration_unusual_as_a_whole_is_said_to_be(predictions: pd.DataFrame, models: Path, caplog) -> None:
    strict = PlausibilityParams(percentile=50.01)
    found = judge_located(predictions, models, strict)
    whole = found.shapes[found.shapes["implausible"] & (found.shapes["implausible_landmarks"] == "")]
    assert all(f"{pseudonym(image_id)} is implausible as a whole" in caplog.text for image_id in whole["image_id"])


def test_the_summary_has_a_row_an_image(predictions: pd.DataFrame, models: Path) -> None:
    summary = pd.DataFrame({"image_id": ["new_0", "new_1", "new_2"], "n_landmarks": 29})
    rows = add_plausibility(summary, judge_located(predictions, models, DEFAULT).shapes)
    assert rows["implausible_landmarks"].tolist() == ["", "Me", ""]
    assert rows["plausibility_percentile"].between(0, 100).all()
    assert rows["n_landmarks"].tolist() == [29, 29, 29]


def test_without_a_prior_nothing_is_judged_and_one_line_says_so(predictions: pd.DataFrame, tmp_path: Path, caplog) -> None:
    with caplog.at_level("INFO"):
        found = judge_located(predictions, tmp_path, DEFAULT)
    assert "no shape prior in" in caplog.text
    assert "flagged" not in found.predictions
    assert found.shapes["percentile"].isna().all()
    assert not found.shapes["implausible"].any()


def test_what_was_not_judged_is_missing_in_the_summary_and_named(predictions: pd.DataFrame, models: Path, tmp_path: Path) -> None:
    summary = pd.DataFrame({"image_id": ["new_0", "new_1", "new_2"]})
    located = predictions.assign(flagged=False)
    unknown = judge_located(located, tmp_path, DEFAULT)
    assert add_plausibility(summary, unknown.shapes)["implausible"].isna().all()
    assert flag_line(unknown.predictions, unknown.shapes) == (
        "0 of 87 points are flagged for review, without their uncertainty and plausibility, which the evaluation of this "
        "detector has not calibrated: check all points"
    )
    judged = judge_located(located, models, DEFAULT)
    assert "without their uncertainty, which" in flag_line(judged.predictions, judged.shapes)
    calibrated = judged.predictions.assign(calibrated_sigma_px=3.0)
    assert flag_line(calibrated, judged.shapes) == "1 of 87 points are flagged for review"
