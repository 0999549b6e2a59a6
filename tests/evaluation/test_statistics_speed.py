"""The statistics of a whole test set are quick: they are looked at often."""

import time

import numpy as np
import pandas as pd
import pytest
from ceph_pipeline.evaluation.derived import class_agreement, measured_stages, measurement_error_table
from ceph_pipeline.evaluation.earlier import compare_with_earlier
from ceph_pipeline.evaluation.reliability import reliability_table

from ceph_pipeline.evaluation import evaluate
from ceph_pipeline.evaluation.breakdown import device_table, landmark_table
from ceph_pipeline.evaluation.ellipses import error_ellipses
from ceph_pipeline.evaluation.errors import stage_error_rows
from ceph_pipeline.evaluation.params import STEINER, StatisticsParams
from ceph_pipeline.evaluation.readers import inter_reader_rows
from ceph_pipeline.evaluation.robustness import robustness_table
from ceph_pipeline.evaluation.uncertainty import assessments, checked_stages, flag_curves, learn
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import points_table
from ceph_pipeline.uncertainty import UncertaintyParams

STAGES = ["stage1", "stage1_tta", "stage2", "stage2_tta"]
IDS = [f"i{number:03d}" for number in range(150)]
NAMES = list(SCHEMAS["aariz"].names)
STATISTICS = StatisticsParams()


@pytest.fixture(scope="module")
def tables():
    """150 test images with 29 landmarks by two readers, four stages of predictions, and five copies of each image."""
    rng = np.random.default_rng(0)
    shape = rng.uniform(300, 2000, (29, 2))
    truth = shape + rng.normal(0, 40, (150, 29, 2))

    def near(spread):
        return points_table(truth + rng.normal(0, spread, truth.shape), IDS, NAMES)

    images = pd.DataFrame(
        {"image_id": IDS, "split": "test", "subset": "test", "machine": rng.choice(list("ABCDEFG"), 150), "pixel_size_mm": 0.1}
    )
    readers = {"consensus": points_table(truth, IDS, NAMES), "junior": near(8.0), "senior": near(8.0)}
    landmarks = pd.concat([table.assign(reader=name) for name, table in readers.items()])
    predictions = pd.concat([near(10.0).assign(stage=stage, sigma_px=rng.uniform(5, 15, 150 * 29)) for stage in STAGES])
    return images, landmarks, readers["consensus"], predictions


def test_150_images_29_landmarks_4_stages_take_less_than_5_seconds(tables, no_duplicates):
    images, landmarks, truth, predictions = tables
    start = time.thread_time()  # of this thread alone, so that a busy machine does not count

    errors = pd.concat([errors_of(predictions, truth, images), inter_reader_rows(landmarks, images)])
    evaluate(errors, images, no_duplicates, STATISTICS)
    landmark_table(errors, STATISTICS)
    device_table(errors, images, STATISTICS)
    models = learn(errors, predictions, images.assign(split="valid"), UncertaintyParams())
    checked = checked_stages(errors, predictions, images, models)
    reliability_table(checked)
    assessments(checked, STATISTICS)
    flag_curves(checked)
    error_ellipses(predictions[predictions["stage"] == "stage2"], truth, images)
    compare_with_earlier(errors, errors, "abc", STATISTICS)
    compared = measured_stages(predictions, landmarks, images, "consensus")
    measurement_error_table(compared, STATISTICS)
    class_agreement(compared, STEINER, STATISTICS)
    robustness_table(*copies_of(errors[errors["stage"].isin(["stage1", "stage2"])]), errors, STATISTICS)

    assert time.thread_time() - start < 5


def errors_of(predictions, truth, images):
    """Errors of the stages, and of a guess."""
    stages = stage_error_rows(predictions, truth, images)
    return pd.concat([stages, stages[stages["stage"] == "stage1"].assign(stage="mean_shape")])


def copies_of(errors):
    """Five kinds of copies with their sources' errors."""
    kinds = ["flip", "rotation", "brightness", "braces", "gamma"]
    copies = pd.concat([errors.assign(image_id=errors["image_id"] + f"__{kind}_0") for kind in kinds])
    rows = [(f"{source}__{kind}_0", source, kind, 0, "test") for kind in kinds for source in IDS]
    return copies, pd.DataFrame(rows, columns=["image_id", "source_id", "kind", "copy", "split"])


def test_ten_thousand_resamples_of_every_headline_take_less_than_2_seconds(tables, no_duplicates):
    """Mean error, its rates and their intervals, every stage and every paired comparison."""
    images, _, truth, predictions = tables
    errors = errors_of(predictions, truth, images)
    start = time.thread_time()
    evaluate(errors, images, no_duplicates, STATISTICS)
    assert STATISTICS.n_resamples == 10_000
    assert time.thread_time() - start < 2
