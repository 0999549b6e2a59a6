"""Figure of the deviations between the ruler's and the data set's pixel sizes, by device."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ceph_pipeline.artifacts import plain_label


def deviation_figure(calibration: pd.DataFrame, tolerated_deviation_pct: float) -> Figure:
    """One dot per image, grouped by device, and the tolerated band.

    Args:
        calibration: Result of `calibrate`.
        tolerated_deviation_pct: Half the band's height.
    """
    compared = calibration.dropna(subset=["deviation_pct"])
    machines = sorted(compared["machine"].unique())
    figure = Figure(figsize=(max(5.0, 1.4 * len(machines) + 2), 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.axhspan(-tolerated_deviation_pct, tolerated_deviation_pct, color="tab:green", alpha=0.12, label="tolerated")
    axes.axhline(0, color="grey", linewidth=0.8)
    rng = np.random.default_rng(0)  # horizontal jitter, for legibility only
    for position, machine in enumerate(machines):
        values = compared.loc[compared["machine"] == machine, "deviation_pct"].to_numpy()
        axes.plot(position + rng.uniform(-0.18, 0.18, len(values)), values, ".", alpha=0.6)
        axes.plot([position - 0.3, position + 0.3], [np.median(values)] * 2, color="black", linewidth=1.5)
    axes.set_xticks(
        range(len(machines)), [f"{plain_label(name)}\nn = {(compared['machine'] == name).sum()}" for name in machines]
    )
    axes.set(title="Pixel size from the ruler relative to the data set", ylabel="deviation, %")
    figure.legend(loc="outside lower center", frameon=False)
    return figure
