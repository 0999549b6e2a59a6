"""The parallel engine: every planned copy on disk, at the speed of the codec, whenever and however often it is started."""

import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline.artifacts import Ledger, fingerprint
from ceph_pipeline.augmentation import shelf
from ceph_pipeline.augmentation.darkroom import AugmentationError, Darkroom
from ceph_pipeline.augmentation.params import AugmentationParams
from ceph_pipeline.augmentation.plan import Copy, Plan, plan_copies
from ceph_pipeline.augmentation.tables import SourceTables, derive_tables
from ceph_pipeline.augmentation.workers import run_unordered
from ceph_pipeline.images import ImageStore, RawFolder

log = logging.getLogger(__name__)


def augment(
    sources: SourceTables, raw: RawFolder, store: ImageStore, cache: ImageStore, params: AugmentationParams
) -> dict[str, pd.DataFrame]:
    """Make every copy of every source and describe them in tables.

    What is there from an unfinished run of the same recipe and sources is kept; what another recipe left is deleted. The
    tables follow from the inputs alone, so that they are the same for every number of processes and of starts.

    Args:
        sources: Tables of the sources.
        raw: Where the sources' images lie.
        store: Receives the full-size copies.
        cache: Receives their pre-resized training copies.
        params: Recipe, target and processes.

    Raises:
        RecipeError: the recipe does not make the promised total.
        ImageReadError: a source is missing or damaged.
        DiskSpaceError: the disk has no room for the copies.
        AugmentationError: a source has another size than its table says, or a copy cannot be written, or a store is remote.
    """
    if not (store.is_local and cache.is_local):
        raise AugmentationError(f"{store}: copies are written to local disks only. Set data_root to a folder.")
    plan = plan_copies(sources.images, sources.landmarks, sources.exclusions, params)
    ledger = Ledger(Path(store.path))
    prepare_stores(ledger, sources, raw, store, cache, params)
    missing = missing_copies(plan, store, cache)
    if missing:
        darkroom = Darkroom(raw, store, cache, params.recipe, params.seed, params.cache_long_side)
        make_copies(darkroom, plan, missing, n_jobs=params.n_jobs, backend=params.backend)
    ledger.finish(images=len(plan.copies))
    _report(plan, len(missing))
    return derive_tables(
        sources, plan, params.recipe, seed=params.seed, suffix=store.format, cache_long_side=params.cache_long_side
    )


def prepare_stores(
    ledger: Ledger, sources: SourceTables, raw: RawFolder, store: ImageStore, cache: ImageStore, params: AugmentationParams
) -> None:
    """Empty the stores unless they hold work on the same recipe and sources; then take away what is half-written."""
    summary: dict[str, Any] = {f"recipe.{name}": kind.model_dump(mode="json") for name, kind in params.recipe.items()}
    summary |= {"seed": params.seed, "cache_long_side": params.cache_long_side}
    summary |= {"format": store.format, "quality": store.quality}
    print_ = fingerprint(summary, sources.images, sources.landmarks, _digests(raw, sources.images))
    if params.force or not ledger.is_continuation(print_):
        if ledger.read():
            log.info("augmentation starts over: %s", _what_changed(ledger, summary, force=params.force))
        shelf.clear(store)
        shelf.clear(cache)
    ledger.begin(print_, summary)
    shelf.sweep(store)
    shelf.sweep(cache)


def missing_copies(plan: Plan, store: ImageStore, cache: ImageStore) -> list[Copy]:
    """The planned copies that are not whole on disk, in order; images that are not planned any more are deleted."""
    planned = {copy.image_id for copy in plan.copies}
    stored = shelf.stored_ids(store), shelf.stored_ids(cache)
    shelf.discard(store, stored[0] - planned)
    shelf.discard(cache, stored[1] - planned)
    return [copy for copy in plan.copies if not (copy.image_id in stored[0] and copy.image_id in stored[1])]


def make_copies(darkroom: Darkroom, plan: Plan, missing: list[Copy], *, n_jobs: int, backend: str) -> None:
    """Make the missing copies, one source a task.

    Raises:
        DiskSpaceError: before anything is written.
    """
    _check_space(darkroom, plan, missing)
    tasks: dict[str, list[Copy]] = defaultdict(list)
    for copy in missing:
        tasks[copy.source_id].append(copy)
    calls = [(plan.sources[source_id], copies) for source_id, copies in tasks.items()]
    made = run_unordered(darkroom.develop, calls, n_jobs=n_jobs, backend=backend)
    written = 0
    with tqdm(total=len(missing), desc="augmentation", unit="image") as progress:
        for source in made:
            written += source.size_bytes
            progress.update(source.images)
    log.info("%d images of %d sources written, %.2f GB", len(missing), len(tasks), written / 1e9)


def _check_space(darkroom: Darkroom, plan: Plan, missing: list[Copy]) -> None:
    sizes = [plan.sources[copy.source_id].size for copy in missing]
    full = shelf.BYTES_PER_PIXEL[darkroom.store.format] * sum(width * height for width, height in sizes)
    small = len(missing) * darkroom.cache_long_side**2
    shelf.check_space(darkroom.store, full + small)


def _digests(raw: RawFolder, images: pd.DataFrame) -> list[str]:
    """Of each source's file, so that replaced images are noticed; empty where one is missing, which reading it will report."""
    files = [raw.root / path for path in images["path"]]
    return [fingerprint(file) if file.is_file() else "" for file in files]


def _what_changed(ledger: Ledger, summary: dict[str, Any], *, force: bool) -> str:
    if force:
        return "force is set"
    changed = ledger.difference(summary)
    if not changed:
        return "the sources have changed"
    return "; ".join(f"{key} was {before}, is {now}" for key, (before, now) in changed.items())


def _report(plan: Plan, made: int) -> None:
    short_by = int(plan.summary["short_by"].sum())
    shortage = f", short by {short_by:,}: see augmentation_summary" if short_by else ""
    found = "nothing to do, " if not made else ""
    log.info("%s%d images of %d sources%s", found, len(plan.copies), len({c.source_id for c in plan.copies}), shortage)
