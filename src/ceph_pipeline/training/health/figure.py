"""The report's figure: curves with marked findings, and spread, peak and error of every landmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from ceph_pipeline.training.health.finding import relative_errors
from ceph_pipeline.training.health.milestones import FULL_EPOCHS, MRE_MM

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from ceph_pipeline.training.health.record import TrainingRecord, Validation

_TRAIN, _VALID, _MILESTONE = "#0072B2", "#D55E00", "#8A8A8A"
_SEVERITY = {"warning": "#E69F00", "error": "#C00000"}


def health_figure(record: TrainingRecord, findings: pd.DataFrame) -> Figure:
    """Losses and errors by epoch on the left; spread, peak and error of the last validation by landmark on the right.

    Args:
        record: The record of the training.
        findings: Rows of `HealthTable`; each finding is drawn as a line at its first epoch.
    """
    n = len(record.landmarks)
    figure = Figure(figsize=(15, max(7.0, 2.2 + 0.27 * n)), layout="constrained")
    grid = figure.add_gridspec(2, 5, width_ratios=[1.1, 1.1, 0.9, 0.9, 0.9])
    losses, errors = figure.add_subplot(grid[0, :2]), figure.add_subplot(grid[1, :2])
    _draw_losses(losses, record)
    _draw_errors(errors, record)
    _mark(losses, errors, findings)
    validated = record.validated()
    if validated:
        first = figure.add_subplot(grid[:, 2])
        axes = [first, *(figure.add_subplot(grid[:, column], sharey=first) for column in (3, 4))]
        _draw_landmarks(axes, record.landmarks, validated[-1][1])
    verdict = ", ".join(findings["check"]) if len(findings) else "nothing found"
    figure.suptitle(
        f"Health of {record.stage} after {len(record.epochs)} epochs: {verdict}", x=0.01, ha="left", fontweight="bold"
    )
    return figure


def _draw_losses(axes: Axes, record: TrainingRecord) -> None:
    for name, colour, label in (("train/loss", _TRAIN, "training"), ("val/loss", _VALID, "validation")):
        axes.plot(*record.curve(name), color=colour, linewidth=1.8, label=label)
    _finish(axes, "loss", [value for name in ("train/loss", "val/loss") for value in record.curve(name)[1]])


def _draw_errors(axes: Axes, record: TrainingRecord) -> None:
    unit = "mm" if len(record.curve("val/mre_mm")[0]) else "px"
    epochs, values = record.curve(f"val/mre_{unit}")
    axes.plot(epochs, values, color=_VALID, linewidth=1.8, label="validation MRE")
    if unit == "mm":
        due = [epoch * record.planned_epochs / FULL_EPOCHS for epoch in MRE_MM]
        axes.plot(due, list(MRE_MM.values()), "v", color=_MILESTONE, label="milestones of 250 epochs, at the same share")
    _finish(axes, f"mean radial error ({unit})", values)
    axes.set_xlabel("epoch")


def _finish(axes: Axes, label: str, values: list[float] | NDArray[np.float64]) -> None:
    finite = np.array([value for value in values if np.isfinite(value) and value > 0])
    if len(finite) and finite.max() > 5 * finite.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#e6e6e6")
    axes.legend(loc="upper right", edgecolor="none", framealpha=0.9)


def _mark(losses: Axes, errors: Axes, findings: pd.DataFrame) -> None:
    """Draw a line for each finding in both plots, with its name at alternating heights of the upper plot."""
    marks = zip(findings["check"], findings["severity"], findings["epoch"].astype(float), strict=True)
    for number, (check, severity, epoch) in enumerate(marks):
        colour = _SEVERITY[severity]
        for axes in (losses, errors):
            axes.axvline(epoch, color=colour, linewidth=1.2, linestyle="--")
        losses.annotate(
            check,
            (epoch, 0.03 + 0.075 * (number % 8)),
            xycoords=("data", "axes fraction"),
            color=colour,
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )


def _draw_landmarks(axes: list[Axes], names: tuple[str, ...], validation: Validation) -> None:
    positions = np.arange(len(names))[::-1]
    spread = np.array(validation.spread) / np.maximum(validation.target_spread, 1e-9)
    peak, relative = np.array(validation.peak), relative_errors(validation)
    for panel, values, label in (
        (axes[0], spread, "spread of predictions / of truth"),
        (axes[1], peak, "median peak (1: certain)"),
        (axes[2], relative, "error / error of the mean shape"),
    ):
        shown = np.clip(np.nan_to_num(values), 0, 2)
        panel.barh(positions, shown, color=np.where(values > 2, _SEVERITY["error"], _TRAIN), height=0.7)
        panel.axvline(1, color=_MILESTONE, linewidth=1)
        panel.set(xlabel=label, xlim=(0, 2), ylim=(-0.7, len(names) - 0.3))
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelleft=panel is axes[0])
    axes[0].set_yticks(positions, names, fontsize=8)
