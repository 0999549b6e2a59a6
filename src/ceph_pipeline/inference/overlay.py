"""A picture of a new X-ray with its located landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from ceph_pipeline.artifacts import atomic_path, plain_label, save_figure
from ceph_pipeline.images.shrink import shrink_to
from ceph_pipeline.inference.points import is_flagged, places_of
from ceph_pipeline.inference.tracing import traced
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.uncertainty.points import sigma_px

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from ceph_pipeline.images.codec import GreyImage

HEIGHT_INCHES, TITLE_INCHES, DPI = 9.0, 0.3, 130
MAX_ASPECT = 3.0
"""Largest aspect ratio of the figure; longer films get white margins."""
POINT, LINE, RING, FLAG = "#ff4d4d", "#4dc3ff", "#ffd24d", "#ff5cf4"
OUTLINE = [withStroke(linewidth=1.5, foreground="black")]


def draw_overlay(image: GreyImage, points: pd.DataFrame, title: str) -> Figure:
    """Draw the landmarks with their symbols, the tracing, and a ring of two standard deviations around each.

    Points that a person should check have a different colour, and the ring shows their radius.

    Args:
        image: `(height, width)`.
        points: Rows `landmark, x, y, sigma_px` of one image, in pixels; optionally with the columns of `judge_points`.
        title: Title above the picture.
    """
    height, width = image.shape
    wide, high = HEIGHT_INCHES * min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT), HEIGHT_INCHES + TITLE_INCHES
    figure = Figure(figsize=(wide, high))
    axes = figure.add_axes((0, 0, 1, HEIGHT_INCHES / high))
    black, white = np.percentile(image, (0.5, 99.5))
    edges = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(_as_large_as_shown(image), cmap="gray", vmin=black, vmax=max(white, black + 1), extent=edges)
    names = [known_or_own(str(name)).symbol for name in points["landmark"]]
    xy, flagged = points[["x", "y"]].to_numpy(np.float64), is_flagged(points)
    places = places_of(points)
    axes.add_collection(LineCollection([line.xy for line in traced(places)], colors=LINE, linewidths=0.8, alpha=0.8))
    for centre, radius, flag in zip(xy, _rings(points), flagged, strict=True):
        if np.isfinite(centre).all() and np.isfinite(radius):
            style = {"color": FLAG, "linewidth": 1.6} if flag else {"color": RING, "linewidth": 0.6, "alpha": 0.7}
            axes.add_patch(Circle((centre[0], centre[1]), radius, fill=False, **style))
    for symbol, place in places.items():
        colour = FLAG if flagged[names.index(symbol)] else POINT
        axes.plot(*place, ".", color=colour, markersize=4)
        axes.annotate(
            plain_label(symbol), place, xytext=(4, 3), textcoords="offset points", color=colour, fontsize=7, path_effects=OUTLINE
        )
    title = plain_label(title)
    if flagged.any():
        title = f"{title}: check {plain_label(', '.join(symbol for symbol, flag in zip(names, flagged, strict=True) if flag))}"
    axes.set_title(title, fontsize=10)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_axis_off()
    return figure


def _as_large_as_shown(image: GreyImage) -> GreyImage:
    """The film reduced to the pixels of the picture; Matplotlib would need five times as long for the reduction."""
    return shrink_to(image, round(max(image.shape) * min(1, HEIGHT_INCHES * DPI / image.shape[0])))


def _rings(points: pd.DataFrame) -> NDArray[np.float64]:
    """Radii of the rings: two standard deviations, or the calibrated radius of flagged points."""
    rings = 2 * sigma_px(points)
    if "radius_px" not in points:
        return rings
    radius = points["radius_px"].to_numpy(np.float64)
    return np.where(is_flagged(points) & np.isfinite(radius), radius, rings)


def write_overlay(image: GreyImage, points: pd.DataFrame, target: Path) -> None:
    """Draw one overlay and write it atomically as PNG."""
    with atomic_path(target) as temporary:
        save_figure(draw_overlay(image, points, target.stem), temporary, dpi=DPI, pil_kwargs={"compress_level": 3})
