"""The cache of resized sources, which training reads instead of repeatedly decoding full-size files."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline.artifacts import Ledger, WorkerParams, fingerprint, run_unordered
from ceph_pipeline.errors import counted
from ceph_pipeline.formats import Problem
from ceph_pipeline.images import ImageReadError, ImageStore, MissingImageError, RawFolder
from ceph_pipeline.images.shrink import shrink_to
from ceph_pipeline.landmarks.geometry import Size

if TYPE_CHECKING:
    from ceph_pipeline.images.codec import GreyImage

logger = logging.getLogger(__name__)

ALONE = WorkerParams(n_jobs=1)

COLUMNS = ("image_id", "cache_width", "cache_height", "digest")
Row = tuple[str, int, int, str]


@dataclass(frozen=True)
class CacheBuild:
    """Result of filling the cache.

    Attributes:
        index: Rows `image_id, cache_width, cache_height, digest` in the images' order. The digest is a hash of the pixels, so
            that results from the cache are recomputed if pixels change.
        problems: Images whose pixels cannot be decoded, or whose size differs from the header.
    """

    index: pd.DataFrame
    problems: tuple[Problem, ...]


def build_cache(
    images: pd.DataFrame,
    raw: RawFolder,
    store: ImageStore,
    *,
    long_side_px: int,
    workers: WorkerParams = ALONE,
    force: bool = False,
) -> CacheBuild:
    """Write every source into a store, resized to the long side `long_side_px`.

    Only sources whose file has changed are read again, and interrupted runs are resumed. If the long side changes, all sources
    are read again.

    Args:
        images: The images table.
        raw: The raw data set that the table's paths belong to.
        store: Output store; on a local disk, training memory-maps its images.
        long_side_px: Long side of the resized images.
        workers: Workers that decode the images.
        force: Fill the cache again even if nothing has changed.
    """
    ledger = Ledger(store.folder)
    unchanged = _prepare(ledger, images, raw, store, long_side_px, force)
    sizes = dict(zip(images["image_id"], zip(images["width"], images["height"], strict=True), strict=True))
    paths = dict(zip(images["image_id"], images["path"], strict=True))
    cached = store.ids()
    missing = [image_id for image_id in paths if image_id not in cached]
    if unchanged and not missing:
        logger.info("the cache of %s in %s is complete and up to date: skipped", counted(len(images), "cephalogram"), store.path)
    rows = {image_id: _row(image_id, store.read(image_id)) for image_id in paths.keys() - set(missing)}
    problems: dict[str, Problem] = {}
    jobs = [(image_id, paths[image_id], sizes[image_id], raw, store, long_side_px) for image_id in missing]
    outcomes = run_unordered(cache_one, jobs, workers)
    for outcome in tqdm(outcomes, total=len(jobs), desc="cache", unit="image", disable=not jobs):
        if isinstance(outcome, Problem):
            problems[outcome.item] = outcome
        else:
            rows[outcome[0]] = outcome
    ledger.finish()
    index = pd.DataFrame([rows[image_id] for image_id in paths if image_id in rows], columns=list(COLUMNS))
    return CacheBuild(index, tuple(problems[image_id] for image_id in paths if image_id in problems))


def cache_one(image_id: str, path: str, size: Size, raw: RawFolder, store: ImageStore, long_side_px: int) -> Row | Problem:
    """Decode one source and write its resized image; returns a row of the index or a problem."""
    try:
        image = raw.read(path)
    except MissingImageError as error:
        where = "the film here, or the folder of the films in raw_images"
        return Problem(image_id, path, "image", f"no file ({error})", where)
    except ImageReadError as error:
        return Problem(image_id, path, "pixels", f"an undecodable file ({error})", "a complete image")
    found = (image.shape[1], image.shape[0])
    if found != tuple(size):
        expected = f"{size[0]} × {size[1]} px, the size in its header; a rotated image must be saved upright"
        return Problem(image_id, path, "size", f"{found[0]} × {found[1]} px", expected)
    copy = shrink_to(image, long_side_px)
    store.write(image_id, copy)
    return _row(image_id, copy)


def _prepare(ledger: Ledger, images: pd.DataFrame, raw: RawFolder, store: ImageStore, long_side_px: int, force: bool) -> bool:
    """Delete outdated images, log the reason, and record the inputs of the remaining ones.

    Images are deleted before the inputs are recorded, so that a run that was killed in between deletes them again.

    Returns:
        Whether the cache is complete and was made from exactly these sources.
    """
    summary = {"sources": len(images), "long_side_px": long_side_px}
    sources = _source_prints(images, raw)
    print_ = fingerprint(sources, long_side_px)
    unchanged = ledger.is_complete(print_) and not force
    record = ledger.read()
    if force or "long_side_px" in ledger.difference({"long_side_px": long_side_px}):
        if record:
            reason = "force is set" if force else f"changed: {ledger.difference(summary)}"
            logger.info("the cache in %s is filled again (%s)", store.path, reason)
        store.clear()
    elif not unchanged:
        known = record.get("sources", {})
        kept = {image_id for image_id, source in sources.items() if known.get(image_id) == source}
        stale = store.ids() - kept
        store.discard(stale)
        if stale:
            logger.info(
                "the cache in %s: %d source files have changed or were removed, the others are kept", store.path, len(stale)
            )
    ledger.begin(print_, summary, sources=sources)
    return unchanged


def _source_prints(images: pd.DataFrame, raw: RawFolder) -> dict[str, str]:
    """Fingerprint of each image's inputs: the bytes of its file, and the size in its header."""
    rows = images[["image_id", "path", "width", "height"]].to_records(index=False).tolist()
    stamps = raw.stamps(path for _, path, _, _ in rows)
    return {image_id: f"{stamp} {width}x{height}" for (image_id, _, width, height), stamp in zip(rows, stamps, strict=True)}


def _row(image_id: str, copy: GreyImage) -> Row:
    height, width = copy.shape
    digest = hashlib.blake2b(np.ascontiguousarray(copy).data, digest_size=8).hexdigest()
    return image_id, width, height, digest
