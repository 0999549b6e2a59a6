"""Three implementations of the same augmentation: the engine, a bare OpenCV loop, and one albumentations pipeline per copy."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from joblib.externals.loky import get_reusable_executor

from ceph_pipeline.artifacts import WorkerParams, run_unordered
from ceph_pipeline.augmentation import AugmentationParams
from ceph_pipeline.augmentation.engine import augment
from ceph_pipeline.augmentation.tables import SourceTables
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.images.store import ImageFormat
from ceph_pipeline.landmarks.geometry import fitted_size

RECIPE: dict[str, Any] = {"original": {}, "flip": {}, "rotation": {"angles_deg": [7, -7]}, "brightness": {}}
"""Six copies. Braces are omitted, because the bare loop does not draw them."""

COPIES = 6
LONG_SIDE = 512

Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Trial:
    """Measurement of one implementation.

    Attributes:
        images: Number of full-size copies; each has a training copy as well.
        seconds: Time with warm workers, from the call to the last table.
        start_up_s: Time of the first call minus the time of the same call with warm workers.
        peak_bytes: Peak resident memory of the largest worker.
    """

    images: int
    seconds: float
    start_up_s: float
    peak_bytes: int

    @property
    def images_per_s(self) -> float:
        """Throughput in full-size copies per second."""
        return self.images / self.seconds


def measure(run: Callable[[int], None], peak: Callable[[], int], films: int, processes: int) -> Trial:
    """Time an implementation on all films, after a first call that starts its workers."""
    first, again, whole = (_seconds(run, count) for count in (processes, processes, films))
    return Trial(films * COPIES, whole, max(0.0, first - again), peak())


def run_engine(tables: SourceTables, folder: Path, format: ImageFormat, processes: int) -> Trial:
    """Measure the engine; each call writes to a separate folder."""
    workers = {"n_jobs": processes, "backend": "loky"}
    params = AugmentationParams.model_validate({"recipe": RECIPE, "cache_long_side": LONG_SIDE} | workers)

    def run(count: int) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as out:
            few = SourceTables(tables.images[:count], tables.landmarks, tables.cvm, tables.exclusions)
            store = ImageStore(f"{out}/augmented", format=format)
            source_cache, cache = (ImageStore(f"{out}/{name}", format="npy") for name in ("cache", "augmented_cache"))
            augment(few, RawFolder(folder, "benchmark"), source_cache, store, cache, params)

    def peak() -> int:
        return max(
            run_unordered(peak_bytes, [(number,) for number in range(4 * processes)], WorkerParams.model_validate(workers))
        )

    try:
        return measure(run, peak, len(tables.images), processes)
    finally:
        get_reusable_executor(kill_workers=True).shutdown()  # otherwise the process waits 5 minutes for idle workers at its end


def run_loop(tables: SourceTables, folder: Path, format: ImageFormat, processes: int, *, plain: bool = False) -> Trial:
    """Measure a function that a pool of processes maps over the films; one process is this process, without a pool."""
    paths = [folder / path for path in tables.images["path"]]
    make = partial(albumentations_copies if plain else bare_copies, format=format)
    pool = ProcessPoolExecutor(processes, initializer=cv2.setNumThreads, initargs=(1,)) if processes > 1 else None
    over = pool.map if pool else map

    def run(count: int) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as out:
            list(over(partial(make, out=Path(out)), paths[:count]))

    trial = measure(run, lambda: max(over(peak_bytes, range(4 * processes))), len(paths), processes)
    if pool:
        pool.shutdown()
    return trial


def bare_copies(path: Path, *, out: Path, format: ImageFormat) -> None:
    """Decode a film once, make the copies with OpenCV's own functions, and encode them."""
    image: Any = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    for number, change in enumerate(bare_changes(image.shape)):
        _save(change(image), out / f"{path.stem}_{number}", format)


def bare_changes(shape: tuple[int, int]) -> Sequence[Change]:
    """One function per copy of the recipe, with at most one OpenCV call."""
    height, width = shape
    levels = np.arange(256)
    tables = [np.rint(levels * 0.75).astype(np.uint8), np.rint(levels * 0.75 + 255 * 0.25).astype(np.uint8)]
    turns = [cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0) for angle in (7, -7)]
    return [
        lambda image: image,
        lambda image: cv2.flip(image, 1),
        *(partial(cv2.warpAffine, M=turn, dsize=(width, height), flags=cv2.INTER_CUBIC) for turn in turns),
        *(partial(cv2.LUT, lut=table) for table in tables),
    ]


def albumentations_copies(path: Path, *, out: Path, format: ImageFormat) -> None:
    """Make the copies with one albumentations pipeline per copy, and decode the film again for each."""
    import albumentations as A  # noqa: N812 - naming convention of the library

    turn = partial(A.Rotate, interpolation=cv2.INTER_CUBIC, border_mode=cv2.BORDER_CONSTANT, p=1)
    shine = partial(A.RandomBrightnessContrast, p=1)
    transforms = [
        [],
        [A.HorizontalFlip(p=1)],
        [turn(limit=(7, 7))],
        [turn(limit=(-7, -7))],
        [shine(brightness_limit=(0, 0), contrast_limit=(-0.25, -0.25))],
        [shine(brightness_limit=(0.25, 0.25), contrast_limit=(-0.25, -0.25))],
    ]
    for number, transform in enumerate(transforms):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        copy = A.Compose(transform, keypoint_params=A.KeypointParams("xy"))(image=image, keypoints=[(0, 0)])["image"]
        _save(copy, out / f"{path.stem}_{number}", format)


def peak_bytes(_: int) -> int:
    """Peak resident memory of this process in bytes; during the pause, other workers take the next tasks."""
    time.sleep(0.1)
    status = Path("/proc/self/status").read_text(encoding="ascii")  # Linux; getrusage includes the parent's memory
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _save(image: Any, path: Path, format: ImageFormat) -> None:
    options = {"png": [cv2.IMWRITE_PNG_COMPRESSION, 1], "jpg": [cv2.IMWRITE_JPEG_QUALITY, 95]}[format]
    cv2.imwrite(f"{path}.{format}", image, options)
    size = fitted_size((image.shape[1], image.shape[0]), LONG_SIDE)
    np.save(f"{path}.npy", cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _seconds(run: Callable[[int], None], count: int) -> float:
    start = time.perf_counter()
    run(count)
    return time.perf_counter() - start
