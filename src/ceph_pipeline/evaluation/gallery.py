"""Overlays of truth and prediction on the best, the median and the worst images."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ceph_pipeline.evaluation.stages import LABELS
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.landmarks import find
from ceph_pipeline.landmarks.tables import points_array

TRUTH_COLOUR = "#3DDC84"
PREDICTION_COLOUR = "#FF4F79"
SYMBOL_COLOUR = "#FFE066"
MARGIN = 0.08
"""Of the landmarks' extent, shown around them."""

PANEL_WIDTH = 6.0
"""Inches."""

OUTLINE = [withStroke(linewidth=2.2, foreground="black")]
"""Keeps marks legible on bright bone as on dark air."""


def representative_images(ranking: pd.Series, count: int) -> dict[str, list[str]]:
    """The best, median and worst images, `count` of each where there are enough, none twice.

    Args:
        ranking: Mean error by image identifier, ascending.
        count: Images of each kind.

    Returns:
        `best` (ascending), `median` (ascending) and `worst` (the worst first).
    """
    image_ids = list(ranking.index)
    count = min(count, max(1, len(image_ids) // 3))
    best, worst = image_ids[:count], image_ids[count:][-count:][::-1]
    between = [image_id for image_id in image_ids if image_id not in {*best, *worst}]
    start = max(0, (len(between) - count) // 2)
    return {"best": best, "median": between[start : start + count], "worst": worst}


def gallery(
    chosen: dict[str, list[str]],
    ranking: pd.Series,
    points: pd.DataFrame,
    truth: pd.DataFrame,
    read_image: Callable[[str], GreyImage],
    *,
    stage: str,
    unit: str = "mm",
) -> Figure:
    """Draw each chosen image with the truth, the prediction and a line between them; one row a kind.

    Args:
        chosen: From `representative_images`.
        ranking: Mean error by image identifier.
        points: The stage's predictions, `image_id, landmark, x, y`.
        truth: The consensus, the same columns.
        read_image: Image identifier to its original pixels.
        stage: Named in the title.
        unit: Of the ranking.
    """
    rows = {kind: image_ids for kind, image_ids in chosen.items() if image_ids}
    columns = max(len(image_ids) for image_ids in rows.values())
    landmarks = list(truth["landmark"].unique())
    height = PANEL_WIDTH * _height_over_width(points_array(truth, [i for row in rows.values() for i in row], landmarks)) + 0.5
    figure = Figure(figsize=(PANEL_WIDTH * columns, height * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for line, (kind, image_ids) in zip(grid, rows.items(), strict=True):
        for axes in line:
            axes.set_axis_off()
        for axes, image_id in zip(line, image_ids, strict=False):
            target, pred = (points_array(table, [image_id], landmarks)[0] for table in (truth, points))
            overlay(axes, read_image(image_id), target, pred, landmarks)
            axes.set_title(f"{kind}: {image_id}, {ranking[image_id]:.2f} {unit}", fontsize=13)
    marks, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(marks, names, loc="outside lower center", fontsize=13, ncols=2, facecolor="#777777", labelcolor="white")
    figure.suptitle(f"{LABELS[stage]}: best, median and worst test images", fontsize=17, fontweight="bold")
    return figure


def overlay(axes: Axes, image: GreyImage, truth: NDArray[np.float64], pred: NDArray[np.float64], landmarks: list[str]) -> None:
    """Draw one image, zoomed to its landmarks, with its true and predicted points `(K, 2)` in the image's pixels."""
    dark, bright = np.percentile(image[::4, ::4], [0.5, 99.5])
    axes.imshow(image, cmap="gray", vmin=dark, vmax=max(bright, dark + 1), interpolation="antialiased")
    links = np.stack([truth, pred], axis=1)
    axes.add_collection(LineCollection(list(links[~np.isnan(links).any(axis=(1, 2))]), colors=PREDICTION_COLOUR, linewidths=1.2))
    axes.plot(*truth.T, "+", color=TRUTH_COLOUR, markersize=9, markeredgewidth=1.4, label="truth", path_effects=OUTLINE)
    axes.plot(*pred.T, "o", color=PREDICTION_COLOUR, fillstyle="none", markersize=8, label="prediction", path_effects=OUTLINE)
    for name, point in zip(landmarks, truth, strict=True):
        if not np.isnan(point).any():
            text = axes.annotate(find(name).symbol, point, xytext=(7, 5), textcoords="offset points", fontsize=9)
            text.set(color=SYMBOL_COLOUR, path_effects=OUTLINE)
    _zoom(axes, np.concatenate([truth, pred]), image.shape)


def _height_over_width(points: NDArray[np.float64]) -> float:
    """Median over `(N, K, 2)` of how much taller than wide the landmarks' extents are."""
    extents = np.nanmax(points, axis=1) - np.nanmin(points, axis=1)
    return float(np.median(extents[:, 1] / np.maximum(extents[:, 0], 1)).clip(0.5, 2.0))


def _zoom(axes: Axes, points: NDArray[np.float64], shape: tuple[int, ...]) -> None:
    """Show the points with a margin, within the image."""
    known = points[~np.isnan(points).any(axis=-1)]
    if not len(known):
        return
    low, high = known.min(axis=0), known.max(axis=0)
    margin = MARGIN * float((high - low).max()) + 1
    left, top = np.maximum(low - margin, -0.5)
    right, bottom = np.minimum(high + margin, (shape[1] - 0.5, shape[0] - 0.5))
    axes.set(xlim=(left, right), ylim=(bottom, top))
