"""Cephalometric measurements of predicted landmarks."""

import numpy as np
import pandas as pd

from ceph_pipeline.cephalometry import MEASUREMENTS, measure


def measurement_rows(predictions: pd.DataFrame, pixel_size_mm: float | None) -> pd.DataFrame:
    """Every measurement that the landmarks allow: rows `image_id, measurement, value, unit`.

    Millimetres need a pixel size; without one they are absent, not guessed. Landmarks that no measurement knows, such as
    the ruler's, are passed over.
    """
    rows = [
        (image_id, key, value, MEASUREMENTS[key].unit)
        for image_id, points in predictions.groupby("image_id", sort=False)
        for key, value in measure(
            {name: (x, y) for name, x, y in points[["landmark", "x", "y"]].itertuples(index=False)}, pixel_size_mm
        ).items()
        if np.isfinite(value)
    ]
    table = pd.DataFrame(rows, columns=["image_id", "measurement", "value", "unit"])
    return table.astype({"image_id": str, "measurement": str, "value": float, "unit": str})


def summary_rows(predictions: pd.DataFrame, measurements: pd.DataFrame) -> pd.DataFrame:
    """One row an image: how many points, how sure they are, which is the least sure, how many are flagged, the classic angles.

    `n_flagged` is there where the points carry flags.
    """
    grouped = predictions.groupby("image_id", sort=False)
    least_sure = predictions.loc[grouped["sigma_px"].idxmax().dropna(), ["image_id", "landmark"]].set_index("image_id")
    summary = pd.DataFrame(
        {
            "n_landmarks": grouped["x"].count(),
            "median_sigma_px": grouped["sigma_px"].median(),
            "max_sigma_px": grouped["sigma_px"].max(),
            "least_sure": least_sure["landmark"],
        }
    )
    if "flagged" in predictions:
        summary["n_flagged"] = grouped["flagged"].sum()
    classic = measurements[measurements["measurement"].isin(["SNA", "SNB", "ANB", "SN_GoGn"])]
    angles = classic.pivot_table(index="image_id", columns="measurement", values="value")
    return summary.join(angles).rename_axis("image_id").reset_index()
