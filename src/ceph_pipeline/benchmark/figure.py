"""Bar charts of throughput and memory."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANELS = {"images_per_s": "images per second", "peak_memory_mib": "peak memory, MiB"}
STEPS = ("training", "inference")


def benchmark_figure(table: pd.DataFrame) -> Figure:
    """A row of panels for training and one for inference: throughput and memory of each case and batch, by configuration.

    Args:
        table: From `time_cells`; cells that could not be measured have a label with the reason instead of a bar.
    """
    steps = [step for step in STEPS if (table["step"] == step).any()]
    groups = table.loc[table["step"].isin(steps)].apply(_network, axis=1).nunique()
    figure = Figure(figsize=(11, max(2.6, 0.9 * groups + 1.4) * len(steps)), layout="constrained")
    axes = figure.subplots(len(steps), len(PANELS), squeeze=False)
    for row, step in zip(axes, steps, strict=True):
        for panel, (column, label) in zip(row, PANELS.items(), strict=True):
            _bars(panel, table[table["step"] == step], column)
            panel.set(xlabel=label, title=step)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _bars(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    """Horizontal bars, grouped by case and batch."""
    names = rows.apply(_network, axis=1)
    networks = list(dict.fromkeys(names))
    configurations = list(dict.fromkeys(rows["configuration"]))
    height = 0.8 / len(configurations)
    for number, configuration in enumerate(configurations):
        of = rows["configuration"] == configuration
        values = pd.Series(rows.loc[of, column].to_numpy(np.float64), index=names[of]).reindex(networks)
        status = pd.Series(rows.loc[of, "status"].to_numpy(), index=names[of]).reindex(networks)
        places = np.arange(len(networks)) + (number - (len(configurations) - 1) / 2) * height
        bars = axes.barh(places, values.fillna(0), height, label=configuration.replace("_", " "))
        labels = [f" {_short(value)}" if np.isfinite(value) else f" {why}" for value, why in zip(values, status, strict=True)]
        axes.bar_label(bars, labels, fontsize=7)
    axes.set_yticks(range(len(networks)), networks)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _network(row: pd.Series) -> str:
    """A label with all columns of `IDENTITY`, so that two rows of the same step and configuration never share a bar."""
    size = f"{row['width_px']} × {row['height_px']}, stride {row['stride']}, batch {row['batch_size']}"
    return f"{row['backbone']}, {row['stage']}\n{size}"
