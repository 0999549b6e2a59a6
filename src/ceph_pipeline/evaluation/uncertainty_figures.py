"""Figures of the uncertainty: reliability before and after calibration, and gross errors found by flags."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ceph_pipeline.evaluation.context_figures import notice
from ceph_pipeline.evaluation.figures import COLOURS, finished, new_axes
from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.evaluation.uncertainty import calibration_error
from ceph_pipeline.uncertainty import GROSS_MM

RELIABILITY, FLAGS = "Reliability of the uncertainty", "Gross errors among the least certain points"
PANELS = {False: "as predicted", True: "calibrated"}


def reliability_figure(table: pd.DataFrame) -> Figure:
    """Predicted and observed standard deviations before and, if available, after calibration, one line per stage.

    Args:
        table: From `reliability_table`.
    """
    shown = table[(table["sigma"] > 0) & (table["observed"] > 0)]
    if shown.empty:
        return notice(RELIABILITY, "no prediction has a standard deviation above 0")
    panels = [calibrated for calibrated in PANELS if (shown["calibrated"] == calibrated).any()]
    figure = Figure(figsize=(5.6 * len(panels) + 0.6, 5.8), layout="constrained")
    figure.suptitle(f"{RELIABILITY} on the test split", x=0.01, ha="left", fontweight="bold")
    values = shown[["sigma", "observed"]].to_numpy()
    low, high = max(values.min() / 1.3, values.max() / 1000), values.max() * 1.3
    for axes, calibrated in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        axes.plot([low, high], [low, high], color="#999999", linewidth=1, label="perfect")
        _draw_stages(axes, shown[shown["calibrated"] == calibrated])
        unit = shown["unit"].iloc[0]
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal", title=PANELS[calibrated])
        axes.set(xlabel=f"predicted standard deviation ({unit})", ylabel=f"observed standard deviation ({unit})")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)
        axes.grid(visible=True, which="both", color="#eeeeee")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def flag_figure(table: pd.DataFrame) -> Figure:
    """Share of gross errors found against share of flagged points, one line per stage; the dot is the model's threshold.

    Args:
        table: From `flag_curves`.
    """
    if table.empty:
        return notice(FLAGS, f"no error above {GROSS_MM:g} mm, no pixel sizes, or no calibration")
    figure, axes = new_axes(8, 5)
    axes.plot([0, 100], [0, 100], color="#999999", linewidth=1, label="chance")
    for stage in stages_in(table):
        rows = table[table["stage"] == stage]
        curve, chosen = rows[~rows["chosen"].astype(bool)], rows[rows["chosen"].astype(bool)]
        axes.plot(curve["flagged_percent"], curve["caught_percent"], color=COLOURS[stage], linewidth=2, label=LABELS[stage])
        axes.plot(chosen["flagged_percent"], chosen["caught_percent"], "o", color=COLOURS[stage], markersize=8)
    axes.set(xlim=(0, 60), ylim=(0, 102), xlabel="points flagged (%)", ylabel=f"errors above {GROSS_MM:g} mm among them (%)")
    return finished(figure, f"{FLAGS}; dots: the threshold in use")


def _draw_stages(axes: Axes, rows: pd.DataFrame) -> None:
    for stage in stages_in(rows):
        of_stage = rows[rows["stage"] == stage]
        label = f"{LABELS[stage]}: ENCE {calibration_error(of_stage):.2f}"
        axes.plot(of_stage["sigma"], of_stage["observed"], "o-", color=COLOURS[stage], markersize=4, label=label)
