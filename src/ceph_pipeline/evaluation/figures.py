"""Figures of the errors: cumulative curve, and error by landmark."""

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.evaluation.breakdown import hardest_first
from ceph_pipeline.evaluation.errors import error_matrix, sdr
from ceph_pipeline.evaluation.intervals import MIN_IMAGES
from ceph_pipeline.evaluation.metrics import has_millimetres
from ceph_pipeline.evaluation.stages import BESIDE, LABELS, MEAN_SHAPE, OFFSET_REMOVED, READER_TO_TRUTH, READERS_FLOOR, stages_in
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.landmarks.tables import ENSEMBLE

COLOURS = {
    "stage1": "#56B4E9",
    "stage1_tta": "#0072B2",
    "stage2": "#E69F00",
    "stage2_tta": "#D55E00",
    ENSEMBLE: "#009E73",
    MEAN_SHAPE: "#8A8A8A",
    READER_TO_TRUTH: "#222222",
    OFFSET_REMOVED: "#CC79A7",
    READERS_FLOOR: "#B0A000",
}
"""Okabe and Ito's colours, which are distinguishable with colour blindness; the darker colour of a pair is TTA."""


def sdr_curve(errors: pd.DataFrame, thresholds_mm: tuple[float, ...]) -> Figure:
    """Share of landmarks within each distance, one line per stage; references have dashed lines.

    Args:
        errors: Rows of `ErrorTable` of the evaluated images.
        thresholds_mm: Distances that are marked.
    """
    in_mm = has_millimetres(errors)
    unit, column = ("mm", "error_mm") if in_mm else ("px", "error_px")
    shown = stages_in(errors)
    beside = [name for name in (*BESIDE, MEAN_SHAPE) if name in set(errors["stage"])]
    limit = 6.0 if in_mm else float(errors.loc[errors["stage"].isin(shown), column].quantile(0.98))
    figure, axes = new_axes(9, 6)
    distances = np.linspace(0, limit, 301)
    for stage in [*shown, *beside]:
        values = error_matrix(errors, stage, "mm" if in_mm else "px").to_numpy()
        if np.isnan(values).all():
            continue
        style = "--" if stage in beside else "-"
        label = f"{LABELS[stage]}: {np.nanmean(values):.2f} {unit}"
        rates = list(sdr(values, distances.tolist()).values())
        axes.plot(distances, rates, style, color=COLOURS[stage], linewidth=2.2, label=label)
    if in_mm:
        axes.set_xticks(sorted({*range(int(limit) + 1), *thresholds_mm}))
        axes.vlines(thresholds_mm, 0, 100, color="#bbbbbb", linewidth=1, zorder=0)
    axes.set(xlim=(0, limit), ylim=(0, 100), xlabel=f"radial error at most ({unit})", ylabel="landmarks (%)")
    return finished(figure, "Successful detection rate on the test split", legend_title="mean radial error")


def landmark_figure(table: pd.DataFrame) -> Figure:
    """Mean error of each landmark and stage with 95 % intervals, sorted by the last stage; bars: reader to truth.

    Args:
        table: From `landmark_table`.
    """
    stages = stages_in(table)
    order = hardest_first(table, stages[-1])[::-1]
    unit = "mm" if table["mre_mm"].notna().any() else "px"
    wide = table.set_index(["stage", "landmark"])
    figure, axes = new_axes(10, 1.6 + 0.36 * len(order))
    positions = np.arange(len(order))
    if READER_TO_TRUTH in set(table["stage"]):
        values = wide.loc[READER_TO_TRUTH].reindex(order)[f"mre_{unit}"]
        axes.barh(positions, values, height=0.84, color="#ececec", label=LABELS[READER_TO_TRUTH], zorder=1)
    for name, marker in ((OFFSET_REMOVED, "D"), (READERS_FLOOR, "X")):
        if name in set(table["stage"]):
            values = wide.loc[name].reindex(order)[f"mre_{unit}"]
            axes.plot(values, positions, marker, color=COLOURS[name], markersize=6, label=LABELS[name], zorder=2)
    offsets = np.linspace(0.27, -0.27, len(stages)) if len(stages) > 1 else np.zeros(1)
    for stage, offset in zip(stages, offsets, strict=True):
        rows = wide.loc[stage].reindex(order)
        values = rows[f"mre_{unit}"]
        if unit == "mm":
            axes.hlines(
                positions + offset, rows["mre_mm_low"], rows["mre_mm_high"], color=COLOURS[stage], linewidth=1.4, zorder=2
            )
        axes.plot(values, positions + offset, "o", color=COLOURS[stage], markersize=5, label=LABELS[stage], zorder=3)
    axes.set_yticks(positions, [plain_label(f"{name} ({known_or_own(name).symbol})") for name in order])
    axes.set(xlabel=f"mean radial error ({unit})", ylim=(-0.7, len(order) - 0.3))
    axes.set_xlim(left=0)
    bounds = "with 95 % intervals over images"
    if unit == "px":
        bounds = "in px, without intervals"
    elif table.loc[table["stage"].isin(stages), "mre_mm_low"].isna().all():
        bounds = f"without intervals (fewer than {MIN_IMAGES} images or patients)"
    return finished(figure, f"Error of each landmark on the test split, {bounds}", grid="x")


def finished(
    figure: Figure, title: str, *, grid: Literal["both", "x", "y"] | None = "both", legend_title: str | None = None
) -> Figure:
    """The figure of a pair of axes with title, light grid, and a legend outside the axes."""
    (axes,) = figure.axes
    axes.set_title(title, loc="left", fontweight="bold")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, title=legend_title, loc="outside lower center", ncols=min(4, len(labels)), frameon=False)
    if grid is not None:
        axes.grid(visible=True, axis=grid, color="#e6e6e6")
    return figure


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A new figure (size in inches) outside pyplot's registry, so that no figure stays open in a long run."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    return figure, axes
