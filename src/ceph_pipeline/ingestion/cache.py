"""The pre-resized copies of the sources, which training reads instead of decoding full-size files again and again."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from ceph_pipeline.artifacts import Ledger, fingerprint
from ceph_pipeline.formats import Problem
from ceph_pipeline.images import ImageReadError, ImageStore, RawFolder
from ceph_pipeline.landmarks.geometry import Size, fitted_size

if TYPE_CHECKING:
    from ceph_pipeline.images.codec import GreyImage

logger = logging.getLogger(__name__)

COLUMNS = ("image_id", "cache_width", "cache_height", "digest")
Row = tuple[str, int, int, str]


@dataclass(frozen=True)
class CacheBuild:
    """The outcome of filling the cache.

    Attributes:
        index: Rows `image_id, cache_width, cache_height, digest` in the images' order; the digest is of the pixels, so that
            whatever is made from the cache notices when they change.
        problems: Images whose pixels cannot be decoded, or are not what the file's header says.
    """

    index: pd.DataFrame
    problems: tuple[Problem, ...]


def build_cache(
    images: pd.DataFrame,
    raw: RawFolder,
    store: ImageStore,
    *,
    long_side_px: int,
    n_jobs: int = 1,
    backend: str = "threading",
    force: bool = False,
) -> CacheBuild:
    """Write every source, scaled so that its long side is `long_side_px`, into a store.

    Unchanged sources with the same long side are not touched again; work that was interrupted goes on where it stopped.

    Args:
        images: The images table.
        raw: The raw data set that the table's paths belong to.
        store: A store on a local disk, memory-mapped in training.
        long_side_px: Long side of the copies.
        n_jobs: Workers; -1 for all cores.
        backend: Of joblib.
        force: Fill it anew even if nothing has changed.

    Raises:
        ValueError: the store is not on a local disk.
    """
    if not store.is_local:
        raise ValueError(f"the source cache {store.path} is memory-mapped: it must lie on a local disk, with format npy.")
    ledger = Ledger(Path(store.path))
    print_ = _prepare(ledger, images, raw, store, long_side_px, force)
    sizes = dict(zip(images["image_id"], zip(images["width"], images["height"], strict=True), strict=True))
    paths = dict(zip(images["image_id"], images["path"], strict=True))
    missing = [image_id for image_id in paths if not store.exists(image_id)]
    if ledger.is_complete(print_) and not missing:
        logger.info("the cache of %d cephalograms in %s is complete and unchanged: nothing to do", len(images), store.path)
    rows = {image_id: _row(image_id, store.read(image_id)) for image_id in paths.keys() - set(missing)}
    problems: dict[str, Problem] = {}
    jobs = [(image_id, paths[image_id], sizes[image_id]) for image_id in missing]
    for outcome in _run(jobs, raw, store, long_side_px, n_jobs, backend):
        if isinstance(outcome, Problem):
            problems[outcome.item] = outcome
        else:
            rows[outcome[0]] = outcome
    ledger.finish()
    index = pd.DataFrame([rows[image_id] for image_id in paths if image_id in rows], columns=list(COLUMNS))
    return CacheBuild(index, tuple(problems[image_id] for image_id in paths if image_id in problems))


def cache_one(image_id: str, path: str, size: Size, raw: RawFolder, store: ImageStore, long_side_px: int) -> Row | Problem:
    """Decode one source, write its copy, and say what came out."""
    try:
        image = raw.read(path)
    except ImageReadError as error:
        return Problem(image_id, path, "pixels", f"an undecodable file ({error})", "a whole image")
    found = (image.shape[1], image.shape[0])
    if found != tuple(size):
        expected = f"{size[0]} × {size[1]} px as its header says; a turned image must be saved upright"
        return Problem(image_id, path, "size", f"{found[0]} × {found[1]} px", expected)
    copy = shrink(image, fitted_size(found, long_side_px))
    store.write(image_id, copy)
    return _row(image_id, copy)


def shrink(image: GreyImage, size: Size) -> GreyImage:
    """Resize to (width, height) by pixel areas, which keeps thin bone edges; an image that has to grow is interpolated."""
    shrinks = size[0] <= image.shape[1]
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return cast("GreyImage", resized)  # OpenCV keeps the type


def _prepare(ledger: Ledger, images: pd.DataFrame, raw: RawFolder, store: ImageStore, long_side_px: int, force: bool) -> str:
    """Begin or continue; copies made from anything else are deleted, with a line that says what changed."""
    summary = {"sources": len(images), "long_side_px": long_side_px}
    print_ = fingerprint(images[["image_id", "path", "width", "height"]], _stamps(images["path"], raw), long_side_px)
    if ledger.is_continuation(print_) and not force:
        return print_
    if ledger.read():
        changed = ledger.difference(summary)
        reason = "force is set" if force else f"changed: {changed}" if changed else "the source files changed"
        logger.info("the cache in %s is filled anew (%s)", store.path, reason)
    for file in Path(store.path).glob(f"*.{store.format}"):
        file.unlink()
    ledger.begin(print_, summary)
    return print_


def _stamps(paths: pd.Series[str], raw: RawFolder) -> list[list[int]]:
    """Each file's length and time of change: enough to notice a replaced file without reading gigabytes."""
    files = [raw.root / path for path in paths]
    stats = [file.stat() if file.exists() else None for file in files]
    return [[stat.st_size, stat.st_mtime_ns] if stat else [] for stat in stats]


def _run(
    jobs: Sequence[tuple[str, str, Size]], raw: RawFolder, store: ImageStore, long_side_px: int, n_jobs: int, backend: str
) -> tqdm[Row | Problem]:
    parallel = Parallel(n_jobs=n_jobs if jobs else 1, backend=backend, return_as="generator_unordered")
    outcomes = parallel(delayed(cache_one)(*job, raw, store, long_side_px) for job in jobs)
    return tqdm(outcomes, total=len(jobs), desc="cache", unit="image", disable=not jobs)


def _row(image_id: str, copy: GreyImage) -> Row:
    height, width = copy.shape
    digest = hashlib.blake2b(np.ascontiguousarray(copy).data, digest_size=8).hexdigest()
    return image_id, width, height, digest
