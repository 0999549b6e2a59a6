"""Nodes of the superimposition pipeline."""

import logging
from typing import Any

import pandas as pd

from ceph_pipeline.inference.params import SuperimpositionParams

logger = logging.getLogger(__name__)


def compare_films(
    predictions: pd.DataFrame, pixel_sizes: pd.DataFrame, params: SuperimpositionParams
) -> tuple[pd.DataFrame, Any]:
    """Superimpose the second film on the first, and list the changes that are larger than their error."""
    from ceph_pipeline.inference.superimposition import change_rows, draw_superimposition, pair_of, pixel_sizes_of, register

    first, second = pair_of(predictions, params)
    sizes = pixel_sizes_of(pixel_sizes, (first, second), params)
    onto_first = register(first, second, sizes, params.registration)
    table = change_rows(first, second, sizes)
    figure = draw_superimposition(first, second, onto_first, f"registered on {params.registration.replace('_', ' ')}")
    logger.info(
        "%d measurements in both films, %d changed by more than their error",
        len(table),
        (table["verdict"] == "larger than its error").sum(),
    )
    return table, figure
