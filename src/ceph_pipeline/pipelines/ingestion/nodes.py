"""Nodes of the ingestion pipeline."""

import logging

import pandas as pd

from ceph_pipeline import formats, ingestion
from ceph_pipeline.artifacts import pseudonym, pseudonym_table
from ceph_pipeline.cephalometry import vertical_measurements
from ceph_pipeline.errors import counted
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.ingestion import IngestionParams

logger = logging.getLogger(__name__)

PRINTED = 20
"""Maximum number of logged rows of the quarantine table."""


def read_cephalograms(
    raw_cephalograms: RawFolder, params: IngestionParams
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the raw data set into the tables images, landmarks, CVM stages and quarantine, without changes of the values."""
    found = formats.read(
        raw_cephalograms.root,
        raw_cephalograms.format,
        images=raw_cephalograms.images,
        on_bad_item=params.on_bad_item,
        exclude=params.exclude,
        options=params.reading,
    )
    if found.images.empty:
        raise formats.AnnotationError(
            f"{raw_cephalograms.root}: no usable film (problems: {len(found.quarantine)}). The first: "
            f"{found.quarantine['reason'].iloc[0]}"
        )
    logger.info(
        "%s, %s, %s read as %s",
        counted(len(found.images), "cephalogram"),
        counted(found.landmarks["landmark"].nunique(), "landmark"),
        counted(found.landmarks["reader"].nunique(), "reader"),
        raw_cephalograms.format,
    )
    if unknown := formats.unknown_labels(found.landmarks, params.reading):
        logger.warning("%s", unknown)
    return found.images, found.landmarks, found.cvm, found.quarantine


def build_cache(
    found_images: pd.DataFrame, raw_cephalograms: RawFolder, source_cache: ImageStore, params: IngestionParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the pre-resized images; images that cannot be decoded raise an error or are quarantined, before any training."""
    build = ingestion.build_cache(
        found_images,
        raw_cephalograms,
        source_cache,
        long_side_px=params.cache_long_side_px,
        workers=params,
        force=params.force,
    )
    if params.on_bad_item == "error":
        formats.refuse(build.problems, str(raw_cephalograms.root))
    if build.problems and build.index.empty:
        raise formats.AnnotationError(
            f"{raw_cephalograms.films}: none of the {len(found_images)} images can be read. The first: {build.problems[0]} "
            "If images and annotations are in different folders, use `--params raw_images=FOLDER`."
        )
    logger.info("%s cached with a long side of %d px", counted(len(build.index), "cephalogram"), params.cache_long_side_px)
    return build.index, formats.quarantine_table(build.problems)


def complete_tables(
    found_images: pd.DataFrame,
    found_landmarks: pd.DataFrame,
    found_cvm: pd.DataFrame,
    found_quarantine: pd.DataFrame,
    undecodable: pd.DataFrame,
    raw_cephalograms: RawFolder,
    params: IngestionParams,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Remove undecodable images, and add missing splits, pixel sizes and the readers' consensus."""
    images, landmarks, cvm = (
        table[~table["image_id"].isin(undecodable["item"])].reset_index(drop=True)
        for table in (found_images, found_landmarks, found_cvm)
    )
    facts = ingestion.read_film_sheet(images, params.films)
    images = ingestion.with_machines(ingestion.with_splits(images, facts, params.splits, params.seed), facts)
    images = ingestion.with_pixel_sizes(images, landmarks, facts, raw_cephalograms, params.pixel_size)
    quarantine = pd.concat([found_quarantine, undecodable], ignore_index=True)
    counts = images["split"].value_counts()
    logger.info("splits: %s", ", ".join(f"{split} {counts.get(split, 0)}" for split in ("train", "valid", "test")))
    _print_quarantine(quarantine)
    landmarks = ingestion.with_consensus(landmarks, params.consensus, params.consensus_reader)
    corrected = ingestion.with_device_scale(images, landmarks, params.device_scale)
    changed = corrected["machine"][corrected["pixel_size_source"] != images["pixel_size_source"]]
    if len(changed):
        logger.info("pixel sizes corrected (%s): %s", params.device_scale.correction, ", ".join(sorted(changed.unique())))
    return corrected, landmarks, cvm, quarantine


def list_pseudonyms(images: pd.DataFrame, quarantine: pd.DataFrame) -> pd.DataFrame:
    """Pseudonyms of the films in logs and in MLflow."""
    return pseudonym_table([*images["image_id"], *quarantine["item"]])


def measure_cephalograms(images: pd.DataFrame, landmarks: pd.DataFrame) -> pd.DataFrame:
    """Compute the vertical measurements of every reader and of the consensus."""
    return vertical_measurements(images, landmarks)


def _print_quarantine(quarantine: pd.DataFrame) -> None:
    is_note = quarantine["outcome"] == "kept"
    lost = quarantine[~is_note]
    for row in lost.head(PRINTED).itertuples(index=False):
        logger.warning("%s: %s; see the quarantine table for the reason", pseudonym(str(row.item)), row.outcome)
    if len(lost) > PRINTED:
        logger.warning("… and %d more in the quarantine table", len(lost) - PRINTED)
    if notes := int(is_note.sum()):
        logger.warning("notes without loss of data: %d; see the rows `kept` of the quarantine table", notes)
