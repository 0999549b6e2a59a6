"""The audit's overview: findings, scale of the devices, agreement of the readers. It contains no pixels of patients."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ceph_pipeline.artifacts import plain_label
from ceph_pipeline.audit.checks import CHECKS
from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import severity_counts
from ceph_pipeline.audit.params import AuditParams, SellaNasionParams
from ceph_pipeline.errors import counted
from ceph_pipeline.landmarks import known_or_own
from ceph_pipeline.landmarks.tables import SEVERITIES

SEVERITY_COLOURS = {"info": "#9db4c0", "warning": "#e69f00", "error": "#b3261e"}
BOX_COLOUR = "#0072B2"
BAND_COLOUR = "#dfeee0"
BAR_HEIGHT = 0.62


def overview(findings: pd.DataFrame, images: pd.DataFrame, landmarks: pd.DataFrame, params: AuditParams) -> Figure:
    """Findings by check, S–N length by device with the plausible band, and the readers' distance by landmark.

    Args:
        findings: Rows of `FindingTable`.
        images: Rows of `ImageTable`.
        landmarks: Rows of `LandmarkTable`.
        params: The limits to draw.
    """
    nothing = pd.DataFrame()
    evidence = Evidence(images, landmarks, quarantine=nothing, duplicates=nothing)
    figure = Figure(
        figsize=(13.5, max(7.0, 1.6 + 0.29 * len(evidence.landmark_names))),
        layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12),
    )
    layout = figure.subplot_mosaic([["findings", "readers"], ["scale", "readers"]], width_ratios=[1, 1.05])
    draw_findings(layout["findings"], findings)
    draw_scale(layout["scale"], evidence.sella_nasion(), params.sella_nasion)
    draw_readers(layout["readers"], evidence, params)
    splits = images["split"].value_counts()
    by_split = ", ".join(f"{splits[split]} {split}" for split in ("train", "valid", "test") if split in splits)
    figure.suptitle(
        f"Audit of {counted(len(images), 'cephalogram')} ({by_split})", x=0.01, ha="left", fontsize=15, fontweight="bold"
    )
    return figure


def draw_findings(axes: Axes, findings: pd.DataFrame) -> None:
    """One bar per check, stacked by severity, the most severe at the axis; checks without findings are labelled."""
    counts = severity_counts(findings, CHECKS)
    rows = np.arange(len(counts))
    left = np.zeros(len(counts))
    for severity in reversed(SEVERITIES):
        values = counts[severity].to_numpy()
        axes.barh(rows, values, BAR_HEIGHT, left=left, color=SEVERITY_COLOURS[severity], label=severity)
        left += values
    for row, total in enumerate(left):
        axes.annotate(f"{total:.0f}" if total else "none", (total, row), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(rows, [check.replace("_", " ") for check in counts.index])
    axes.set(xlim=(0, max(1.0, left.max()) * 1.12), ylim=(len(counts) - 0.4, -0.6), xlabel="findings")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes, "Findings by check")
    axes.legend(
        loc="lower right", bbox_to_anchor=(1.0, 0.995), ncols=3, frameon=False, borderaxespad=0.2, handlelength=1, columnspacing=1
    )


def draw_scale(axes: Axes, lengths: pd.DataFrame, limits: SellaNasionParams) -> None:
    """S–N of every image and its median, one row per device; the band marks plausible medians."""
    shown = lengths[lengths["unit"] == "mm"]
    _finish(axes, "Length S–N by device")
    if shown.empty:
        _say(axes, "no S–N length in mm:\nSella, Nasion or the pixel sizes are missing")
        return
    axes.axvspan(limits.low_mm, limits.high_mm, color=BAND_COLOUR, zorder=0)
    rng = np.random.default_rng(0)  # the same jitter in every run
    names = sorted(shown["machine"].unique())
    for row, machine in enumerate(names):
        values = shown.loc[shown["machine"] == machine, "length"].to_numpy()
        median = float(np.median(values))
        plausible = limits.low_mm <= median <= limits.high_mm
        colour = BOX_COLOUR if plausible else SEVERITY_COLOURS["error"]
        axes.plot(values, row + rng.uniform(-0.2, 0.2, len(values)), "o", color=colour, alpha=0.35, markersize=4, mew=0)
        axes.plot([median] * 2, [row - 0.32, row + 0.32], color=colour, linewidth=2.5)
        axes.annotate(f"{median:.1f}", (median, row - 0.34), ha="center", va="bottom", color=colour, fontweight="bold")
    counts = shown["machine"].value_counts()
    axes.set_yticks(np.arange(len(names)), [f"{plain_label(name)}\n(n = {counts[name]})" for name in names])
    axes.set(
        ylim=(len(names) - 0.4, -0.75),
        xlabel=f"S–N (mm); green: medians of {limits.low_mm:g}–{limits.high_mm:g} mm are plausible",
    )


def draw_readers(axes: Axes, evidence: Evidence, params: AuditParams) -> None:
    """Distance between readers, one box per landmark, the largest on top; whiskers reach the 5th and 95th percentiles."""
    in_mm = bool(np.isfinite(evidence.pixel_size_mm).any())
    unit, limit = ("mm", params.readers.far_mm) if in_mm else ("px", params.readers.far_px)
    _finish(axes, "Distance between readers by landmark")
    distances = _pooled_distances(evidence, in_mm=in_mm)
    boxes = {name: column[np.isfinite(column)] for name, column in zip(evidence.landmark_names, distances.T, strict=True)}
    boxes = {name: values for name, values in boxes.items() if len(values)}
    if not boxes:
        _say(axes, "one reader only")
        return
    order = sorted(boxes, key=lambda name: -float(np.median(boxes[name])))
    axes.boxplot(
        [boxes[name] for name in order],
        positions=range(len(order)),
        orientation="horizontal",
        widths=BAR_HEIGHT,
        whis=(5, 95),
        patch_artist=True,
        boxprops={"facecolor": "#cfe3f1", "edgecolor": BOX_COLOUR},
        medianprops={"color": BOX_COLOUR, "linewidth": 2},
        whiskerprops={"color": BOX_COLOUR},
        capprops={"color": BOX_COLOUR},
        flierprops={"marker": ".", "markersize": 4, "markerfacecolor": "#555555", "markeredgecolor": "none", "alpha": 0.5},
    )
    axes.axvline(limit, color=SEVERITY_COLOURS["warning"], linestyle="--")
    axes.set_yticks(range(len(order)), [plain_label(f"{name} ({known_or_own(name).symbol})") for name in order])
    farthest = max(float(values.max()) for values in boxes.values())
    axes.set(xlim=(0, 1.05 * farthest or limit), ylim=(len(order) - 0.4, -0.6))
    axes.set_xlabel(f"distance ({unit}); a finding above {limit:g} {unit}")


def _pooled_distances(evidence: Evidence, *, in_mm: bool) -> NDArray[np.float64]:
    """`(pairs of readers · N, K)` in mm or px."""
    scale = evidence.pixel_size_mm[:, None] if in_mm else 1.0
    pairs = [distance * scale for distance in evidence.reader_distances().values()]
    return np.concatenate(pairs) if pairs else np.empty((0, len(evidence.landmark_names)))


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="x", color="#e6e6e6")


def _say(axes: Axes, text: str) -> None:
    """Write the reason into an empty panel."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#666666")
