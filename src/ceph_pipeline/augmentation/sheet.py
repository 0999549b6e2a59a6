"""A contact sheet of copies with their points: one column per kind, one row per source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.augmentation.transforms import full_scale
from ceph_pipeline.landmarks.tables import CONSENSUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ceph_pipeline.images import ImageStore

N_SOURCES = 3


def contact_sheet(images: pd.DataFrame, landmarks: pd.DataFrame, store: ImageStore) -> Figure:
    """Draw the copies of the sources with the largest number of kinds.

    Args:
        images: AugmentedImageTable.
        landmarks: AugmentedLandmarkTable; the consensus is drawn.
        store: The copies' pixels.
    """
    copies = images.groupby("source_id", sort=True).size().sort_values(ascending=False, kind="stable")
    chosen = list(copies.index[:N_SOURCES])
    columns = list(images[["kind", "copy"]].drop_duplicates().itertuples(index=False, name=None))
    points = landmarks[landmarks["reader"] == CONSENSUS]
    figure = Figure(figsize=(2.6 * len(columns), 3.2 * len(chosen)), layout="constrained")
    grid = figure.subplots(len(chosen), len(columns), squeeze=False)
    for line, source_id in zip(grid, chosen, strict=True):
        for axes, (kind, copy) in zip(line, columns, strict=True):
            axes.set_axis_off()
            match = images[(images["source_id"] == source_id) & (images["kind"] == kind) & (images["copy"] == copy)]
            if not match.empty:
                _draw(axes, store, str(match["image_id"].iloc[0]), points)
    for axes, (kind, copy) in zip(grid[0], columns, strict=True):
        axes.set_title(plain_label(f"{kind} {copy}"), fontsize=9)
    return figure


def _draw(axes: Axes, store: ImageStore, image_id: str, points: pd.DataFrame) -> None:
    pixels = store.read(image_id)
    own = points[points["image_id"] == image_id]
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=full_scale(pixels), interpolation="antialiased")
    axes.plot(own["x"], own["y"], "+", color="#ffb000", markersize=4, markeredgewidth=0.7)
