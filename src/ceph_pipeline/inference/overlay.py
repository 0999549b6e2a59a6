"""A new X-ray with the landmarks that were located in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from ceph_pipeline.artifacts import atomic_path
from ceph_pipeline.landmarks import find

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ceph_pipeline.images.codec import GreyImage

LINES = (("S", "N"), ("Po", "Or"), ("ANS", "PNS"), ("Go", "Me"), ("N", "A"), ("N", "B"), ("Pn", "Pog`"))
"""Planes that measurements go by: S-N, Frankfort, palatal, mandibular, N-A, N-B and the E-line."""
HEIGHT_INCHES = 9.0
POINT, LINE, RING = "#ff4d4d", "#4dc3ff", "#ffd24d"
OUTLINE = [withStroke(linewidth=1.5, foreground="black")]


def draw_overlay(image: GreyImage, points: pd.DataFrame, title: str) -> Figure:
    """Draw the landmarks with their symbols, the planes, and a ring of two standard deviations around each.

    Args:
        image: `(height, width)`.
        points: Rows `landmark, x, y, sigma_px` of one image, in its pixels.
        title: Above the picture.
    """
    height, width = image.shape
    figure = Figure(figsize=(HEIGHT_INCHES * width / height, HEIGHT_INCHES), layout="constrained")
    axes = figure.add_subplot()
    low, high = np.percentile(image, (0.5, 99.5))
    axes.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1))
    names = [find(str(name)).symbol for name in points["landmark"]]
    xy, sigma = points[["x", "y"]].to_numpy(np.float64), points["sigma_px"].to_numpy(np.float64)
    places = {name: (float(x), float(y)) for name, (x, y) in zip(names, xy, strict=True) if np.isfinite(x)}
    segments = [[places[a], places[b]] for a, b in LINES if a in places and b in places]
    axes.add_collection(LineCollection(segments, colors=LINE, linewidths=0.8, alpha=0.8))
    for centre, sd in zip(xy, sigma, strict=True):
        if np.isfinite(centre).all() and np.isfinite(sd):
            axes.add_patch(Circle((centre[0], centre[1]), 2 * sd, fill=False, color=RING, linewidth=0.6, alpha=0.7))
    for symbol, place in places.items():
        axes.plot(*place, ".", color=POINT, markersize=4)
        axes.annotate(symbol, place, xytext=(4, 3), textcoords="offset points", color=POINT, fontsize=7, path_effects=OUTLINE)
    axes.set(title=title, xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    return figure


def write_overlay(image: GreyImage, points: pd.DataFrame, target: Path) -> None:
    """Draw one overlay and write it as PNG, whole or not at all."""
    with atomic_path(target) as temporary:
        draw_overlay(image, points, target.stem).savefig(temporary, dpi=130)
