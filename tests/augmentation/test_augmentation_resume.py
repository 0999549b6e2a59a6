"""Interrupted and repeated runs: only what is missing is made, and the bytes are those of an undisturbed run."""

import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from ceph_pipeline.augmentation import shelf
from ceph_pipeline.augmentation.darkroom import Darkroom


@pytest.fixture
def sources_made(monkeypatch):
    """The sources that were decoded, in order."""
    made = []
    develop = Darkroom.develop
    monkeypatch.setattr(
        Darkroom, "develop", lambda self, source, copies: made.append(source.image_id) or develop(self, source, copies)
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

    def test_the_number_of_processes_is_no_reason_to_start_over(self, study, sources_made):
        study.augment(n_jobs=1)
        sources_made.clear()
        study.augment(n_jobs=2)
        assert sources_made == []


class TestStartingOver:
    def test_another_recipe_deletes_the_old_copies_and_says_what_changed(self, study, caplog):
        study.augment()
        with caplog.at_level(logging.INFO, "ceph_pipeline"):
            study.augment(recipe={"original": {}})
        assert len(shelf.stored_ids(study.store)) == len(shelf.stored_ids(study.cache)) == 6
        assert "starts over: recipe.braces was" in caplog.text
        assert "recipe.original" not in caplog.text

    def test_moved_landmarks_make_the_copies_again(self, study, caplog):
        study.augment()
        study.tables.landmarks.loc[0, "x"] += 1
        with caplog.at_level(logging.INFO, "ceph_pipeline"):
            study.augment()
        assert "starts over: the sources have changed" in caplog.text

    def test_a_replaced_image_is_noticed(self, study, grainy_image, caplog):
        study.augment()
        cv2.imwrite(str(study.raw.root / "test_0000.png"), grainy_image(99))
        with caplog.at_level(logging.INFO, "ceph_pipeline"):
            study.augment()
        assert "starts over: the sources have changed" in caplog.text
        np.testing.assert_array_equal(study.store.read("test_0000__original_0"), grainy_image(99))

    def test_excluding_a_source_keeps_the_copies_of_the_others(self, study, sources_made):
        study.augment()
        sources_made.clear()
        study.tables.exclusions.loc[0] = ["train_0001", "near-duplicate"]
        tables = study.augment()
        assert sources_made == []
        assert "train_0001" not in set(tables["augmented_images"]["source_id"])
        assert not any(image_id.startswith("train_0001") for image_id in shelf.stored_ids(study.store))

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
    inputs.write_bytes(pickle.dumps((study.tables, study.raw, study.store, study.cache, params_of(recipe=recipe, n_jobs=2))))
    script.write_text(RUN)
    run = subprocess.Popen([sys.executable, str(script), str(inputs)], start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not shelf.stored_ids(study.store) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert 0 < len(shelf.stored_ids(study.store)) < 200

    while processes_of(run.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(run.pid) == []

    study.augment(recipe=recipe)
    assert study.files() == undisturbed.files()
