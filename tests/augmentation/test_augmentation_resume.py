"""Interrupted and repeated runs: only what is missing is made, and the bytes are those of an undisturbed run."""

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ceph_pipeline.artifacts import Ledger
from ceph_pipeline.augmentation import provenance
from ceph_pipeline.augmentation.copy_writer import CopyWriter
from ceph_pipeline.augmentation.provenance import OtherRecipeError
from ceph_pipeline.images import ImageStore


@pytest.fixture
def sources_made(monkeypatch):
    """The sources that were decoded, in order."""
    made = []
    write_copies = CopyWriter.write_copies
    monkeypatch.setattr(
        CopyWriter,
        "write_copies",
        lambda self, source, copies: made.append(source.image_id) or write_copies(self, source, copies),
    )
    return made


class TestRepeated:
    def test_a_complete_run_is_not_repeated_and_says_so(self, study, sources_made, caplog):
        first = study.augment()
        sources_made.clear()
        with caplog.at_level(logging.INFO, "ceph_pipeline"):
            second = study.augment()
        assert sources_made == []
        assert "nothing to do" in caplog.text
        assert all(table.equals(second[name]) for name, table in first.items())

    def test_only_sources_with_missing_copies_are_decoded(self, study, sources_made):
        study.augment()
        undisturbed = study.files()
        Path(study.store.location("train_0003__flip_0")).unlink()
        Path(study.cache.location("valid_0000__rotation_1")).unlink()
        sources_made.clear()
        study.augment()
        assert sorted(sources_made) == ["train_0003", "valid_0000"]
        assert study.files() == undisturbed

    def test_what_a_killed_run_left_half_written_is_swept_away(self, study):
        study.augment()
        undisturbed = study.files()
        (Path(study.store.path) / ".train_0000__flip_0.0123abcd").write_bytes(b"half")
        (Path(study.cache.path) / ".train_0000__flip_0.0123abcd").write_bytes(b"half")
        study.augment()
        assert study.files() == undisturbed

    def test_force_makes_everything_again(self, study, sources_made):
        study.augment()
        sources_made.clear()
        study.augment(force=True)
        assert len(sources_made) == 6


class TestAnotherRecipe:
    def test_its_images_are_not_deleted_and_the_difference_is_named(self, study):
        study.augment(seed=1)
        before = study.files()
        with pytest.raises(OtherRecipeError) as refusal:
            study.augment(seed=2, recipe={"original": {}, "rotation": {"angles_deg": [5, -5]}})
        message = str(refusal.value)
        assert f"{study.store.path} contains images of another recipe" in message
        assert "recipe.rotation.angles_deg was [7.0, -7.0], is [5.0, -5.0]" in message
        assert "seed was 1, is 2" in message
        assert "recipe.braces was {" in message
        assert message.count("is absent") == 3  # braces, brightness, flip
        assert "recipe.original" not in message
        assert "--params augmentation.force=true" in message
        assert study.files() == before

    def test_another_format_is_another_recipe(self, study):
        study.augment()
        study.store = ImageStore(study.store.path, format="jpg", quality=90)
        with pytest.raises(OtherRecipeError, match='format was "png", is "jpg"; quality was absent, is 90'):
            study.augment()

    def test_force_deletes_its_images(self, study):
        study.augment()
        study.augment(recipe={"original": {}}, force=True)
        assert len(study.store.ids()) == len(study.cache.ids()) == 6
        study.augment(recipe={"original": {}})

    def test_emptied_stores_take_any_recipe(self, study):
        study.augment(seed=1)
        study.store.clear()
        study.cache.clear()
        study.augment(seed=2)

    def test_another_version_may_move_points_differently(self, study, monkeypatch):
        study.augment()
        monkeypatch.setattr(provenance, "__version__", "99")
        with pytest.raises(OtherRecipeError, match=r'version of ceph_pipeline was ".*", is "99"'):
            study.augment()

    def test_images_of_unknown_origin_are_not_deleted(self, study, grainy_image):
        study.store.write("somebody_s_film", grainy_image(1))
        with pytest.raises(OtherRecipeError, match="no manifest of their inputs"):
            study.augment()
        assert study.store.ids() == {"somebody_s_film"}

    def test_a_worker_count_a_backend_and_a_target_are_no_recipe(self, study, sources_made):
        study.augment(n_jobs=1)
        sources_made.clear()
        study.augment(n_jobs=2, backend="threading", target_total=39)
        assert sources_made == []


class TestChangedSources:
    def test_moved_landmarks_make_the_copies_of_their_source_again(self, study, sources_made):
        study.augment()
        sources_made.clear()
        moved = (study.tables.landmarks["image_id"] == "train_0002") & (study.tables.landmarks["reader"] == "consensus")
        study.tables.landmarks.loc[moved, "x"] += 1
        study.augment()
        assert sources_made == ["train_0002"]

    def test_a_replaced_image_makes_its_copies_again(self, study, grainy_image, sources_made):
        study.augment()
        sources_made.clear()
        cv2.imwrite(str(study.raw.root / "test_0000.png"), grainy_image(99))
        study.augment()
        assert sources_made == ["test_0000"]
        np.testing.assert_array_equal(study.store.read("test_0000__original_0"), grainy_image(99))

    def test_killed_while_replacing_it_continues_with_the_new_image(self, study, grainy_image, monkeypatch):
        study.augment()
        cv2.imwrite(str(study.raw.root / "test_0000.png"), grainy_image(99))

        def die(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "begin", die)
            with pytest.raises(KeyboardInterrupt):
                study.augment()
        study.augment()
        np.testing.assert_array_equal(study.store.read("test_0000__original_0"), grainy_image(99))

    def test_further_sources_keep_the_copies_of_the_others(self, tmp_path, new_study, sources_made):
        study = new_study(tmp_path, {"train": 4, "test": 1})
        tables = study.tables
        first = tables.images["image_id"] != "test_0000"  # the last in order: the others' braces stay where they are
        study.tables = replace(tables, images=tables.images[first], landmarks=tables.landmarks)
        study.augment()
        sources_made.clear()
        study.tables = tables
        assert len(study.augment()["augmented_images"]) == len(study.store.ids()) == 33
        assert sources_made == ["test_0000"]

    def test_excluding_a_source_keeps_the_copies_of_the_others(self, study, sources_made):
        study.augment()
        sources_made.clear()
        study.tables.exclusions.loc[0] = ["train_0001", "near-duplicate"]
        tables = study.augment()
        assert sources_made == []
        assert "train_0001" not in set(tables["augmented_images"]["source_id"])
        assert not any(image_id.startswith("train_0001") for image_id in study.store.ids())

    def test_the_ledger_is_open_while_work_is_unfinished(self, study):
        (study.raw.root / "train_0003.png").unlink()
        with pytest.raises(ValueError, match="train_0003"):
            study.augment()
        ledger = json.loads((Path(study.store.path) / ".ledger.json").read_text())
        assert ledger["complete"] is False


RUN = """
import pickle, sys, time
from ceph_pipeline.augmentation.engine import augment
if __name__ == "__main__":
    augment(*pickle.load(open(sys.argv[1], "rb")))
"""


def processes_of(group: int) -> list[int]:
    """Living processes of a session, zombies aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(state[3]) == group and state[0] != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="counts processes in /proc")
def test_killed_with_two_workers_it_continues_and_leaves_no_process(tmp_path, new_study, params_of):
    undisturbed, study = (new_study(tmp_path / name, {"train": 40}) for name in ("one", "two"))
    recipe = {"original": {}, "rotation": {"angles_deg": [7, -7, 3, -3]}}
    undisturbed.augment(recipe=recipe)

    inputs, script = tmp_path / "inputs.pickle", tmp_path / "run.py"
    inputs.write_bytes(
        pickle.dumps((study.tables, study.raw, study.source_cache, study.store, study.cache, params_of(recipe=recipe, n_jobs=2)))
    )
    script.write_text(RUN)
    run = subprocess.Popen([sys.executable, str(script), str(inputs)], start_new_session=True, stderr=subprocess.DEVNULL)
    while not study.store.ids() and run.poll() is None:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    while processes_of(run.pid):
        time.sleep(0.1)
    assert 0 < len(study.store.ids()) < 200, "no worker has gone on to the end"

    study.augment(recipe=recipe)
    assert study.files() == undisturbed.files()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="counts processes in /proc")
def test_killed_three_times_at_random_moments_the_tree_is_that_of_an_undisturbed_run(tmp_path, new_study, params_of):
    undisturbed, study = (new_study(tmp_path / name, {"train": 60, "valid": 10, "test": 10}) for name in ("one", "two"))
    expected = undisturbed.augment()
    inputs, script = tmp_path / "inputs.pickle", tmp_path / "run.py"
    inputs.write_bytes(pickle.dumps((study.tables, study.raw, study.source_cache, study.store, study.cache, params_of(n_jobs=2))))
    script.write_text(RUN)
    moments = np.sort(np.random.default_rng().integers(5, 480, 3))  # of 520 images
    for moment in moments:
        run = subprocess.Popen([sys.executable, str(script), str(inputs)], start_new_session=True, stderr=subprocess.DEVNULL)
        while len(study.store.ids()) < moment and run.poll() is None:
            time.sleep(0.005)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        while processes_of(run.pid):
            time.sleep(0.1)
        assert moment <= len(study.store.ids()) < 520, moments
    tables = study.augment(n_jobs=2)
    assert study.files() == undisturbed.files(), moments
    assert all(table.equals(tables[name]) for name, table in expected.items())


@pytest.mark.slow
def test_sixteen_processes_write_the_bytes_of_one(tmp_path, new_study):
    one, many = (new_study(tmp_path / name, {"train": 24}) for name in ("one", "many"))
    one.augment(n_jobs=1)
    many.augment(n_jobs=16)
    assert many.files() == one.files()
