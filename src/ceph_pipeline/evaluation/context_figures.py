"""Additional figures: errors by kind of copy, and by split."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ceph_pipeline.evaluation.figures import COLOURS, finished, new_axes
from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.landmarks.tables import SPLITS

NOTHING = "no data: "


def robustness_figure(table: pd.DataFrame) -> Figure:
    """Mean error by kind of copy with its 95 % interval, for each stage.

    Args:
        table: From `robustness_table`; if it contains several splits, the last one is drawn.
    """
    if table.empty:
        return notice("Error by kind of copy", "the configured splits have no augmented copies")
    table = table[table["split"] == table["split"].iloc[-1]]
    unit = "mm" if table["mre_mm"].notna().any() else "px"
    stages, kinds = stages_in(table), list(table["kind"].unique())
    figure, axes = new_axes(9, 4.8)
    width = 0.8 / len(stages)
    for number, stage in enumerate(stages):
        rows = table[table["stage"] == stage].set_index("kind").reindex(kinds)
        centres = np.arange(len(kinds)) + (number - (len(stages) - 1) / 2) * width
        mean = rows[f"mre_{unit}"]
        axes.bar(centres, mean, width * 0.92, color=COLOURS[stage], label=LABELS[stage], zorder=2)
        axes.vlines(centres, rows[f"mre_{unit}_low"], rows[f"mre_{unit}_high"], color="#333333", linewidth=1.4, zorder=3)
        tops = rows[f"mre_{unit}_high"].fillna(mean)
        for x, top, value in zip(centres, tops, rows[f"difference_{unit}"], strict=True):
            if np.isfinite(value):
                axes.annotate(f"{value:+.2f}", (x, top), (0, 3), textcoords="offset points", ha="center", fontsize=9)
    counts = table[table["stage"] == stages[0]].set_index("kind")["n_images"]
    axes.set_xticks(range(len(kinds)), [f"{kind}\n{counts[kind]} images" for kind in kinds])
    axes.set(ylabel=f"mean radial error ({unit})")
    split = table["split"].iloc[0]
    axes.margins(y=0.08)
    return finished(figure, f"Error by kind of copy, {split} split; numbers: difference to the same originals", grid="y")


def gap_figure(table: pd.DataFrame) -> Figure:
    """Error in px on training, validation and test images with 95 % intervals, one line per stage.

    Args:
        table: From `gap_table`.
    """
    if table.empty:
        return notice("Training against validation", "no training image was predicted (evaluation.training_images)")
    figure, axes = new_axes(7, 4.5)
    stages = stages_in(table)
    for number, stage in enumerate(stages):
        rows = table[table["stage"] == stage].set_index("split").reindex(list(SPLITS))
        x = np.arange(len(SPLITS)) + 0.06 * (number - (len(stages) - 1) / 2)
        axes.vlines(x, rows["mre_px_low"], rows["mre_px_high"], color=COLOURS[stage], linewidth=1.6)
        axes.plot(x, rows["mre_px"], "o-", color=COLOURS[stage], label=LABELS[stage])
    counts = table[table["stage"] == stages[0]].set_index("split")["n_images"].reindex(list(SPLITS), fill_value=0)
    axes.set_xticks(range(len(SPLITS)), [f"{split}\n{counts[split]} images" for split in SPLITS])
    axes.set(ylabel="mean radial error (px)", ylim=(0, None))
    return finished(figure, "Error on training, validation and test images", grid="y")


def notice(title: str, reason: str) -> Figure:
    """An empty figure that contains the reason."""
    figure, axes = new_axes(7, 1.6)
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontweight="bold")
    axes.text(0, 0.5, NOTHING + reason, transform=axes.transAxes, va="center")
    return figure
