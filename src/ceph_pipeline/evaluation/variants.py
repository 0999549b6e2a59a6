"""Comparison of several trainings in a table and a figure."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from ceph_pipeline.landmarks import SCHEMAS

ALL = "all"
"""Label of all landmarks together in the table."""
NAMED = 4
"""Maximum number of landmarks with separate lines in the learning curve."""
STATISTICS = {"mean": "mean", "median": "median", "sd": "std", "min": "min", "max": "max"}


def variant_table(errors: Mapping[str, pd.DataFrame], variants: pd.DataFrame) -> pd.DataFrame:
    """Errors of each variant, by landmark and for all landmarks together.

    Args:
        errors: `ErrorTable` of each variant, on the same images.
        variants: Rows `variant, …`, whose columns are kept.

    Returns:
        The columns of `variants`, and `landmark, n, mean_px, median_px, sd_px, min_px, max_px`, and the same in mm, NaN if a
        pixel size is unknown.
    """
    rows = []
    for name, table in errors.items():
        groups = {ALL: table, **{str(key): rows for key, rows in table.groupby("landmark", sort=False)}}
        for landmark, group in groups.items():
            of_px, of_mm = (_statistics(group[f"error_{unit}"], unit) for unit in ("px", "mm"))
            n, n_mm = (int(group[f"error_{unit}"].notna().sum()) for unit in ("px", "mm"))
            if n_mm < n:
                of_mm = dict.fromkeys(of_mm, np.nan)
            rows.append({"variant": name, "landmark": landmark, "n": n, **of_px, **of_mm})
    return variants.merge(pd.DataFrame(rows), on="variant")


def _statistics(errors: pd.Series, unit: str) -> dict[str, float]:
    known = errors.dropna()
    return {f"{label}_{unit}": float(known.agg(how)) if len(known) else np.nan for label, how in STATISTICS.items()}


def unit_of(table: pd.DataFrame) -> str:
    """`mm` if every error is known in mm; `px` otherwise, and for a ruler's marks, from which pixel sizes are computed."""
    marks = set(table["landmark"]) - {ALL} <= set(SCHEMAS["ruler"].names)
    return "px" if marks or table["mean_mm"].isna().any() else "mm"


def variant_lines(table: pd.DataFrame) -> list[str]:
    """One sentence per variant."""
    unit = unit_of(table)
    return [
        f"{row['variant']}: mean {row[f'mean_{unit}']:.2f} {unit}, median {row[f'median_{unit}']:.2f} {unit} ({row['n_sources']} "
        f"sources, {row['n_parameters'] / 1e6:.1f} million parameters, {row['epochs']} epochs at most, "
        f"{row['training_seconds'] / 60:.1f} min, then {row['images_per_s']:.1f} images/s)"
        for _, row in table[table["landmark"] == ALL].iterrows()
    ]


def network_figure(table: pd.DataFrame) -> Figure:
    """Mean and median error of each network, and its parameters and training time."""
    networks, unit = table[table["landmark"] == ALL], unit_of(table)
    figure = Figure(figsize=(11, 0.6 * len(networks) + 1.8), layout="constrained")
    left, middle, right, rightmost = figure.subplots(1, 4, sharey=True)
    places = np.arange(len(networks))
    left.barh(places, networks[f"mean_{unit}"], color="#9ecae1", label="mean")
    left.plot(networks[f"median_{unit}"], places, "D", color="#08519c", label="median")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
    middle.barh(places, networks["n_parameters"] / 1e6, color="grey")
    right.barh(places, networks["training_seconds"] / 60, color="grey")
    rightmost.barh(places, networks["images_per_s"], color="grey")
    left.set(yticks=places, yticklabels=networks["variant"], xlabel=f"error, {unit}", title="Test images")
    middle.set(xlabel="million", title="Parameters")
    right.set(xlabel="minutes", title=f"Training, up to {int(networks['epochs'].max())} epochs")
    rightmost.set(xlabel="images per second", title="Prediction")
    left.invert_yaxis()
    return figure


def learning_curve_figure(table: pd.DataFrame) -> Figure:
    """Error against the number of training sources: all landmarks together, and each landmark or, for many, their range."""
    unit = unit_of(table)
    means = table.pivot_table(index="n_sources", columns="landmark", values=f"mean_{unit}", sort=False, dropna=False).sort_index()
    every, each = table[table["landmark"] == ALL].sort_values("n_sources"), means.drop(columns=ALL)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    if each.shape[1] <= NAMED:
        for landmark, values in each.items():
            axes.plot(each.index, values, "o-", label=f"{landmark}, mean", linewidth=1, alpha=0.7)
    else:
        worst, best = each.iloc[-1].idxmax(), each.iloc[-1].idxmin()
        label = f"range of the means of {each.shape[1]} landmarks; last: {best} (lowest) to {worst}"
        axes.fill_between(each.index, each.min(axis=1), each.max(axis=1), color="tab:blue", alpha=0.15, label=label)
    axes.plot(means.index, means[ALL], "o-", color="tab:blue", linewidth=2.2, label=f"{ALL}, mean")
    axes.plot(every["n_sources"], every[f"median_{unit}"], "s--", color="black", linewidth=1, label=f"{ALL}, median")
    axes.set(xscale="log", yscale="log", xlabel="training images", ylabel=f"error on test images, {unit}", title="Learning curve")
    axes.set_xticks(every["n_sources"], [str(count) for count in every["n_sources"]])
    axes.xaxis.set_minor_formatter(NullFormatter())
    for formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        formatter(ScalarFormatter())
    figure.legend(loc="outside lower center", frameon=False)
    return figure
