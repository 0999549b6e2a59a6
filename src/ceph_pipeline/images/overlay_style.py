"""Drawing of pixels and of true and predicted points, for all overlays."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from ceph_pipeline.images.codec import GreyImage

TRUTH_COLOUR = "#3DDC84"
PREDICTION_COLOUR = "#FF4F79"
SYMBOL_COLOUR = "#FFE066"

OUTLINE: list[AbstractPathEffect] = [withStroke(linewidth=2.2, foreground="black")]
"""Outline that keeps marks visible on bright bone and on dark air."""


def show_pixels(axes: Axes, image: GreyImage, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    """Show the part of an image between two corners, pixel centres at integers, contrast stretched to the part's range."""
    size = np.array([image.shape[1], image.shape[0]])
    left, top = np.clip(np.floor(low), 0, size - 1).astype(int)
    right, bottom = np.clip(np.ceil(high) + 1, [left + 1, top + 1], size).astype(int)
    part = image[top:bottom, left:right]
    dark, bright = np.percentile(part[:: 1 + len(part) // 500, :: 1 + len(part) // 500], [0.5, 99.5])
    axes.imshow(
        part,
        cmap="gray",
        vmin=dark,
        vmax=max(bright, dark + 1),
        extent=(left - 0.5, right - 0.5, bottom - 0.5, top - 0.5),
        interpolation="antialiased",
    )


def draw_points(axes: Axes, truth: NDArray[np.float64], pred: NDArray[np.float64]) -> None:
    """True and predicted points `(K, 2)` with a line between them."""
    links = np.stack([truth, pred], axis=1)
    axes.add_collection(LineCollection(list(links[~np.isnan(links).any(axis=(1, 2))]), colors=PREDICTION_COLOUR, linewidths=1.2))
    axes.plot(*truth.T, "+", color=TRUTH_COLOUR, markersize=9, markeredgewidth=1.4, label="truth", path_effects=OUTLINE)
    axes.plot(*pred.T, "o", color=PREDICTION_COLOUR, fillstyle="none", markersize=8, label="prediction", path_effects=OUTLINE)
