"""Nodes of the pipelines `compare` and `learning_curve`."""

import logging
import time
from pathlib import Path
from typing import Any

import pandas as pd

from ceph_pipeline.detector import DetectorParams
from ceph_pipeline.images import ImageStore
from ceph_pipeline.landmarks.tables import images_in, reader_points
from ceph_pipeline.training import CompareParams, Stage1Params, TrainingError

logger = logging.getLogger(__name__)


def train_networks(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    params: Stage1Params,
    compare: CompareParams,
    sources: pd.DataFrame,
) -> pd.DataFrame:
    """Train each network on the same images."""
    _require_test_images(sources)
    from ceph_pipeline.training.stage1 import Stage1Tables
    from ceph_pipeline.training.variants import network_variants, train_variants

    tables = Stage1Tables.of_cached(images, cache_index, landmarks, cvm, source_pixels)
    return train_variants(network_variants(tables.images, params, compare.backbones), tables, cache, folder)


def train_on_fewer(
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cvm: pd.DataFrame,
    source_pixels: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    folder: Path,
    params: Stage1Params,
    compare: CompareParams,
    sources: pd.DataFrame,
) -> pd.DataFrame:
    """Train the same network on increasing numbers of training sources."""
    _require_test_images(sources)
    from ceph_pipeline.training.stage1 import Stage1Tables
    from ceph_pipeline.training.variants import source_variants, train_variants

    tables = Stage1Tables.of_cached(images, cache_index, landmarks, cvm, source_pixels)
    variants = source_variants(tables.images, params, compare.training_sources, compare.seed)
    return train_variants(variants, tables, cache, folder)


def judge_variants(
    variants: pd.DataFrame,
    folder: Path,
    images: pd.DataFrame,
    landmarks: pd.DataFrame,
    cache: ImageStore,
    cache_index: pd.DataFrame,
    params: DetectorParams,
) -> pd.DataFrame:
    """Errors of each training on the test images in the untransformed view, and prediction speed, including image reading."""
    from ceph_pipeline.detector.checkpoint import load_networks
    from ceph_pipeline.detector.image_set import ImageSet
    from ceph_pipeline.detector.tables import whole_image_tables
    from ceph_pipeline.evaluation.errors import stage_error_rows
    from ceph_pipeline.evaluation.variants import variant_lines, variant_table

    rows = images_in(images, cache_index, ("test",))
    test, truth = ImageSet.of_cache(rows, cache, cache_index), reader_points(landmarks)
    errors, rates = {}, []
    for name, checkpoint in zip(variants["variant"], variants["checkpoint"], strict=True):
        networks = load_networks([folder / checkpoint], "stage1", params)
        began = time.perf_counter()
        found = whole_image_tables(networks, test, params.in_one_view()).stage1
        rates.append(len(rows) / (time.perf_counter() - began))
        errors[str(name)] = stage_error_rows(found, truth, rows)
    table = variant_table(errors, variants.astype({"variant": str}).assign(images_per_s=rates))
    for line in variant_lines(table):
        logger.info("%s", line)
    return table


def draw_networks(network_errors: pd.DataFrame) -> Any:
    """Draw the comparison of the networks."""
    from ceph_pipeline.evaluation.variants import network_figure

    return network_figure(network_errors)


def draw_learning_curve(curve_errors: pd.DataFrame) -> Any:
    """Draw the error against the number of training images."""
    from ceph_pipeline.evaluation.variants import learning_curve_figure

    return learning_curve_figure(curve_errors)


def _require_test_images(sources: pd.DataFrame) -> None:
    if not (sources["split"] == "test").any():
        raise TrainingError(
            "the pipelines compare and learning_curve evaluate on the test split, which has no images: set "
            "ingestion.splits.test_fraction above 0, or mark test images in the sheet of films."
        )
