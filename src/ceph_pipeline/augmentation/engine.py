"""Parallel and resumable computation of all planned copies."""

import logging
from collections import Counter, defaultdict

import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline.artifacts import check_cluster, readable_size, run_unordered
from ceph_pipeline.augmentation.copy_writer import AugmentationError, CopyWriter
from ceph_pipeline.augmentation.kinds import RecipeError
from ceph_pipeline.augmentation.params import AugmentationParams
from ceph_pipeline.augmentation.plan import Copy, Plan, plan_copies
from ceph_pipeline.augmentation.provenance import Provenance
from ceph_pipeline.augmentation.tables import SourceTables, derive_tables
from ceph_pipeline.errors import counted
from ceph_pipeline.images import ImageStore, RawFolder

log = logging.getLogger(__name__)


def augment(
    sources: SourceTables,
    raw: RawFolder,
    source_cache: ImageStore,
    store: ImageStore,
    cache: ImageStore,
    params: AugmentationParams,
) -> dict[str, pd.DataFrame]:
    """Make all copies of all sources, and their tables.

    Existing copies of the same recipe are kept, copies of removed or changed sources are deleted, and missing copies are made.
    The tables depend only on the inputs, and not on the number of workers or on interruptions.

    Args:
        sources: Tables of the sources.
        raw: Raw data set with the sources' images.
        source_cache: The sources' pre-resized pixels; an original's training copy is a hard link to this file if possible.
        store: Output store of the full-size copies.
        cache: Output store of the pre-resized training copies.
        params: Recipe, target and workers.

    Raises:
        RecipeError: the recipe does not make the target number of images, or makes none.
        OtherRecipeError: the store contains images of another recipe.
        FolderError: a store is not writable, or its disk has too little space for the copies.
        WorkersError: the Dask cluster cannot be reached.
        ImageReadError: a source is missing or damaged.
        AugmentationError: the size of a source differs from its table, or a copy cannot be written.
    """
    plan = plan_copies(sources.images, sources.landmarks, sources.exclusions, params)
    _refuse_nothing(plan, sources.exclusions)
    for destination in (store, cache):
        destination.folder.check_writable()
    provenance = Provenance(store, cache, params)
    if params.force:
        check_cluster(params)
        provenance.clear()
    else:
        provenance.refuse_other_recipe()
    there = provenance.begin(plan, raw)
    missing = [copy for copy in plan.copies if copy.image_id not in there]
    if missing:
        writer = CopyWriter(raw, source_cache, store, cache, params.recipe, params.seed, params.cache_long_side)
        make_copies(writer, plan, missing, params)
    provenance.ledger.finish(images=len(plan.copies))
    _report(plan, len(missing))
    return derive_tables(
        sources, plan, params.recipe, seed=params.seed, suffix=store.format, cache_long_side=params.cache_long_side
    )


def make_copies(writer: CopyWriter, plan: Plan, missing: list[Copy], params: AugmentationParams) -> None:
    """Make the missing copies, with one task per source.

    Raises:
        FolderError: too little space; raised before anything is written.
    """
    _check_space(writer, plan, missing)
    tasks: dict[str, list[Copy]] = defaultdict(list)
    for copy in missing:
        tasks[copy.source_id].append(copy)
    calls = [(plan.sources[source_id], copies) for source_id, copies in tasks.items()]
    written = 0
    with tqdm(total=len(missing), desc="augmentation", unit="image") as progress:
        for made in run_unordered(writer.write_copies, calls, params):
            if not written:
                _check_shared(writer, tasks[made.source_id][0])
            written += made.size_bytes
            progress.update(made.images)
    log.info("%s of %s written, %s", counted(len(missing), "image"), counted(len(tasks), "source"), readable_size(written))


def _refuse_nothing(plan: Plan, exclusions: pd.DataFrame) -> None:
    """Reject an empty plan, which would delete all existing copies and leave no images for training."""
    if not plan.copies:
        excluded = len(plan.sources.keys() & set(exclusions["image_id"]))
        raise RecipeError(
            f"augmentation makes no image: {excluded} of {len(plan.sources)} sources are excluded by the audit. Check its "
            "findings, audit.exclusions and audit.exclude, or the kinds and splits of augmentation.recipe."
        )


def _check_space(writer: CopyWriter, plan: Plan, missing: list[Copy]) -> None:
    copies = Counter(copy.source_id for copy in missing)
    needed = sum(number * writer.space_needed(plan.sources[source_id]) for source_id, number in copies.items())
    writer.store.folder.check_space(needed)


def _check_shared(writer: CopyWriter, copy: Copy) -> None:
    """Check that the path is shared: on a worker of a cluster, the same path may be a different disk."""
    if not writer.store.exists(copy.image_id):
        raise AugmentationError(
            f"a worker has written {writer.store.location(copy.image_id)}, but the file does not exist on this machine. Set "
            "data_root in globals.yml to storage that all workers share: a network file system or object storage."
        )


def _report(plan: Plan, made: int) -> None:
    short_by = int(plan.summary["short_by"].sum())
    shortage = f", short by {short_by:,}: see augmentation_summary" if short_by else ""
    found = "nothing to do, " if not made else ""
    sources = counted(len({copy.source_id for copy in plan.copies}), "source")
    log.info("%s%s of %s%s", found, counted(len(plan.copies), "image"), sources, shortage)
