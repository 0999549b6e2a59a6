"""Errors by kind of copy: effect of flips, rotations, exposure and braces on the detector.

Copies of validation and test images are used only for this table, not for the headline metrics.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ceph_pipeline.evaluation.errors import sdr, sdr_key, wide
from ceph_pipeline.evaluation.intervals import Interval, difference_interval, ends, mean_interval
from ceph_pipeline.evaluation.params import StatisticsParams
from ceph_pipeline.landmarks.tables import Unit, patients_of

ORIGINAL = "original"
"""Kind of an original image."""


def robustness_table(
    copies: pd.DataFrame, copied: pd.DataFrame, originals: pd.DataFrame, statistics: StatisticsParams
) -> pd.DataFrame:
    """Errors by kind of copy, compared with the errors on the same sources' originals.

    Args:
        copies: Rows of `ErrorTable` of the copies.
        copied: `image_id, source_id, kind, copy, split` of at least these copies.
        originals: Rows of `ErrorTable` of the copies' sources.
        statistics: Thresholds and resamples.

    Returns:
        One row per stage, split and kind, the originals first. `n_missing` is the number of points with a truth and without a
        prediction; the other counts are `n_sources`, `n_images` and `n_points`. For mm and px there are `mre_<unit>` and
        `difference_<unit>`, the mean difference to the originals on the points known in both. `…_low` and `…_high` are 95 %
        bootstrap intervals over sources (sources of one patient are resampled together), NaN for fewer than ten. `sdr_<mm>` is
        in percent. Empty without copies.
    """
    rows = copies.merge(copied[["image_id", "source_id", "kind", "copy", "split"]], on="image_id", validate="many_to_one")
    found = []
    for (stage, split), group in rows.groupby(["stage", "split"], sort=False):
        sources = originals[(originals["stage"] == stage) & originals["image_id"].isin(group["source_id"])]
        own = sources.assign(source_id=sources["image_id"], copy=0)
        kinds = {ORIGINAL: own, **{str(kind): part for kind, part in group.groupby("kind", sort=False) if kind != ORIGINAL}}
        found += [
            {"stage": stage, "split": split, "kind": kind} | _figures(part, own, kind, statistics) for kind, part in kinds.items()
        ]
    return pd.DataFrame(found) if found else pd.DataFrame(columns=["stage", "split", "kind"], dtype=str)


def _figures(part: pd.DataFrame, originals: pd.DataFrame, kind: str, statistics: StatisticsParams) -> dict[str, float]:
    """Metrics of one kind of copy, compared with the originals of its sources."""
    mm = _by_source(part, "mm").to_numpy()
    figures: dict[str, float] = {
        "n_sources": part["source_id"].nunique(),
        "n_images": part["image_id"].nunique(),
        "n_points": int(part["error_px"].notna().sum()),
        "n_missing": int((part["has_truth"] & part["error_px"].isna()).sum()),
    }
    for unit in ("mm", "px"):
        figures |= _against_originals(part, originals, unit, kind, statistics)
    return figures | {sdr_key(t): rate for t, rate in sdr(mm, statistics.thresholds_mm).items()}


def _against_originals(
    part: pd.DataFrame, originals: pd.DataFrame, unit: Unit, kind: str, statistics: StatisticsParams
) -> dict[str, float]:
    table = _by_source(part, unit)
    errors = table.to_numpy()
    before = wide(originals, "source_id", "landmark", f"error_{unit}")
    same = before.reindex(index=table.index, columns=table.columns.get_level_values(1)).to_numpy(np.float64)
    difference = errors - same if kind != ORIGINAL else np.full(errors.shape, np.nan)
    patients = patients_of(originals, table.index)
    return _with_interval(f"mre_{unit}", errors, mean_interval(errors, patients=patients, **statistics.draws)) | _with_interval(
        f"difference_{unit}", difference, difference_interval(difference, patients=patients, **statistics.draws)
    )


def _with_interval(name: str, values: NDArray[np.float64], interval: Interval | None) -> dict[str, float]:
    low, high = ends(interval)
    mean = float(np.nanmean(values)) if np.isfinite(values).any() else np.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _by_source(part: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    """Errors with sources as rows and pairs of copy and landmark as columns: copies of a source are resampled together."""
    return wide(part, "source_id", ["copy", "landmark"], f"error_{unit}")
