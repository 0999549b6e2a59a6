"""Figures of the predicted rulers and of the errors."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.calibration.ruler_errors import BANDS_PX, THRESHOLDS_PX
from ceph_pipeline.images.codec import GreyImage
from ceph_pipeline.images.overlay_style import OUTLINE, SYMBOL_COLOUR, draw_points, show_pixels
from ceph_pipeline.landmarks import RULER_MARKS
from ceph_pipeline.landmarks.tables import points_array

COLUMNS = 6
PANEL_INCHES = 2.4
REACH = 1.1
"""Half of the shown width, from the ruler's middle, in lengths of the ruler."""
PANELS = 60
"""Number of images per page."""


def ruler_galleries(
    compared: pd.DataFrame, truth: pd.DataFrame, read_image: Callable[[str], GreyImage], panels: int = PANELS
) -> list[Figure]:
    """The ruler of every image with truth, prediction and errors, the worst first; the whole film if there is no ruler.

    Args:
        compared: Result of `compare_with_truth`.
        truth: One reader's points.
        read_image: Returns the pixels of the original image, given its identifier.
        panels: Number of images per figure.
    """
    worst = compared[["error_p1_px", "error_p2_px"]].max(axis=1)
    rows = compared.assign(worst=worst).sort_values("worst", ascending=False, na_position="last")
    return [_gallery(rows, slice(start, start + panels), truth, read_image) for start in range(0, len(rows), panels)]


def _gallery(ranked: pd.DataFrame, page: slice, truth: pd.DataFrame, read_image: Callable[[str], GreyImage]) -> Figure:
    rows = ranked.iloc[page]
    n_rows = -(-len(rows) // COLUMNS)
    figure = Figure(figsize=(PANEL_INCHES * COLUMNS, (PANEL_INCHES + 0.45) * n_rows + 0.4), layout="constrained")
    grid = figure.subplots(n_rows, COLUMNS, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, (_, row) in zip(grid, rows.iterrows(), strict=False):
        draw_ruler(axes, row, points_array(truth, [str(row["image_id"])], RULER_MARKS)[0], read_image(str(row["image_id"])))
    which = f"{page.start + 1}–{page.start + len(rows)} of {len(ranked)}"
    figure.suptitle(f"Rulers of images {which}: truth green, prediction red, the worst first")
    return figure


def draw_ruler(axes: Axes, row: "pd.Series[float]", truth: NDArray[np.float64], image: GreyImage) -> None:
    """One image's ruler at native resolution.

    Args:
        axes: Axes for drawing.
        row: Row of a `compare_with_truth` table.
        truth: `(2, 2)` px of p1 and p2, NaN where missing.
        image: `(height, width)`.
    """
    found = np.array([[row[f"{name}_{axis}"] for axis in "xy"] for name in RULER_MARKS], dtype=np.float64)
    low, high = _window(np.concatenate([truth, found]), image.shape)
    show_pixels(axes, image, low, high)
    draw_points(axes, truth, found)
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))
    for name, point in zip(RULER_MARKS, truth, strict=True):
        if np.isfinite(point).all():
            label = axes.annotate(name, point, xytext=(6, 4), textcoords="offset points", fontsize=8)
            label.set(color=SYMBOL_COLOUR, path_effects=OUTLINE)
    axes.set_title(f"{plain_label(str(row['image_id']))}\n{_in_words(row)}", fontsize=8)


def error_figure(compared: pd.DataFrame) -> Figure:
    """Cumulative distribution of the marks' errors, and distribution of the errors of pixel sizes."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in RULER_MARKS:
        errors = np.sort(compared[f"error_{name}_px"].dropna().to_numpy(np.float64))
        if len(errors):
            left.step(np.maximum(errors, 0.01), 100 * np.arange(1, len(errors) + 1) / len(errors), where="post", label=name)
    for limit in THRESHOLDS_PX:
        left.axvline(limit, color="grey", linewidth=0.5)
    left.axvspan(0.01, BANDS_PX["excellent"][1], color="tab:green", alpha=0.08)
    left.set(xscale="log", xlabel="error, px", ylabel="percent of the marks", title="Marks within a distance", ylim=(0, 102))
    left.set_xlim(left=0.05)
    left.legend(frameon=False)
    deviation = compared["size_error_pct"].dropna().to_numpy(np.float64)
    if len(deviation):
        reach = max(2.0, float(np.percentile(np.abs(deviation), 98)))
        right.hist(np.clip(deviation, -reach, reach), bins=31, range=(-reach, reach))
    right.axvspan(-1, 1, color="tab:green", alpha=0.12, label="within 1 %")
    right.set(xlabel="error of mm per pixel, %", ylabel="images", title="Pixel sizes from the ruler")
    right.legend(frameon=False)
    return figure


def _window(points: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of a square around the marks; the whole image if there are no marks."""
    known = points[np.isfinite(points).all(axis=-1)]
    if not len(known):
        return np.array([-0.5, -0.5]), np.array([shape[1] - 0.5, shape[0] - 0.5])
    low, high = known.min(axis=0), known.max(axis=0)
    half = REACH * max(float((high - low).max()), 20.0)
    middle = (low + high) / 2
    return middle - half, middle + half


def _in_words(row: "pd.Series[float]") -> str:
    if pd.isna(row["shows_ruler"]):
        return "only one mark annotated: not evaluated"
    is_absent = not row["shows_ruler"]
    if not row["has_ruler"]:
        return "no ruler, correctly recognised" if is_absent else "ruler missed"
    if not row["is_usable"]:
        return f"{'false detection of a ruler' if is_absent else 'ruler detected'}, not usable: {row['refusal']}"
    if is_absent:
        return "false detection of a ruler"
    return f"p1 {row['error_p1_px']:.2f}, p2 {row['error_p2_px']:.2f} px, mm/px {row['size_error_pct']:+.2f} %"
