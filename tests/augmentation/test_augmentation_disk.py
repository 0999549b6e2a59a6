"""A disk that fills up half-way, and one that may only be read: real ones, of a few megabytes, mounted for the test."""

import errno
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from ceph_pipeline.artifacts import DiskError, FolderError
from ceph_pipeline.augmentation.copy_writer import AugmentationError, CopyWriter
from ceph_pipeline.augmentation.kinds import Source
from ceph_pipeline.images import ImageStore, RawFolder

RUN = """
import pickle, sys
from pathlib import Path
from ceph_pipeline.augmentation.engine import augment
sources, raw, source_cache, store, cache, params = pickle.loads(Path(sys.argv[1]).read_bytes())
try:
    augment(sources, raw, source_cache, store, cache, params)
except Exception as error:
    kept, files = store.ids(), sorted(store.folder.names())
    whole = all(store.read(image_id).shape == (302, 241) for image_id in kept)
    Path(sys.argv[1]).write_bytes(pickle.dumps((type(error).__name__, str(error), kept, files, whole)))
"""


@pytest.fixture
def mounted(tmp_path, unshare):
    """`(options, study, params) -> what a run on a disk mounted with these options ended with`."""

    def run(options, study, params):
        inputs, disk = tmp_path / "inputs.pickle", tmp_path / "disk"
        disk.mkdir(exist_ok=True)
        store, cache = ImageStore(f"{disk}/augmented"), ImageStore(f"{disk}/cache", format="npy")
        inputs.write_bytes(pickle.dumps((study.tables, study.raw, study.source_cache, store, cache, params)))
        mount = f'mount -t tmpfs -o {options} tmpfs "{disk}" && exec "{sys.executable}" -c "$0" "{inputs}"'
        subprocess.run([*unshare, "sh", "-c", mount, RUN], check=True, capture_output=True, timeout=900)
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
    assert "Remove the cause and start again; images that are already written are kept" in message
    assert 10 < len(kept) < 156
    assert whole
    if n_jobs == 1:
        assert files == sorted([".ledger.json", *(f"{image_id}.png" for image_id in kept)]), "nothing half-written is left"


def test_a_disk_that_may_only_be_read_is_named_before_work(mounted, study, params_of):
    name, message, kept, files, _ = mounted("ro", study, params_of())
    assert name == "DiskError"
    assert "Read-only file system" in message
    assert "Set data_root in globals.yml to a folder where you may write" in message
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


class TestEstimate:
    """Of a source of 241 × 302 px: 0.6 bytes a pixel as png, and a training copy of at most 64 × 64."""

    EIGHT_BITS = 0.6 * 241 * 302 + 64 * 64

    @pytest.fixture
    def space(self, tmp_path):
        def of(image=None, name="film.png", root=tmp_path):
            if image is not None:
                cv2.imwrite(str(tmp_path / name), image)
            stores = [ImageStore(str(tmp_path / name)) for name in ("source_cache", "store", "cache")]
            writer = CopyWriter(RawFolder(root, "aariz"), *stores, recipe={}, seed=0, cache_long_side=64)
            return writer.space_needed(Source("film", name, (241, 302), None, {}))

        return of

    @pytest.mark.parametrize("shape", [(302, 241), (302, 241, 3)], ids=["grey", "colour"])
    @pytest.mark.parametrize(("dtype", "times"), [(np.uint8, 1), (np.uint16, 2)])
    @pytest.mark.parametrize("name", ["film.png", "film.tif"])
    def test_16_bits_take_twice_the_room(self, space, shape, dtype, times, name):
        assert space(np.zeros(shape, dtype), name) == pytest.approx(times * self.EIGHT_BITS)

    def test_a_film_beside_an_annotation_file_is_looked_at(self, space, tmp_path):
        (tmp_path / "export.json").write_text("{}")
        image = np.zeros((302, 241), np.uint16)
        assert space(image, root=tmp_path / "export.json") == pytest.approx(2 * self.EIGHT_BITS)

    def test_a_missing_source_is_left_to_who_reads_it(self, space):
        assert space() == pytest.approx(self.EIGHT_BITS)

    def test_a_disk_with_room_for_8_bits_only_is_refused_before_anything_is_written(self, study, monkeypatch):
        for path in study.raw.root.iterdir():
            cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 257)
        usage = SimpleNamespace(free=1.5 * 39 * self.EIGHT_BITS)  # 6.5 images of each of six sources
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(DiskError, match=r"about 3\.7 MB are needed, but 2\.8 MB are free"):
            study.augment()
        assert study.store.ids() == set()
