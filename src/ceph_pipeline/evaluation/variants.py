"""Trainings beside each other: one table and one figure."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

BOTH = "all"
"""What the table calls all landmarks together."""


def variant_table(errors: Mapping[str, pd.DataFrame], variants: pd.DataFrame) -> pd.DataFrame:
    """Errors in px of each variant, of each landmark and of all together.

    Args:
        errors: `ErrorTable` of each variant, on the same images.
        variants: Rows `variant, …`, whose columns are kept.

    Returns:
        The columns of `variants`, and `landmark, n, mean_px, median_px, sd_px, min_px, max_px`.
    """
    rows = []
    for name, table in errors.items():
        groups = {BOTH: table["error_px"], **{str(key): rows["error_px"] for key, rows in table.groupby("landmark", sort=False)}}
        for landmark, values in groups.items():
            known = values.dropna()
            found = {"n": len(known)} | {
                f"{label}_px": known.agg(how) if len(known) else np.nan
                for label, how in (("mean", "mean"), ("median", "median"), ("sd", "std"), ("min", "min"), ("max", "max"))
            }
            rows.append({"variant": name, "landmark": landmark, **found})
    return variants.merge(pd.DataFrame(rows), on="variant")


def variant_lines(table: pd.DataFrame) -> list[str]:
    """One sentence a variant."""
    return [
        f"{row['variant']}: mean {row['mean_px']:.2f} px, median {row['median_px']:.2f} px ({row['n_sources']} sources, "
        f"{row['n_parameters'] / 1e6:.1f} million parameters, {row['epochs']} epochs at most, "
        f"{row['training_seconds'] / 60:.1f} min, then {row['images_per_s']:.1f} images/s)"
        for _, row in table[table["landmark"] == BOTH].iterrows()
    ]


def network_figure(table: pd.DataFrame) -> Figure:
    """Mean and median error of each network, and its parameters and training time."""
    networks = table[table["landmark"] == BOTH]
    figure = Figure(figsize=(11, 0.6 * len(networks) + 1.8), layout="constrained")
    left, middle, right, rightmost = figure.subplots(1, 4, sharey=True)
    places = np.arange(len(networks))
    left.barh(places, networks["mean_px"], color="#9ecae1", label="mean")
    left.plot(networks["median_px"], places, "D", color="#08519c", label="median")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
    middle.barh(places, networks["n_parameters"] / 1e6, color="grey")
    right.barh(places, networks["training_seconds"] / 60, color="grey")
    rightmost.barh(places, networks["images_per_s"], color="grey")
    left.set(yticks=places, yticklabels=networks["variant"], xlabel="error, px", title="Test images")
    middle.set(xlabel="million", title="Parameters")
    right.set(xlabel="minutes", title=f"Training, up to {int(networks['epochs'].max())} epochs")
    rightmost.set(xlabel="images a second", title="Prediction")
    left.invert_yaxis()
    return figure


def learning_curve_figure(table: pd.DataFrame) -> Figure:
    """Error against the number of training sources, each landmark and all together."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for landmark, rows in table.groupby("landmark", sort=False):
        ordered = rows.sort_values("n_sources")
        width, alpha = (2.2, 1.0) if landmark == BOTH else (1.0, 0.7)
        axes.plot(ordered["n_sources"], ordered["mean_px"], "o-", label=f"{landmark}, mean", linewidth=width, alpha=alpha)
    every = table[table["landmark"] == BOTH].sort_values("n_sources")
    axes.plot(every["n_sources"], every["median_px"], "s--", color="black", linewidth=1, label=f"{BOTH}, median")
    axes.set(xscale="log", yscale="log", xlabel="training images", ylabel="error on test images, px", title="Learning curve")
    axes.set_xticks(every["n_sources"], [str(count) for count in every["n_sources"]])
    axes.legend(frameon=False)
    return figure
