"""The parallel engine: every planned copy in the store, at the speed of the codec, whenever and however often it is started."""

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
    """Make every copy of every source and describe them in tables.

    Copies of the same recipe are kept, those of sources that have gone or changed are deleted, those that are missing are
    made. The tables follow from the inputs alone, so that they are the same for every number of workers and of starts.

    Args:
        sources: Tables of the sources.
        raw: Where the sources' images lie.
        source_cache: Their pre-resized pixels; an original's training copy is the same file where the disk allows it.
        store: Receives the full-size copies.
        cache: Receives their pre-resized training copies.
        params: Recipe, target and workers.

    Raises:
        RecipeError: the recipe does not make the promised total, or no copy at all.
        OtherRecipeError: the store holds images of another recipe.
        FolderError: a store cannot be written to, or its disk has no room for the copies.
        WorkersError: the Dask cluster cannot be reached.
        ImageReadError: a source is missing or damaged.
        AugmentationError: a source has another size than its table says, or a copy cannot be written.
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
    """Make the missing copies, one source a task.

    Raises:
        FolderError: before anything is written.
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
    log.info("%d images of %d sources written, %s", len(missing), len(tasks), readable_size(written))


def _refuse_nothing(plan: Plan, exclusions: pd.DataFrame) -> None:
    """An empty plan would delete every copy that is there and leave nothing to train on."""
    if not plan.copies:
        excluded = len(plan.sources.keys() & set(exclusions["image_id"]))
        raise RecipeError(
            f"augmentation makes no image: {excluded} of {len(plan.sources)} sources are excluded by the audit. Look at its "
            "findings and at audit.exclusions and audit.exclude, or at the kinds and splits of augmentation.recipe."
        )


def _check_space(writer: CopyWriter, plan: Plan, missing: list[Copy]) -> None:
    copies = Counter(copy.source_id for copy in missing)
    needed = sum(number * writer.space_needed(plan.sources[source_id]) for source_id, number in copies.items())
    writer.store.folder.check_space(needed)


def _check_shared(writer: CopyWriter, copy: Copy) -> None:
    """A worker of a cluster may have another disk than this machine under the same path."""
    if not writer.store.exists(copy.image_id):
        raise AugmentationError(
            f"a worker has written {writer.store.location(copy.image_id)}, but it is not there for this machine. Set data_root "
            "in globals.yml to a place that all workers share: a network file system or object storage."
        )


def _report(plan: Plan, made: int) -> None:
    short_by = int(plan.summary["short_by"].sum())
    shortage = f", short by {short_by:,}: see augmentation_summary" if short_by else ""
    found = "nothing to do, " if not made else ""
    log.info("%s%d images of %d sources%s", found, len(plan.copies), len({c.source_id for c in plan.copies}), shortage)
