"""Predicted heads are judged by the training heads; what is moved, and whether that helps, is said."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.anatomy_tables import anatomy_lines, count_rows, gross_error_rows, scalar_metrics
from ceph_pipeline.evaluation.gross_errors import Located, gross_error_table
from ceph_pipeline.evaluation.sections import _anatomy
from ceph_pipeline.landmarks.tables import PredictionTable, points_table
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.pipelines.evaluation import anatomy_nodes
from ceph_pipeline.uncertainty.anatomy import AnatomicalPrior, AnatomyParams

MM = 10.0
OFF, REPLACED = EvaluationParams(), EvaluationParams(anatomy=AnatomyParams(replace=True))
SPLITS = {"train": 60, "valid": 6, "test": 8}


@pytest.fixture(scope="module")
def faces():
    """Phantoms at 0.1 mm/px; stage 1 a pixel off everywhere, but for one validation head whose menton is 40 mm off."""
    rng = np.random.default_rng(1)
    samples = [shape_model().sample(rng) for _ in range(sum(SPLITS.values()))]
    names = list(samples[0])
    points = np.stack([list(sample.values()) for sample in samples]) * MM + 300
    split = np.repeat(list(SPLITS), list(SPLITS.values()))
    ids = [f"{part}_{number}" for number, part in enumerate(split)]
    landmarks = points_table(points, ids, names).assign(reader="consensus")
    images = pd.DataFrame({"image_id": ids, "split": split, "pixel_size_mm": 0.1})
    located = points + rng.normal(0, 1, points.shape)
    sigma = np.full(points.shape[:2], 3.0)
    located[60, names.index("Me")] += (0, 400)
    sigma[60, names.index("Me")] = 140.0
    predictions = points_table(located, ids, names).assign(stage="stage1", sigma_px=sigma.ravel())
    predictions = predictions[~predictions["image_id"].str.startswith("train")].reset_index(drop=True)
    return SimpleNamespace(landmarks=landmarks, images=images, predictions=predictions, names=names)


@pytest.fixture(scope="module", autouse=True)
def logged():
    with pytest.MonkeyPatch.context() as patch:
        figures: dict[str, float] = {}
        patch.setattr(anatomy_nodes, "log_metrics", figures.update)
        yield figures


@pytest.fixture(scope="module")
def prior(faces):
    return anatomy_nodes.learn_anatomy(faces.landmarks, faces.images, OFF)


@pytest.fixture(scope="module")
def judged(faces, prior):
    return anatomy_nodes.judge_heads(faces.predictions, prior, OFF)


@pytest.fixture(scope="module")
def summary(faces, prior, judged):
    return anatomy_nodes.summarise_anatomy(faces.predictions, judged["anatomy"], faces.landmarks, faces.images, prior, OFF)


def test_only_training_heads_are_learned_from(prior):
    assert prior["n_heads"] == SPLITS["train"]


def test_off_the_points_are_the_networks_own(faces, judged):
    assert judged["predictions"] is faces.predictions


def test_the_head_with_a_gross_error_is_named(judged):
    heads = judged["anatomy"]
    assert heads.loc[heads["implausible"], ["image_id", "implausible_landmarks"]].to_numpy().tolist() == [["valid_60", "Me"]]
    assert (heads["replaced_landmarks"] == "").all()


def test_on_the_gross_error_is_placed_anew_and_nothing_else(faces, prior):
    found = anatomy_nodes.judge_heads(faces.predictions, prior, REPLACED)
    points = PredictionTable.validate(found["predictions"])
    moved = points[points["replaced"]]
    assert moved[["image_id", "landmark"]].to_numpy().tolist() == [["valid_60", "Me"]]
    columns = list(faces.predictions.columns)
    stayed = ~points["replaced"]
    pd.testing.assert_frame_equal(points.loc[stayed, columns], faces.predictions[stayed])
    assert found["anatomy"].set_index("image_id").loc["valid_60", "replaced_landmarks"] == "Me"


def test_what_replacing_would_do_on_validation_is_known_while_it_is_off(summary):
    effect = summary["effect"]["stage1"]
    assert effect["n_replaced"] == 1
    assert effect["unit"] == "mm"
    # One of 6 × 29 points is 40 mm off, the others some 0.13 mm
    assert effect["mre_before"] == pytest.approx(0.125 + 40 / 174, abs=0.02)
    assert effect["mre_after"] < effect["mre_before"] - 0.19
    assert summary["counts"]["valid"]["stage1"]["n_implausible"] == 1
    assert summary["counts"]["test"]["stage1"] == {
        "n_heads": 8, "n_implausible": 0, "n_implausible_landmarks": 0, "n_replaced_landmarks": 0,
    }  # fmt: skip


def test_figures_are_logged(summary, logged):
    assert logged["test.stage1.anatomy.implausible_percent"] == 0
    assert scalar_metrics(summary)["valid.stage1.anatomy.implausible_percent"] == pytest.approx(100 / 6)


def test_larger_errors_are_seen_more_often(summary):
    rows = {row["error"]: row for row in summary["gross_errors"]}
    assert list(rows) == ["5 mm off", "10 mm off", "15 mm off", "two swapped"]
    assert rows["5 mm off"]["recognised_percent"] < rows["15 mm off"]["recognised_percent"]
    assert rows["two swapped"]["recognised_percent"] > 90
    assert rows["15 mm off"]["error_before_mm"] == pytest.approx(15, abs=0.3)
    assert rows["15 mm off"]["error_after_mm"] < 4


def test_the_report_says_all_of_it(summary):
    plausible, seen = _anatomy(summary)
    assert "beyond the 99.9th percentile of real heads: learned from 60 training heads" in plausible.lines[0]
    assert plausible.lines[1].startswith("stage 1: placing 1 outliers anew takes the mean radial error on validation from 0.3")
    assert plausible.lines[-1] == "evaluation.anatomy.replace is off: no point was moved."
    assert plausible.tables[0].iloc[0].tolist() == ["valid", "stage 1", "6", "1", "1", "0"]
    assert seen.tables[0].columns[0] == "error"
    assert anatomy_lines(summary | {"replaced": True})[-1].endswith("on: outliers are placed anew in all figures.")
    assert anatomy_lines(summary | {"effect": {}})[1].startswith("There are no validation heads")
    still = {"stage1": summary["effect"]["stage1"] | {"n_replaced": 0}}
    assert anatomy_lines(summary | {"effect": still})[1] == "Placing outliers anew would move no point of the validation heads."


def test_too_few_training_heads_are_no_prior(faces, caplog):
    few = faces.images[faces.images["image_id"].isin(faces.images["image_id"][50:])]
    with caplog.at_level("INFO"):
        assert anatomy_nodes.learn_anatomy(faces.landmarks, few, OFF) == {}
    assert "no anatomical prior: 10 training heads" in caplog.text
    found = anatomy_nodes.judge_heads(faces.predictions, {}, REPLACED)
    assert not found["predictions"]["replaced"].any()
    assert anatomy_nodes.summarise_anatomy(faces.predictions, found["anatomy"], faces.landmarks, faces.images, {}, OFF) == {}
    assert count_rows({}) == count_rows({})[:1]
    assert gross_error_rows({}) == gross_error_rows({})[:1]
    (section,) = _anatomy({})
    assert section.lines == ["No anatomical prior was learned: too few training heads have all their landmarks."]


def test_without_pixel_sizes_there_are_pixels_only(faces, prior, judged):
    sizeless = faces.images.assign(pixel_size_mm=np.nan)
    summary = anatomy_nodes.summarise_anatomy(faces.predictions, judged["anatomy"], faces.landmarks, sizeless, prior, OFF)
    assert summary["effect"]["stage1"]["unit"] == "px"
    assert summary["gross_errors"] == []


def test_without_validation_heads_nothing_is_tried(faces, prior, judged):
    test = faces.predictions[faces.predictions["image_id"].str.startswith("test")]
    summary = anatomy_nodes.summarise_anatomy(test, judged["anatomy"], faces.landmarks, faces.images, prior, OFF)
    assert summary["effect"] == {}
    assert summary["gross_errors"] == []


def test_errors_without_a_truth_have_no_distance(faces, prior):
    learned = AnatomicalPrior.from_report(prior)
    heads = faces.landmarks[["x", "y"]].to_numpy().reshape(-1, 29, 2)[:3]
    located = Located(heads, np.full(heads.shape[:2], 3.0), np.full_like(heads, np.nan), np.full(3, 0.1))
    table = gross_error_table(learned, located, 99.9, seed=0)
    assert table["error_after_mm"].isna().all()
    assert (table["recognised_percent"] > 0).all()
