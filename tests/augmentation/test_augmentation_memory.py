"""What a worker holds does not grow with the sources it has done."""

import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ceph_pipeline.augmentation import Source
from ceph_pipeline.augmentation.copy_writer import CopyWriter
from ceph_pipeline.augmentation.plan import Copy
from ceph_pipeline.images import ImageStore, RawFolder

SIZE = (1935, 2400)

RUN = """
import cv2, pickle, sys
from pathlib import Path
cv2.setNumThreads(1)
writer, calls = pickle.loads(Path(sys.argv[1]).read_bytes())
for call in calls:
    writer.write_copies(*call)
    print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads peak memory from /proc")
def test_the_peak_is_that_of_one_source_and_below_600_mb(tmp_path, params_of):
    rng = np.random.default_rng(1)
    raw, recipe = tmp_path / "raw", params_of().recipe
    raw.mkdir()
    cv2.imwrite(str(raw / "film.jpg"), rng.integers(0, 256, SIZE[::-1], dtype=np.uint8))
    store = ImageStore(str(tmp_path / "a"), format="jpg")
    source_cache, cache = (ImageStore(str(tmp_path / name), format="npy") for name in ("s", "c"))
    writer = CopyWriter(RawFolder(raw, "benchmark"), source_cache, store, cache, recipe, 42, 512)
    kinds = [("original", 0), ("flip", 0), ("rotation", 0), ("rotation", 1), ("brightness", 0), ("brightness", 1)]
    names = [f"film_{number}" for number in range(6)]
    calls = [(Source(name, "film.jpg", SIZE, 0.1, {}), [Copy(name, *kind) for kind in kinds]) for name in names]
    (tmp_path / "inputs").write_bytes(pickle.dumps((writer, calls)))
    done = subprocess.run([sys.executable, "-c", RUN, tmp_path / "inputs"], capture_output=True, text=True, check=True)
    peaks_mb = [int(line) / 1024 for line in done.stdout.split()]
    assert len(store.ids()) == 36
    assert peaks_mb[-1] < 600
    assert peaks_mb[-1] - peaks_mb[1] < SIZE[0] * SIZE[1] / 1024**2 * 2, "less than two films more after four further ones"
