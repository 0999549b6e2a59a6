"""A folder that a run fills holds that run's results only, and an interrupted run's never."""

import subprocess
import sys

import pytest

from ceph_pipeline.artifacts import FolderError, recover, refilled


@pytest.fixture
def folder(tmp_path):
    """With a picture of an earlier run, one of the same name as today's, and what people and systems keep there."""
    (tmp_path / "overlays" / "old.png").mkdir(parents=True)
    for name in ("earlier.png", "ceph.png", "notes.txt", ".hidden.png"):
        (tmp_path / "overlays" / name).write_text("earlier")
    return tmp_path / "overlays"


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_what_is_written_takes_the_place_of_the_earlier_results(folder):
    with refilled(folder, ".png") as empty:
        assert list(empty.iterdir()) == []
        (empty / "ceph.png").write_text("today")
        (empty / "new.png").write_text("today")
    assert contents(folder) == {"ceph.png": "today", "new.png": "today", "notes.txt": "earlier", ".hidden.png": "earlier"}
    assert sorted(path.name for path in folder.parent.iterdir()) == [".overlays.lock", "overlays"]


def test_nothing_written_leaves_no_results(folder):
    with refilled(folder, ".png"):
        pass
    assert contents(folder) == {"notes.txt": "earlier", ".hidden.png": "earlier"}


def test_an_error_leaves_the_earlier_results_whole(folder):
    before = contents(folder)

    def interrupted():
        with refilled(folder, ".png") as empty:
            (empty / "ceph.png").write_text("today")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(folder) == before
    assert sorted(path.name for path in folder.parent.iterdir()) == [".overlays.lock", "overlays"]


def test_what_a_killed_run_has_left_is_swept_away(folder):
    (folder.parent / ".overlays.filling").mkdir()
    (folder.parent / ".overlays.filling" / "half.png").write_text("earlier")
    with refilled(folder, ".png"):
        pass
    assert sorted(path.name for path in folder.parent.iterdir()) == [".overlays.lock", "overlays"]


def test_a_folder_that_is_not_there_is_made(tmp_path):
    with refilled(tmp_path / "a" / "b", ".png") as empty:
        (empty / "new.png").write_text("today")
    assert contents(tmp_path / "a" / "b") == {"new.png": "today"}


WRITER = """
import sys
from pathlib import Path
from ceph_pipeline.artifacts import refilled
with refilled(Path(sys.argv[1]), ".png") as empty:
    (empty / "a1.png").write_text("a")
    print("writing", flush=True)
    sys.stdin.readline()
    (empty / "a2.png").write_text("a")
"""


def test_a_second_run_is_refused_and_the_first_one_loses_nothing(folder):
    pipe = subprocess.PIPE
    first = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdin=pipe, stdout=pipe, text=True)
    assert "writing\n" in iter(first.stdout.readline, "")
    recover(folder)
    with pytest.raises(FolderError, match="another run is writing to this folder"), refilled(folder, ".png"):
        pass
    first.communicate("go on\n")
    assert contents(folder) == {"a1.png": "a", "a2.png": "a", "notes.txt": "earlier", ".hidden.png": "earlier"}


def test_a_run_that_is_killed_keeps_nobody_out(folder):
    before, pipe = contents(folder), subprocess.PIPE
    first = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdin=pipe, stdout=pipe, text=True)
    assert "writing\n" in iter(first.stdout.readline, "")
    first.kill()
    first.communicate()
    recover(folder)
    assert contents(folder) == before
    assert sorted(path.name for path in folder.parent.iterdir()) == [".overlays.lock", "overlays"]
