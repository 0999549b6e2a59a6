"""Cephalometric measurements of predicted landmarks."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ceph_pipeline.cephalometry import MEASUREMENTS, CephalometryParams, Rule, judge, measure_table
from ceph_pipeline.uncertainty.points import sigma_px

_NO_NORMS = CephalometryParams()


def measured_pixel_sizes(sizes: pd.DataFrame) -> dict[str, float]:
    """Millimetres per pixel by image, without anatomical estimates, for which S–N would be 71 mm in every patient.

    Args:
        sizes: From `pixel_sizes`.
    """
    measured = sizes[sizes["source"] != "anatomical"]
    return dict(zip(measured["image_id"].astype(str), measured["mm_per_pixel"].tolist(), strict=True))


def measurement_rows(
    predictions: pd.DataFrame, pixel_size_mm: Mapping[str, float], params: CephalometryParams = _NO_NORMS
) -> pd.DataFrame:
    """All measurements that the landmarks allow: rows `image_id, measurement, value, sigma, unit`.

    - Measurements in millimetres need a pixel size and are absent without one.
    - Landmarks that no measurement uses, such as the ruler marks, are ignored.
    - `sigma` is propagated from the `sigma_px` of the points, calibrated if a calibration exists.
    - If norm sets are chosen, the columns `norm_set, norm_mean, norm_sd, deviation_sd` are added. They are empty for measurements
      without a norm in the chosen sets.

    Args:
        predictions: Points of one stage.
        pixel_size_mm: Pixel size of each image; NaN or absent where unknown.
        params: Contain the chosen norm sets.
    """
    sizes = {str(image_id): pixel_size_mm.get(str(image_id), np.nan) for image_id in predictions["image_id"].unique()}
    table = measure_table(predictions.assign(sigma_px=sigma_px(predictions)), sizes).dropna(subset="value").reset_index(drop=True)
    table["unit"] = [MEASUREMENTS[key].unit for key in table["measurement"]]
    table = table.astype({"image_id": str, "measurement": str, "value": float, "sigma": float, "unit": str})
    return _beside_norms(table, params) if params.compare_with else table


def _beside_norms(table: pd.DataFrame, params: CephalometryParams) -> pd.DataFrame:
    """Measurements with the chosen norms."""
    norms = params.norms
    found = [norms.get(key) for key in table["measurement"]]
    means = [np.nan if each is None or each.norm.mean is None else each.norm.mean for each in found]
    sds = [np.nan if each is None or each.norm.sd is None else each.norm.sd for each in found]
    table = table.assign(norm_set=["" if each is None else each.norm_set for each in found], norm_mean=means, norm_sd=sds)
    return table.assign(deviation_sd=(table["value"] - table["norm_mean"]) / table["norm_sd"])


def summary_rows(predictions: pd.DataFrame, measurements: pd.DataFrame, rules: Mapping[str, Rule] | None = None) -> pd.DataFrame:
    """One row per image: number of points, their uncertainty, the most uncertain point, the number of flags, the main angles.

    `n_flagged` is present if the points have flags. Each rule adds a column with its class, None if its measurement is absent.
    """
    predictions = predictions.assign(sigma_px=sigma_px(predictions))
    grouped = predictions.groupby("image_id", sort=False)
    largest = predictions.dropna(subset="sigma_px").groupby("image_id", sort=False)["sigma_px"].idxmax()
    least_sure = predictions.loc[largest, ["image_id", "landmark"]].set_index("image_id")
    summary = pd.DataFrame(
        {
            "n_landmarks": grouped["x"].count(),
            "median_sigma_px": grouped["sigma_px"].median(),
            "max_sigma_px": grouped["sigma_px"].max(),
        }
    )
    summary["least_sure"] = least_sure["landmark"]
    if "flagged" in predictions:
        summary["n_flagged"] = grouped["flagged"].sum()
    classic = measurements[measurements["measurement"].isin(["SNA", "SNB", "ANB", "SN_GoGn"])]
    angles = classic.pivot_table(index="image_id", columns="measurement", values="value")
    return summary.join(angles).join(_classes(measurements, rules or {})).rename_axis("image_id").reset_index()


def _classes(measurements: pd.DataFrame, rules: Mapping[str, Rule]) -> pd.DataFrame:
    """The class of each image, one column per rule."""
    rows = {}
    for image_id, found in measurements.groupby("image_id", sort=False):
        values = dict(zip(found["measurement"], found["value"], strict=True))
        verdicts = {name: judge(rule, values) for name, rule in rules.items()}
        rows[image_id] = {name: verdict.name if verdict else None for name, verdict in verdicts.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(rules))
