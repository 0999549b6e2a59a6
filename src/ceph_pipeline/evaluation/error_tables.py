"""Tables of errors as text, for reports."""

from typing import Any

import numpy as np
import pandas as pd

from ceph_pipeline.evaluation.breakdown import hardest_first
from ceph_pipeline.evaluation.stages import INTER_READER, LABELS, STAGES
from ceph_pipeline.evaluation.summary import UNKNOWN, number, rate_keys, rate_title, with_interval

ABLATION_NOTE = (
    "Differences of the mean error to stage 1, paired: each of the bootstrap's draws takes the same images for both. "
    "An interval that holds 0 is no more than noise."
)
ROBUSTNESS_NOTE = (
    "Augmented copies in a single view; they enter no figure above. Differences are to the same sources' originals, on the "
    "points known in both, with intervals by bootstrap over sources."
)
DEVICE_NOTE = "A device whose pixel size is wrong in the data set shows as millimetres out of line with the pixels."


def ablation_rows(metrics: dict[str, Any]) -> list[list[str]]:
    """Each stage's error and its difference to stage 1."""
    rows = [["stage", "MRE", "difference to stage 1", "smaller by"]]
    compared = metrics["details"]["comparisons"]
    for stage in (stage for stage in STAGES if stage in metrics):
        result = compared.get(f"{stage}_vs_stage1")
        if result is None:
            unit = "mm" if known(metrics[stage]["mre_mm"]) else "px"
            rows.append([LABELS[stage], f"{number(metrics[stage][f'mre_{unit}'])} {unit}", UNKNOWN, UNKNOWN])
            continue
        unit = result["unit"]
        rows.append(
            [
                LABELS[stage],
                f"{number(metrics[stage][f'mre_{unit}'])} {unit}",
                f"{with_interval(result['difference'], result['difference_ci95'], 3, signed=True)} {unit}",
                f"{with_interval(result['improvement_percent'], result['ci95'], 1)} %",
            ]
        )
    return rows


def subset_rows(metrics: dict[str, Any], stage: str) -> list[list[str]]:
    """One stage's figures on the whole test split, its subsets and subsets of landmarks, and on validation."""
    details, headline = metrics["details"], {stage: metrics[stage], INTER_READER: metrics["details"]["inter_reader"]}
    tables = {
        "test": headline,
        "test without near-duplicates": details["without_near_duplicates"],
        **{f"subset {name}": table for name, table in details["subsets"].items()},
        **{f"{name} landmarks": table for name, table in details["landmark_subsets"].items()},
        "validation": details["valid"],
    }
    rates = rate_keys(metrics[stage])
    header = ["on", "images", "landmarks", "MRE mm", "px", *map(rate_title, rates), "readers mm"]
    body = []
    for name, table in tables.items():
        if fields := table.get(stage):
            readers = table.get(INTER_READER)
            body.append(
                [
                    name,
                    str(fields["n_images"]),
                    str(fields["n_landmarks"]),
                    with_interval(fields["mre_mm"], fields["mre_mm_ci95"]),
                    number(fields["mre_px"], 1),
                    *(number(fields[rate], 1) for rate in rates),
                    number(readers["mre_mm"]) if readers else UNKNOWN,
                ]
            )
    return [header, *body]


def landmark_rows(table: pd.DataFrame, stage: str) -> list[list[str]]:
    """One stage's landmarks, the hardest first, the readers' distance beside each."""
    rows = table[table["stage"] == stage].set_index("landmark").loc[hardest_first(table, stage)]
    readers = table[table["stage"] == INTER_READER].set_index("landmark")["mre_mm"].to_dict()
    rates = rate_keys(table.columns)
    header = ["landmark", "images", "MRE mm", "SD", "median", "px", *map(rate_title, rates), "readers mm"]
    body = [
        [
            f"{name} ({row['symbol'].replace('`', '′')})",
            str(row["n"]),
            with_interval(row["mre_mm"], [row["mre_mm_low"], row["mre_mm_high"]]),
            number(row["std_mm"]),
            number(row["median_mm"]),
            number(row["mre_px"]),
            *(number(row[rate], 1) for rate in rates),
            number(readers.get(str(name))),
        ]
        for name, row in rows.iterrows()
    ]
    return [header, *body]


def device_rows(table: pd.DataFrame, stage: str) -> list[list[str]]:
    """One stage's devices, the readers' distance beside each."""
    readers = table[table["stage"] == INTER_READER].set_index("machine")["mre_mm"]
    body = [
        [
            row["machine"],
            str(row["n_images"]),
            number(row["pixel_size_mm"], 3),
            with_interval(row["mre_mm"], [row["mre_mm_low"], row["mre_mm_high"]]),
            number(row["mre_px"], 1),
            number(readers.get(row["machine"])),
        ]
        for row in table[table["stage"] == stage].to_dict(orient="records")
    ]
    return [["device", "images", "mm per px", "MRE mm", "px", "readers mm"], *body]


def robustness_rows(table: pd.DataFrame) -> list[list[str]]:
    """Stage and kind, its error, its difference to the originals."""
    unit = "mm" if table["mre_mm"].notna().any() else "px"
    rate = next(iter(rate_keys(table.columns)))
    header = ["stage", "split", "kind", "sources", "images", f"MRE {unit}", rate_title(rate), f"difference to original {unit}"]
    body = [
        [
            LABELS[row["stage"]],
            row["split"],
            row["kind"],
            str(row["n_sources"]),
            str(row["n_images"]),
            with_interval(row[f"mre_{unit}"], [row[f"mre_{unit}_low"], row[f"mre_{unit}_high"]]),
            number(row[rate], 1),
            with_interval(
                row[f"difference_{unit}"], [row[f"difference_{unit}_low"], row[f"difference_{unit}_high"]], 3, signed=True
            ),
        ]
        for row in table.to_dict(orient="records")
    ]
    return [header, *body]


def gap_rows(table: pd.DataFrame) -> list[list[str]]:
    """Stage and split, its error in px, and how many times the training error that is."""
    body = [
        [
            LABELS[row["stage"]],
            row["split"],
            str(row["n_images"]),
            with_interval(row["mre_px"], [row["mre_px_low"], row["mre_px_high"]]),
            number(row["over_training"]),
        ]
        for row in table.to_dict(orient="records")
    ]
    return [["stage", "split", "images", "MRE px", "times training's"], *body]


def known(value: float | None) -> bool:
    """Whether a figure is there."""
    return value is not None and not np.isnan(value)
