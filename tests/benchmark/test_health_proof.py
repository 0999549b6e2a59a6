"""The proof of the health report: its trials do what their names say, and its table counts right."""

import health_proof
import numpy as np
import pytest
from click.testing import CliRunner
from health_phantoms import draw_phantoms
from health_proof import Run, confusion_table, recognised, train_trial
from health_trials import TRIALS, drop_labels, keep_20_images, shuffle_labels

from ceph_pipeline.training.health.checks import CHECKS

BY_NAME = {trial.name: trial for trial in TRIALS}
HIGH, HEALTHY = BY_NAME["rate 100 times too high"], BY_NAME["healthy, combined loss"]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return draw_phantoms(tmp_path_factory.mktemp("phantoms"), seed=5, n_train=22, n_valid=2)


def test_phantoms_come_with_29_landmarks_inside_their_films(phantoms):
    tables, cache = phantoms
    sizes = tables.images.set_index("image_id")[["width", "height"]]
    points = tables.landmarks.join(sizes, on="image_id")
    assert len(points) == 24 * 29
    assert ((points["x"] > 0) & (points["x"] < points["width"]) & (points["y"] > 0) & (points["y"] < points["height"])).all()
    assert cache.read("phantom_0001").shape == tuple(sizes.loc["phantom_0001"][["height", "width"]] // 2)


def test_shuffled_labels_are_another_images_and_validation_keeps_its_own(phantoms):
    tables, _ = phantoms
    before = tables.landmarks.set_index(["image_id", "landmark"])[["x", "y"]]
    after = shuffle_labels(tables, np.random.default_rng(0)).landmarks.set_index(["image_id", "landmark"])[["x", "y"]]
    same = (before == after.loc[before.index]).all(axis=1).groupby("image_id").all()
    split = tables.images.set_index("image_id")["split"]
    assert not same[split == "train"].any()
    assert same[split == "valid"].all()


def test_one_landmark_loses_its_training_labels_only(phantoms):
    tables, _ = phantoms
    landmarks = drop_labels(tables, np.random.default_rng(0)).landmarks
    missing = landmarks[landmarks["x"].isna()]
    assert missing["landmark"].nunique() == 1
    assert set(missing["image_id"]) == set(tables.images.loc[tables.images["split"] == "train", "image_id"])


def test_twenty_training_images_stay(phantoms):
    kept = keep_20_images(phantoms[0], np.random.default_rng(0))
    assert kept.images["split"].value_counts().to_dict() == {"train": 20, "valid": 2}
    assert set(kept.landmarks["image_id"]) == set(kept.images["image_id"])


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_a_trial_names_checks_that_exist_and_parameters_that_are_allowed(trial):
    assert trial.recognised_by <= set(CHECKS)
    assert trial.params(11).loop.seed == 11


def test_losses_alternate_with_the_seed_where_the_trial_names_none():
    assert [HIGH.params(seed).loss.kind for seed in (11, 12)] == ["combined", "cross_entropy"]
    assert HIGH.params(11).optim.learning_rate == pytest.approx(0.3)


def test_a_failure_is_recognised_by_its_name_and_health_by_silence():
    assert recognised(HIGH, Run(HIGH.name, 1, ("border", "rate_too_high"), 100.0))
    assert not recognised(HIGH, Run(HIGH.name, 1, ("border",), 100.0))
    assert recognised(HEALTHY, Run(HEALTHY.name, 1, (), 1.6))
    assert not recognised(HEALTHY, Run(HEALTHY.name, 1, ("overfitting",), 1.6))


def test_the_table_counts_the_runs_in_which_each_check_spoke():
    runs = [
        Run(HEALTHY.name, 11, (), 1.62),
        Run(HIGH.name, 11, ("rate_too_high", "border"), 95.0),
        Run(HIGH.name, 12, ("border",), 195.0),
    ]
    lines = confusion_table(TRIALS, runs).splitlines()
    assert lines[0] == "| trained | MRE mm | right | rate_too_high | border |"
    assert lines[2:] == [
        "| healthy, combined loss | 1.6–1.6 | 1 of 1 |  |  |",
        "| rate 100 times too high | 95.0–195.0 | 1 of 2 | **1** | 2 |",
    ]


@pytest.mark.parametrize(("spoke", "status"), [((), 0), (("overfitting",), 1)])
def test_the_command_writes_the_table_and_fails_where_something_was_told_wrong(tmp_path, monkeypatch, spoke, status):
    monkeypatch.setattr(health_proof, "train_trial", lambda trial, seed, folder: Run(trial.name, seed, spoke, 1.5))
    table = tmp_path / "table.md"
    options = ["--seeds", "4", "--only", "healthy", "--jobs", "1", "--table", str(table)]
    assert CliRunner().invoke(health_proof.main, options).exit_code == status
    assert table.read_text().count("healthy") == 2


@pytest.mark.slow
def test_a_landmark_without_labels_is_recognised_in_a_real_training(tmp_path):
    trial = BY_NAME["one landmark's labels missing"]
    run = train_trial(trial, 21, tmp_path)
    assert recognised(trial, run)
    assert run.mre_mm < 10
