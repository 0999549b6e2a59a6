"""A disk that fills up half-way, and one that may only be read: real ones, of a few megabytes, mounted for the test."""

import errno
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ceph_pipeline.artifacts import FolderError
from ceph_pipeline.augmentation.darkroom import AugmentationError
from ceph_pipeline.images import ImageStore

RUN = """
import pickle, sys
from pathlib import Path
from ceph_pipeline.augmentation.engine import augment
sources, raw, store, cache, params = pickle.loads(Path(sys.argv[1]).read_bytes())
try:
    augment(sources, raw, store, cache, params)
except Exception as error:
    kept, files = store.ids(), sorted(store.folder.names())
    whole = all(store.read(image_id).shape == (302, 241) for image_id in kept)
    Path(sys.argv[1]).write_bytes(pickle.dumps((type(error).__name__, str(error), kept, files, whole)))
"""


@pytest.fixture
def mounted(tmp_path):
    """`(options, study, params) -> what a run on a disk mounted with these options ended with`."""
    unshare = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*unshare, "mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs to mount a disk")

    def run(options, study, params):
        inputs, disk = tmp_path / "inputs.pickle", tmp_path / "disk"
        disk.mkdir(exist_ok=True)
        store, cache = ImageStore(f"{disk}/augmented"), ImageStore(f"{disk}/cache", format="npy")
        inputs.write_bytes(pickle.dumps((study.tables, study.raw, store, cache, params)))
        mount = f'mount -t tmpfs -o {options} tmpfs "{disk}" && exec "{sys.executable}" -c "$0" "{inputs}"'
        subprocess.run([*unshare, "sh", "-c", mount, RUN], check=True, capture_output=True, timeout=120)
        return pickle.loads(inputs.read_bytes())  # noqa: S301 - our own bytes

    return run


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_disk_that_fills_up_keeps_what_is_whole(mounted, tmp_path, new_study, params_of, n_jobs):
    study = new_study(tmp_path / "study", {"train": 24})
    rng = np.random.default_rng(1)
    for path in study.raw.root.iterdir():  # pure noise, which no estimate of a film's size foresees
        cv2.imwrite(str(path), rng.integers(0, 256, (302, 241), dtype=np.uint8))
    name, message, kept, files, whole = mounted("size=7700k", study, params_of(n_jobs=n_jobs))
    assert name == "AugmentationError"
    assert "No space left on device" in message
    assert "What is written is kept: remove the cause and start again" in message
    assert 10 < len(kept) < 156
    assert whole
    if n_jobs == 1:
        assert files == sorted([".ledger.json", *(f"{image_id}.png" for image_id in kept)]), "nothing half-written is left"


def test_a_disk_that_may_only_be_read_is_named_before_work(mounted, study, params_of):
    name, message, kept, files, _ = mounted("ro", study, params_of())
    assert name == "FolderError"
    assert "Read-only file system" in message
    assert "Set data_root in globals.yml to a place where you may write" in message
    assert (kept, files) == (set(), [])


def test_the_next_start_makes_what_a_full_disk_prevented(study, monkeypatch, tmp_path, new_study):
    whole = new_study(tmp_path / "whole", {"train": 4, "valid": 1, "test": 1})
    whole.augment()
    write, written = Path.write_bytes, []

    def fill_up(path, content):
        written.append(path)
        if len(written) > 20:
            write(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill_up)
        with pytest.raises(AugmentationError, match="No space left on device"):
            study.augment()
    assert not [name for name in study.store.folder.names() if name.startswith(".train")]
    assert 0 < len(study.store.ids()) < 39
    study.augment()
    assert study.files() == whole.files()


def test_a_folder_that_cannot_be_made_is_named_before_work(study, tmp_path):
    (tmp_path / "file").write_text("")
    study.cache = ImageStore(str(tmp_path / "file" / "cache"), format="npy")
    with pytest.raises(FolderError, match="file/cache cannot be written to"):
        study.augment()
    assert study.store.ids() == set()
