"""Errors of the predicted ruler marks and of the pixel sizes computed from them."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.calibration.pixel_size import IMPLAUSIBLE, UNCERTAIN
from ceph_pipeline.calibration.presence import marks_known
from ceph_pipeline.calibration.ruler import mm_per_pixel
from ceph_pipeline.landmarks import RULER_MARKS
from ceph_pipeline.landmarks.tables import points_array

THRESHOLDS_PX = (1, 2, 5, 10, 20, 30)
PERCENTILES = (5, 25, 75, 90, 95, 99)
BANDS_PX = {"excellent": (0, 10), "10–20 px": (10, 20), "20–30 px": (20, 30), "over 30 px": (30, np.inf)}
"""The bands of the p1/p2 guide; the upper bound is exclusive."""
WITHIN_PCT = (0.5, 1, 2, 5)


def compare_with_truth(sizes: pd.DataFrame, landmarks: pd.DataFrame, images: pd.DataFrame, ruler_mm: float) -> pd.DataFrame:
    """Compare predictions with the truth for each image.

    Args:
        sizes: Result of `pixel_sizes`.
        landmarks: One reader's points.
        images: The images table, for devices and splits.
        ruler_mm: True distance of the marks.

    Returns:
        The rows of `sizes` with `machine, split, shows_ruler, error_p1_px, error_p2_px, true_mm_per_pixel, size_error_pct`.
        Errors are NaN if the film shows no ruler, or the predicted ruler is not usable. If the truth has only one of the two
        marks, `shows_ruler` is missing and the film is not evaluated.
    """
    ids = sizes["image_id"].astype(str).tolist()
    truth = points_array(landmarks[landmarks["landmark"].isin(RULER_MARKS)], ids, RULER_MARKS)
    found = sizes[["p1_x", "p1_y", "p2_x", "p2_y"]].to_numpy(np.float64).reshape(-1, 2, 2)
    errors = np.linalg.norm(found - truth, axis=-1)
    true_mm = mm_per_pixel(truth[:, 0], truth[:, 1], ruler_mm)
    n_marks = marks_known(landmarks, ids).sum(axis=-1)
    errors[n_marks == 1] = np.nan
    return sizes.assign(
        **{name: images.set_index("image_id")[name].reindex(ids).to_numpy() for name in ("machine", "split")},
        shows_ruler=pd.Series(n_marks == len(RULER_MARKS), index=sizes.index, dtype="boolean").mask(n_marks == 1),
        error_p1_px=errors[:, 0],
        error_p2_px=errors[:, 1],
        true_mm_per_pixel=true_mm,
        size_error_pct=100 * (sizes["ruler_mm_per_pixel"].to_numpy(np.float64) / true_mm - 1),
    )


def headline_films(compared: pd.DataFrame) -> pd.DataFrame:
    """Training sources with out-of-fold predictions, if there are any; otherwise the test films."""
    out_of_fold = compared["split"] == "train"
    return compared[out_of_fold] if out_of_fold.any() else compared


def split_metrics(compared: pd.DataFrame) -> dict[str, Any]:
    """`ruler_metrics` of the test films and, if there are any, of the training sources as `out_of_fold`."""
    out_of_fold = compared["split"] == "train"
    learned = {"out_of_fold": ruler_metrics(compared[out_of_fold])} if out_of_fold.any() else {}
    return ruler_metrics(compared[~out_of_fold]) | learned


def ruler_metrics(compared: pd.DataFrame) -> dict[str, Any]:
    """Metrics over all images of a `compare_with_truth` table: errors of marks, of pixel sizes, and of the ruler's presence."""
    p1, p2 = (compared[f"error_{name}_px"].to_numpy(np.float64) for name in RULER_MARKS)
    size = compared["size_error_pct"].to_numpy(np.float64)
    return {
        "n_images": len(compared),
        "marks": {"p1": error_statistics(p1), "p2": error_statistics(p2), "both": error_statistics(np.concatenate([p1, p2]))},
        "pixel_size_pct": size_statistics(size),
        "presence": presence_statistics(compared),
        "refused": {reason: int((compared["refusal"] == reason).sum()) for reason in (UNCERTAIN, IMPLAUSIBLE)},
        "sources": compared["source"].value_counts().to_dict(),
        "n_suspect": int(compared["is_suspect"].sum()),
    }


def error_statistics(errors: ArrayLike) -> dict[str, float]:
    """Statistics of known errors in px: n, mean, median, sd, min, max, percentiles, percent within thresholds, counts by band.

    >>> error_statistics([1.0, 3.0, float("nan")])["mean"]
    2.0
    """
    known = _known(errors)
    if not len(known):
        return {"n": 0}
    return {
        "n": len(known),
        **_moments(known),
        **{f"p{percentile}": float(np.percentile(known, percentile)) for percentile in PERCENTILES},
        **{f"within_{limit}_px": float(100 * (known <= limit).mean()) for limit in THRESHOLDS_PX},
        **{name: int(((known >= low) & (known < high)).sum()) for name, (low, high) in BANDS_PX.items()},
    }


def size_statistics(deviation_pct: ArrayLike) -> dict[str, float]:
    """Statistics of the known signed errors of pixel sizes in percent: bias, and statistics of absolute errors."""
    known = _known(deviation_pct)
    if not len(known):
        return {"n": 0}
    amount = np.abs(known)
    return {
        "n": len(known),
        "bias": float(known.mean()),
        **_moments(amount),
        **{f"within_{limit:g}_pct": float(100 * (amount <= limit).mean()) for limit in WITHIN_PCT},
    }


def presence_statistics(compared: pd.DataFrame) -> dict[str, float]:
    """Precision and recall of the class *absent* (no ruler on the film); NaN if undefined.

    A detected ruler is not absent, even if its pixel size is not used.
    """
    known = compared.dropna(subset=["shows_ruler"])
    absent, said = ~known["shows_ruler"].astype(bool), ~known["has_ruler"].astype(bool)
    right = int((absent & said).sum())
    return {
        "n_shown": int((~absent).sum()),
        "n_absent": int(absent.sum()),
        "n_missed": int((~absent & said).sum()),
        "n_invented": int((absent & ~said).sum()),
        "absent_precision": right / int(said.sum()) if said.any() else np.nan,
        "absent_recall": right / int(absent.sum()) if absent.any() else np.nan,
    }


def device_errors(compared: pd.DataFrame) -> pd.DataFrame:
    """One row per device: numbers of images and rulers, errors of both marks in px and of the pixel size in percent, mistakes."""
    rows = []
    for machine, group in compared.groupby("machine", sort=True):
        found = ruler_metrics(group)
        both, size = found["marks"]["both"], found["pixel_size_pct"]
        rows.append(
            {
                "machine": machine,
                "n_images": len(group),
                "n_rulers": found["presence"]["n_shown"],
                **{f"{name}_px": both.get(name, np.nan) for name in ("mean", "median", "max")},
                **{f"size_{name}_pct": size.get(name, np.nan) for name in ("mean", "max")},
                **{name: found["presence"][name] for name in ("n_missed", "n_invented")},
                "n_refused": sum(found["refused"].values()),
            }
        )
    return pd.DataFrame(rows)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    return array[np.isfinite(array)]


def _moments(known: NDArray[np.float64]) -> dict[str, float]:
    return {
        "mean": float(known.mean()),
        "median": float(np.median(known)),
        "sd": float(known.std(ddof=1)) if len(known) > 1 else np.nan,
        "min": float(known.min()),
        "max": float(known.max()),
    }
