"""Gallery: overlays of truth and prediction on the best, median and worst images, with insets of the worst landmarks."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from numpy.typing import NDArray

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.evaluation.insets import N_INSETS, draw_inset, worst_landmarks
from ceph_pipeline.evaluation.stages import LABELS
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.images.overlay_style import OUTLINE, SYMBOL_COLOUR, draw_points, show_pixels
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.landmarks.tables import points_array

MARGIN = 0.08
"""Margin around the landmarks, as a fraction of their extent."""

PANEL_WIDTH = 6.0
"""Width of an overlay in inches; the insets next to it take a third of this width."""


def representative_images(ranking: pd.Series, count: int) -> dict[str, list[str]]:
    """The best, median and worst images, at most `count` of each kind, without repetition.

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
    px_length: Mapping[str, float],
    unit: str = "mm",
) -> Figure:
    """Draw each chosen image with truth, prediction, a line between them, and insets of the worst landmarks; one row per kind.

    Args:
        chosen: From `representative_images`.
        ranking: Mean error by image identifier.
        points: The stage's predictions, `image_id, landmark, x, y`.
        truth: The consensus, the same columns.
        read_image: Function from image identifier to original pixels.
        stage: Stage that is named in the title.
        px_length: Function from image identifier to the length of its pixels in `unit`.
        unit: Unit of the ranking and of the errors in insets.
    """
    rows = {kind: image_ids for kind, image_ids in chosen.items() if image_ids}
    columns = max(len(image_ids) for image_ids in rows.values())
    landmarks = list(truth["landmark"].unique())
    height = PANEL_WIDTH * _height_over_width(points_array(truth, [i for row in rows.values() for i in row], landmarks)) + 0.5
    figure = Figure(figsize=(PANEL_WIDTH * 4 / 3 * columns, height * len(rows)), layout="constrained")
    grid = figure.add_gridspec(len(rows), columns)
    for row, (kind, image_ids) in enumerate(rows.items()):
        for column, image_id in enumerate(image_ids):
            target, pred = (points_array(table, [image_id], landmarks)[0] for table in (truth, points))
            title = f"{kind}: {plain_label(image_id)}, {ranking[image_id]:.2f} {unit}"
            scale = px_length[image_id]
            _panel(figure, grid[row, column], read_image(image_id), target, pred, landmarks, title, scale, unit)
    marks, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(marks, names, loc="outside lower center", fontsize=13, ncols=2, facecolor="#777777", labelcolor="white")
    figure.suptitle(f"{LABELS[stage]}: best, median and worst test images", fontsize=17, fontweight="bold")
    return figure


def _panel(
    figure: Figure,
    cell: SubplotSpec,
    image: GreyImage,
    truth: NDArray[np.float64],
    pred: NDArray[np.float64],
    landmarks: list[str],
    title: str,
    px_length: float,
    unit: str,
) -> None:
    """One image with insets of its worst landmarks."""
    grid = cell.subgridspec(N_INSETS, 4)
    axes = figure.add_subplot(grid[:, :3])
    axes.set_axis_off()
    axes.set_title(title, fontsize=13)
    overlay(axes, image, truth, pred, landmarks)
    known = truth[~np.isnan(truth).any(axis=-1)]
    extent = float(np.ptp(known, axis=0).max()) if len(known) else 0.0
    for number, k in enumerate(worst_landmarks(truth, pred)):
        error = f"{px_length * float(np.linalg.norm(pred[k] - truth[k])):.2f} {unit}"
        detail = figure.add_subplot(grid[number, 3])
        draw_inset(detail, axes, image, truth[k], pred[k], landmarks[k], error, extent)


def overlay(axes: Axes, image: GreyImage, truth: NDArray[np.float64], pred: NDArray[np.float64], landmarks: list[str]) -> None:
    """Draw one image, zoomed to its landmarks, with its true and predicted points `(K, 2)` in the image's pixels."""
    low, high = _window(np.concatenate([truth, pred]), image.shape)
    show_pixels(axes, image, low, high)
    draw_points(axes, truth, pred)
    for name, point in zip(landmarks, truth, strict=True):
        if not np.isnan(point).any():
            text = axes.annotate(
                plain_label(known_or_own(name).symbol), point, xytext=(7, 5), textcoords="offset points", fontsize=9
            )
            text.set(color=SYMBOL_COLOUR, path_effects=OUTLINE)
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))


def _height_over_width(points: NDArray[np.float64]) -> float:
    """Median ratio of height to width of the landmarks' extents `(N, K, 2)`."""
    extents = np.nanmax(points, axis=1) - np.nanmin(points, axis=1)
    return float(np.median(extents[:, 1] / np.maximum(extents[:, 0], 1)).clip(0.5, 2.0))


def _window(points: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper left and lower right corner around the points with a margin, within the image; the whole image without points."""
    first, last = np.array([-0.5, -0.5]), np.array([shape[1] - 0.5, shape[0] - 0.5])
    known = points[~np.isnan(points).any(axis=-1)]
    if not len(known):
        return first, last
    low, high = known.min(axis=0), known.max(axis=0)
    margin = MARGIN * float((high - low).max()) + 1
    return np.maximum(low - margin, first), np.minimum(high + margin, last)
