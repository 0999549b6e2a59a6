"""One thread a process: the suite runs on two cores, and small networks gain nothing from more."""

import os
import shutil
import subprocess

import pytest

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture
def unshare(tmp_path):
    """The beginning of a command that may mount disks of its own, where the system lets processes do that."""
    command = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount"]
    try:
        subprocess.run([*command, "mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("the system lets no process of a user mount a disk")
    return command
