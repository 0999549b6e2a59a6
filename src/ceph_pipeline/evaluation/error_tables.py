"""Tables of errors for display; every cell is text."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ceph_pipeline.evaluation.breakdown import hardest_first
from ceph_pipeline.evaluation.display import UNKNOWN, bounded, image_count, number, numbers, rate_keys, rate_title, with_interval
from ceph_pipeline.evaluation.stages import LABELS, MEAN_SHAPE, OFFSET_REMOVED, READER_TO_TRUTH, READERS_FLOOR
from ceph_pipeline.landmarks.tables import STAGES

ABLATION_NOTE = (
    "Paired differences of the mean error to stage 1: each bootstrap resample uses the same images for both stages. "
    "A difference whose interval contains 0 is not significant."
)
ROBUSTNESS_NOTE = (
    "Augmented copies, predicted in a single view; the results above do not include copies. Differences are to the originals, on "
    "points known in both, with bootstrap intervals over sources."
)
DEVICE_NOTE = "If the data set contains a wrong pixel size for a device, its errors in mm do not match its errors in px."
REFERENCES = {
    READER_TO_TRUTH: "reader to truth mm",
    OFFSET_REMOVED: "offsets removed mm",
    READERS_FLOOR: "readers' random half mm",
}
"""Columns next to a stage's error."""


def compared(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics of the stages, the mean-shape baseline and the references, in the order of the headline table."""
    shown = {name: metrics[name] for name in (*STAGES, MEAN_SHAPE) if name in metrics}
    details = metrics["details"]
    return shown | {name: details[name] for name in REFERENCES if details.get(name)}


def stage_frame(stages: Mapping[str, Mapping[str, Any]], *, rate_intervals: bool = True) -> pd.DataFrame:
    """One row per stage: MRE in mm with interval, MRE in px, and SDRs in percent with intervals."""
    rates = rate_keys(next(iter(stages.values())))
    rows = [
        {
            "stage": LABELS[stage],
            "MRE mm": with_interval(fields["mre_mm"], fields["mre_mm_ci95"]),
            "MRE px": number(fields["mre_px"], 1),
            **{
                rate_title(key): with_interval(fields[key], fields[f"{key}_ci95"] if rate_intervals else None, 1) for key in rates
            },
        }
        for stage, fields in stages.items()
    ]
    return pd.DataFrame(rows)


def ablation_frame(metrics: dict[str, Any]) -> pd.DataFrame:
    """Each stage's error and its difference to stage 1."""
    stages, comparisons = [stage for stage in STAGES if stage in metrics], metrics["details"]["comparisons"]
    in_mm = all(metrics[stage]["n_images_mm"] == metrics[stage]["n_images"] for stage in stages)
    unit = next((result["unit"] for result in comparisons.values()), "mm" if in_mm else "px")
    rows = []
    for stage in stages:
        result = comparisons.get(f"{stage}_vs_stage1")
        difference, smaller = UNKNOWN, UNKNOWN
        if result:
            difference = f"{with_interval(result['difference'], result['difference_ci95'], 3, signed=True)} {unit}"
            smaller = f"{with_interval(result['improvement_percent'], result['ci95'], 1)} %"
        rows.append((LABELS[stage], f"{number(metrics[stage][f'mre_{unit}'])} {unit}", difference, smaller))
    return pd.DataFrame(rows, columns=["stage", "MRE", "difference to stage 1", "smaller by"])


def subset_frame(metrics: dict[str, Any], stage: str) -> pd.DataFrame:
    """One stage's metrics on the test split, its subsets, subsets of landmarks, and the validation split."""
    details = metrics["details"]
    parts = {
        "test": metrics | {name: details.get(name) for name in REFERENCES},
        "test without near-duplicates": details["without_near_duplicates"],
        **{f"subset {name}": table for name, table in details["subsets"].items()},
        **{f"{name} landmarks": table for name, table in details["landmark_subsets"].items()},
        "validation": details["valid"],
    }
    rows = []
    for name, part in parts.items():
        if not part.get(stage):
            continue
        fields = part[stage]
        beside = {title: number((part.get(key) or {}).get("mre_mm")) for key, title in REFERENCES.items()}
        counts = {"on": name, "images": image_count(fields), "landmarks": str(fields["n_landmarks"])}
        (row,) = stage_frame({stage: fields}).drop(columns="stage").to_dict(orient="records")
        rows.append(counts | row | beside)
    return without_empty(pd.DataFrame(rows))


def landmark_frame(table: pd.DataFrame, stage: str) -> pd.DataFrame:
    """One stage's landmarks, the largest error first, with the readers' distance and the error without offsets."""
    order = hardest_first(table, stage)
    by_stage = table.set_index(["stage", "landmark"])
    rows = table[table["stage"] == stage].set_index("landmark").loc[order]
    shown = {
        "landmark": [f"{name} ({symbol.replace('`', '′')})" for name, symbol in rows["symbol"].items()],
        "images": rows["n"].astype(str).tolist(),
        "MRE mm": bounded(rows, "mre_mm"),
        "SD": numbers(rows["std_mm"]),
        "median": numbers(rows["median_mm"]),
        "MRE px": numbers(rows["mre_px"]),
        **{rate_title(key): bounded(rows, key, 0) for key in rate_keys(rows.columns)},
    }
    beside = {
        title: numbers(by_stage.loc[key]["mre_mm"].reindex(order))
        for key, title in REFERENCES.items()
        if key in set(table["stage"])
    }
    return without_empty(pd.DataFrame(shown | beside))


def device_frame(table: pd.DataFrame, stage: str) -> pd.DataFrame:
    """One stage's devices, with a reader's distance to the truth."""
    rows = table[table["stage"] == stage].set_index("machine")
    readers = table[table["stage"] == READER_TO_TRUTH].set_index("machine")["mre_mm"].reindex(rows.index)
    shown = {
        "device": rows.index,
        "images": [image_count(fields) for fields in rows.to_dict(orient="records")],
        "mm per px": numbers(rows["pixel_size_mm"], 3),
        "MRE mm": bounded(rows, "mre_mm"),
        "MRE px": numbers(rows["mre_px"], 1),
        REFERENCES[READER_TO_TRUTH]: numbers(readers),
    }
    return without_empty(pd.DataFrame(shown))


def robustness_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Error of each stage and kind of copy, with the difference to the originals."""
    unit = "mm" if table["mre_mm"].notna().any() else "px"
    rate = rate_keys(table.columns)[0]
    return pd.DataFrame(
        {
            "stage": table["stage"].map(LABELS),
            "split": table["split"],
            "kind": table["kind"],
            "sources": table["n_sources"].astype(str),
            "images": table["n_images"].astype(str),
            f"MRE {unit}": bounded(table, f"mre_{unit}"),
            rate_title(rate): numbers(table[rate], 1),
            f"difference to original {unit}": bounded(table, f"difference_{unit}", 3, signed=True),
        }
    )


def gap_frame(table: pd.DataFrame) -> pd.DataFrame:
    """Error in px of each stage and split, and its ratio to the training error."""
    return pd.DataFrame(
        {
            "stage": table["stage"].map(LABELS),
            "split": table["split"],
            "images": table["n_images"].astype(str),
            "MRE px": bounded(table, "mre_px"),
            "times training's": numbers(table["over_training"]),
        }
    )


def without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """The table without reference columns that are empty."""
    empty = [title for title in REFERENCES.values() if title in table.columns and (table[title] == UNKNOWN).all()]
    return table.drop(columns=empty)
