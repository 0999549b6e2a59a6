"""A disk that is full, or may only be read, is said in one message wherever it strikes: real disks, mounted for the test."""

import errno
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from ceph_pipeline.artifacts import DiskError, readable_size, refusal, write_atomically

WRITERS = {
    "file": "from ceph_pipeline.artifacts import write_atomically; write_atomically(target, noise)",
    "image store": """
import numpy as np
from ceph_pipeline.images import ImageStore
ImageStore(str(target), format="npy").write("film", np.frombuffer(noise, np.uint8).reshape(1000, -1))
""",
    "table": """
import pandas as pd
from ceph_pipeline.stores import TableDataset
TableDataset(filepath=f"{target}/landmarks.parquet").save(pd.DataFrame({"x": list(noise)}))
""",
    "figure": """
import numpy as np
from matplotlib.figure import Figure
from ceph_pipeline.stores import FigureDataset
figure = Figure(figsize=(12, 12))
figure.figimage(np.frombuffer(noise, np.uint8).reshape(1000, -1))
FigureDataset(filepath=f"{target}/curve.png").save(figure)
""",
    "checkpoint": """
import torch
from ceph_pipeline.detector.checkpoint import write_tensors
write_tensors({"weights": torch.frombuffer(bytearray(noise), dtype=torch.uint8)}, target / "last.ckpt")
""",
}

WRITE = """
import random, sys
from pathlib import Path
from ceph_pipeline.cli import explanation
target, noise = Path(sys.argv[1], "data"), random.Random(0).randbytes(2_000_000)
try:
    exec(sys.argv[2])
except Exception as error:
    print("EXPLAINED:", explanation(error))
print("LEFT:", sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()))
"""


@pytest.fixture
def on_disk(tmp_path, unshare):
    """`(mount options, code) -> (message, files left)` on a disk mounted for a process."""

    def run(options, code):
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = f'mount -t tmpfs -o {options} tmpfs "{disk}" && exec "{sys.executable}" -c "$0" "{disk}" "$1"'
        done = subprocess.run([*unshare, "sh", "-c", mount, WRITE, code], check=True, capture_output=True, text=True)
        lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if line.startswith(("EXPLAINED", "LEFT")))
        return lines.get("EXPLAINED"), lines["LEFT"]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("code", WRITERS.values(), ids=WRITERS)
class TestWritersOnADisk:
    def test_that_is_full(self, on_disk, code):
        message, left = on_disk("size=1m", code)
        assert "cannot be written: No space left on device, " in message
        assert "are free. Free some space, or set data_root in globals.yml to another disk" in message
        assert "permissions" not in message
        assert left == "[]", "nothing half-written is left"

    def test_that_may_only_be_read(self, on_disk, code):
        message, _ = on_disk("ro", code)
        assert "cannot be written: Read-only file system. Set data_root in globals.yml to a folder where you may write" in message


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_matter_of_permissions(tmp_path, code):
    message = refusal(OSError(code, "full"), tmp_path / "not" / "yet")
    assert "Free some space" in message
    assert "permission" not in message


def test_other_errors_are_left_alone(tmp_path):
    assert refusal(OSError(errno.EIO, "I/O error"), tmp_path) is None
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "folder", b"")


def test_an_error_of_the_disk_travels_between_processes():
    error = DiskError("a.png cannot be written")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes


SIZES = {0: "0 bytes", 999: "999 bytes", 1536: "1.5 kB", 9_960: "10 kB", 999_600: "1.0 MB", 52_428_800: "52 MB", 4e15: "4000 TB"}


@pytest.mark.parametrize(("size_bytes", "expected"), SIZES.items())
def test_sizes_say_something_at_every_scale(size_bytes, expected):
    assert readable_size(size_bytes) == expected


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no file system of processes")
def test_a_file_system_that_takes_no_folders_is_named():
    with pytest.raises(DiskError, match=r"^/proc/none/of/ours cannot be created: the file system does not allow new folders"):
        write_atomically(Path("/proc/none/of/ours/a.png"), b"")
