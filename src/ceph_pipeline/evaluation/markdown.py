"""The evaluation as a short page of Markdown, to be read beside its figures."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.breakdown import hardest_first
from ceph_pipeline.evaluation.stages import LABELS, stages_in
from ceph_pipeline.evaluation.summary import UNKNOWN, comparison_lines, headline, notes, number, summary_rows

DEVICE_HEADER = ["device", "images", "mm per px", "MRE mm", "px"]


def page(report: dict[str, Any], landmarks: pd.DataFrame, devices: pd.DataFrame, figures: dict[str, str]) -> str:
    """Write the page.

    Args:
        report: From `evaluate`.
        landmarks: From `landmark_table`.
        devices: From `device_table`.
        figures: Title to file name, relative to the page.
    """
    last = stages_in(landmarks)[-1]
    parts = [
        "# Evaluation",
        f"{headline(report)}. Intervals are bootstrapped over images.",
        table_lines(summary_rows(report)),
        "\n".join(f"- {line}" for line in [*comparison_lines(report), *notes(report)]),
        f"## Landmarks, {LABELS[last]}, the hardest first",
        table_lines(_landmark_rows(landmarks, last)),
        f"## Devices, {LABELS[last]}",
        table_lines(_device_rows(devices, last)),
        *(f"## {title}\n\n![{title}]({file})" for title, file in figures.items()),
    ]
    return "\n\n".join(parts) + "\n"


def table_lines(rows: Iterable[list[str]]) -> str:
    """A Markdown table from a header and its rows."""
    header, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *body])


def _landmark_rows(table: pd.DataFrame, stage: str) -> list[list[str]]:
    rows = table[table["stage"] == stage].set_index("landmark").loc[hardest_first(table, stage)]
    rates = [column for column in table.columns if column.startswith("sdr_")]
    header = [
        "landmark",
        "images",
        "MRE mm",
        "95 % interval",
        "px",
        *(f"≤{float(rate.removeprefix('sdr_')):g} mm" for rate in rates),
    ]
    body = [
        [
            f"{name} ({row['symbol'].replace('`', '′')})",
            str(row["n"]),
            number(row["mre_mm"]),
            f"{number(row['mre_mm_low'])} – {number(row['mre_mm_high'])}" if pd.notna(row["mre_mm_low"]) else UNKNOWN,
            number(row["mre_px"]),
            *(number(row[rate], 1) for rate in rates),
        ]
        for name, row in rows.iterrows()
    ]
    return [header, *body]


def _device_rows(table: pd.DataFrame, stage: str) -> list[list[str]]:
    rows = table[table["stage"] == stage].to_dict(orient="records")
    body = [
        [row["machine"], str(row["n_images"]), *(number(row[key], 3) for key in ("pixel_size_mm", "mre_mm", "mre_px"))]
        for row in rows
    ]
    return [DEVICE_HEADER, *body]
