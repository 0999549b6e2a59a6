"""The figure of error ellipses on the mean shape."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.evaluation.context_figures import notice
from ceph_pipeline.evaluation.figures import COLOURS, finished, new_axes
from ceph_pipeline.evaluation.stages import LABELS, READER_TO_TRUTH, stages_in
from ceph_pipeline.landmarks import known_or_own

LEVEL = 5.991
"""95 % quantile of χ² with two degrees of freedom."""

CONTOURS = (
    ("N`", "Pn", "Sn", "Ls", "Li", "Pog`"),
    ("S", "N"),
    ("PNS", "ANS", "A"),
    ("Co", "Ar", "R", "Go", "Me", "Gn", "Pog", "B"),
    ("UIA", "UIT"),
    ("LIA", "LIT"),
    ("Po", "Or"),
)
"""Landmarks connected by thin lines that outline the face."""


def ellipse_figure(table: pd.DataFrame, unit: str) -> Figure:
    """95 % error ellipses of each landmark on the mean shape, true to scale, for a stage and for one reader.

    Args:
        table: Rows of `error_ellipses` with a `stage`.
        unit: Unit of the table's lengths.
    """
    stages = stages_in(table)
    if not stages:
        return notice("Errors on the mean shape", "no landmark is known on two test images")
    shape = table[table["stage"] == stages[-1]].set_index("landmark")
    width, height = (float(np.ptp(shape[axis])) for axis in ("x", "y"))
    figure, axes = new_axes(9, 9 * max(0.6, min(1.4, (height + 1) / (width + 1))) + 0.6)
    _contours(axes, shape)
    if READER_TO_TRUTH in set(table["stage"]):
        _ellipses(axes, table[table["stage"] == READER_TO_TRUTH], READER_TO_TRUTH, fill=False)
    _ellipses(axes, shape.reset_index(), stages[-1], fill=True)
    axes.quiver(
        shape["x"], shape["y"], shape["bias_x"], shape["bias_y"],
        angles="xy", scale_units="xy", scale=1, width=0.003, color="#111111", label="mean error", zorder=4,
    )  # fmt: skip
    for name, row in shape.iterrows():
        axes.annotate(
            plain_label(known_or_own(str(name)).symbol),
            (row["x"], row["y"]),
            xytext=(6, 6),
            textcoords="offset points",
            fontsize=9,
        )
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.margins(0.08)
    axes.set(xlabel=unit, ylabel=unit)
    return finished(figure, "Error of each landmark on the mean shape: 95 % ellipses, true to scale", grid=None)


def axes_of(row: "pd.Series[float]") -> tuple[float, float, float]:
    """Lengths of the axes of the 95 % ellipse, the longer first, and the angle of the longer axis in degrees from x."""
    covariance: NDArray[np.float64] = np.array([[row["var_x"], row["cov_xy"]], [row["cov_xy"], row["var_y"]]])
    values, vectors = np.linalg.eigh(covariance)
    minor, major = (2 * np.sqrt(LEVEL * np.maximum(values, 0))).tolist()
    return major, minor, float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))


def _ellipses(axes: Axes, rows: pd.DataFrame, stage: str, *, fill: bool) -> None:
    colour = COLOURS[stage]
    for number, (_, row) in enumerate(rows.iterrows()):
        major, minor, angle = axes_of(row)
        centre = (row["x"], row["y"]) if not fill else (row["x"] + row["bias_x"], row["y"] + row["bias_y"])
        label = LABELS[stage] if number == 0 else None
        style = {"facecolor": colour, "alpha": 0.35} if fill else {"facecolor": "none", "linestyle": "--", "alpha": 0.6}
        axes.add_patch(Ellipse(centre, major, minor, angle=angle, edgecolor=colour, label=label, zorder=3 - (not fill), **style))


def _contours(axes: Axes, shape: pd.DataFrame) -> None:
    by_symbol = {known_or_own(str(name)).symbol: (row["x"], row["y"]) for name, row in shape.iterrows()}
    for contour in CONTOURS:
        line = np.array([by_symbol[symbol] for symbol in contour if symbol in by_symbol])
        if len(line) > 1:
            axes.plot(*line.T, color="#cccccc", linewidth=1, zorder=1)
    axes.plot(shape["x"], shape["y"], ".", color="#555555", markersize=4, zorder=2)
