"""A data set of seven images and three landmarks whose errors are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ceph_pipeline.evaluation import error_rows, evaluate
from ceph_pipeline.evaluation.mean_shape import guess_points, mean_shape
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.evaluation.readers import inter_reader_rows, reader_to_truth_rows
from ceph_pipeline.landmarks.tables import points_table

LANDMARKS = ["Sella", "Nasion", "Menton"]
IDS = ["train_a", "train_b", "valid_a", "test_a", "test_b", "test_c", "test_d"]
SHAPE = np.array([[400.0, 500.0], [900.0, 420.0], [800.0, 1300.0]])
STAGE_ERROR_PX = {"stage1": 20.0, "stage1_tta": 16.0, "stage2": 10.0, "stage2_tta": 8.0}
"""Every point of a stage is this far off, in a direction of its own, times the image's difficulty."""
DIFFICULTY = {"valid_a": 1.0, "test_a": 0.5, "test_b": 1.0, "test_c": 1.5, "test_d": 2.0}


@pytest.fixture(scope="session")
def images():
    return pd.DataFrame(
        {
            "image_id": IDS,
            "path": [f"{image_id}.png" for image_id in IDS],
            "split": [image_id.split("_")[0] for image_id in IDS],
            "subset": ["train", "train", "valid", "test1", "test1", "test2", "test2"],
            "width": 1200,
            "height": 1500,
            "pixel_size_mm": 0.1,
            "machine": ["A", "B", "A", "A", "A", "B", "B"],
            "dataset": "made up",
        }
    )


@pytest.fixture(scope="session")
def truth_points():
    shift = 30.0 * np.arange(len(IDS))[:, None, None] * np.array([1.0, 0.0])
    return SHAPE + shift


@pytest.fixture(scope="session")
def landmarks(truth_points):
    """Two readers 1 mm apart, the consensus in the middle."""
    readers = {"senior": (-3.0, -4.0), "junior": (3.0, 4.0), "consensus": (0.0, 0.0)}
    return pd.concat(
        [points_table(truth_points + np.array(offset), IDS, LANDMARKS).assign(reader=name) for name, offset in readers.items()],
        ignore_index=True,
    )


@pytest.fixture(scope="session")
def truth(landmarks):
    return landmarks[landmarks["reader"] == "consensus"]


@pytest.fixture(scope="session")
def predictions(truth_points):
    angles = np.random.default_rng(5).uniform(0, 2 * np.pi, (len(DIFFICULTY), len(LANDMARKS)))
    direction = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    scale = np.array(list(DIFFICULTY.values()))[:, None, None]
    tables = [
        points_table(truth_points[2:] + radius * scale * direction, IDS[2:], LANDMARKS).assign(stage=stage, sigma_px=1.0)
        for stage, radius in STAGE_ERROR_PX.items()
    ]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="session")
def measure(truth, images, landmarks):
    """Errors of predictions, of the mean shape and of the readers."""

    def errors_of(predictions, images=images, landmarks=landmarks):
        predicted = images[images["image_id"].isin(predictions["image_id"])]
        stages = [error_rows(rows, truth, images, stage) for stage, rows in predictions.groupby("stage", sort=False)]
        guess = error_rows(guess_points(mean_shape(truth, images), predicted), truth, images, "mean_shape")
        readers = [inter_reader_rows(landmarks, predicted), reader_to_truth_rows(landmarks, predicted, "consensus")]
        return pd.concat([*stages, guess, *readers], ignore_index=True)

    return errors_of


@pytest.fixture(scope="session")
def errors(measure, predictions):
    return measure(predictions)


@pytest.fixture(scope="session")
def statistics():
    return StatisticsParams(n_resamples=500)


@pytest.fixture(scope="session")
def no_duplicates():
    return pd.DataFrame({"image_a": pd.Series([], dtype=str), "image_b": pd.Series([], dtype=str)})


@pytest.fixture(scope="session")
def facts():
    return SimpleNamespace(ids=IDS, landmarks=LANDMARKS, stage_error_px=STAGE_ERROR_PX, difficulty=DIFFICULTY)


@pytest.fixture(scope="session")
def many_images(images):
    """Twelve test images, three of each of the four, so that there are intervals."""
    test = images[images["split"] == "test"]
    return pd.concat([images, *(test.assign(image_id=test["image_id"] + suffix) for suffix in "xy")], ignore_index=True)


@pytest.fixture(scope="session")
def many_errors(errors):
    """Their errors: those of the four, 5 % larger and 5 % smaller."""
    test = errors[errors["image_id"].str.startswith("test")]
    larger, smaller = (
        test.assign(image_id=test["image_id"] + suffix, error_mm=factor * test["error_mm"], error_px=factor * test["error_px"])
        for suffix, factor in (("x", 1.05), ("y", 0.95))
    )
    return pd.concat([errors, larger, smaller], ignore_index=True)


@pytest.fixture(scope="session")
def many_report(many_errors, many_images, no_duplicates, statistics):
    return evaluate(many_errors, many_images, no_duplicates, statistics)


@pytest.fixture(scope="session")
def report(errors, images, no_duplicates, statistics):
    return evaluate(errors, images, no_duplicates, statistics)
