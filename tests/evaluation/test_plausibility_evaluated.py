"""Predicted configurations are judged by the training landmarks, and the report says how many are implausible."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import EvaluationParams
from ceph_pipeline.evaluation.plausibility import count_frame, plausibility_line, plausibility_metrics
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.phantom.shape import shape_model
from ceph_pipeline.pipelines.evaluation import uncertainty_nodes
from ceph_pipeline.plausibility import PlausibilityParams

MM = 10.0
PARAMS, LIMIT = EvaluationParams(), PlausibilityParams()
SPLITS = {"train": 60, "valid": 6, "test": 8}


@pytest.fixture(scope="module")
def faces():
    """Phantoms at 0.1 mm/px; stage 1 a pixel off everywhere, but for one validation image whose menton is 40 mm off."""
    rng = np.random.default_rng(1)
    samples = [shape_model().sample(rng) for _ in range(sum(SPLITS.values()))]
    names = list(samples[0])
    points = np.stack([list(sample.values()) for sample in samples]) * MM + 300
    split = np.repeat(list(SPLITS), list(SPLITS.values()))
    ids = [f"{part}_{number}" for number, part in enumerate(split)]
    landmarks = points_table(points, ids, names).assign(reader="consensus")
    images = pd.DataFrame({"image_id": ids, "split": split, "pixel_size_mm": 0.1})
    located = points + rng.normal(0, 1, points.shape)
    located[60, names.index("Me")] += (0, 400)
    predictions = points_table(located, ids, names).assign(stage="stage1", sigma_px=3.0)
    predictions = predictions[~predictions["image_id"].str.startswith("train")].reset_index(drop=True)
    return SimpleNamespace(landmarks=landmarks, images=images, predictions=predictions)


@pytest.fixture(scope="module")
def prior(faces):
    return uncertainty_nodes.learn_shape_prior(faces.landmarks, faces.images, PARAMS)


@pytest.fixture(scope="module")
def judged(faces, prior):
    return uncertainty_nodes.judge_plausibility(faces.predictions, faces.images, prior, LIMIT)


def test_only_training_images_are_learned_from(prior):
    assert prior["n_shapes"] == SPLITS["train"]


def test_the_configuration_with_a_gross_error_is_named(judged):
    shapes = judged["plausibility"]
    named = shapes.loc[shapes["implausible"], ["image_id", "implausible_landmarks"]]
    assert named.to_numpy().tolist() == [["valid_60", "Me"]]


def test_the_report_counts_by_split_and_stage(judged):
    report = judged["plausibility_summary"]
    assert report["counts"]["test"]["stage1"] == {"n_images": 8, "n_implausible": 0, "n_implausible_landmarks": 0}
    assert "beyond the 99.9th percentile of 60 training images" in plausibility_line(report)
    assert count_frame(report).to_numpy().tolist() == [["valid", "stage 1", "6", "1", "1"], ["test", "stage 1", "8", "0", "0"]]
    metrics = plausibility_metrics(report)
    assert metrics["test.stage1.implausible_percent"] == 0
    assert metrics["valid.stage1.implausible_percent"] == pytest.approx(100 / 6)


def test_too_few_training_images_are_no_prior(faces, caplog):
    few = faces.images[faces.images["image_id"].isin(faces.images["image_id"][50:])]
    with caplog.at_level("INFO"):
        assert uncertainty_nodes.learn_shape_prior(faces.landmarks, few, PARAMS) == {}
    assert "no shape prior: training shapes of 10 patients" in caplog.text
    found = uncertainty_nodes.judge_plausibility(faces.predictions, few, {}, LIMIT)
    assert not found["plausibility"]["implausible"].any()
    assert found["plausibility_summary"] == {}
    assert count_frame({}).empty
    assert plausibility_line({}).startswith("No shape prior was fitted")
