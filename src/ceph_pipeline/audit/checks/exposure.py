"""Films that are too dark, too bright or too flat."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ceph_pipeline.audit.evidence import Evidence
from ceph_pipeline.audit.findings import Finding
from ceph_pipeline.audit.params import AuditParams, FilmParams
from ceph_pipeline.audit.reader_offsets import MAD_TO_SD

_LEAST_SD = {"median": 8.0, "contrast": 8.0, "black_share": 0.04, "white_share": 0.04}
"""Least scale of variation, so that tiny deviations are no outliers if all films of a device are alike."""
_NAMES = {
    "median": "median grey level",
    "contrast": "contrast (5th to 95th percentile)",
    "black_share": "share of black pixels",
    "white_share": "share of white pixels",
}


def check_exposure(evidence: Evidence, params: AuditParams) -> Iterator[Finding]:
    """One warning for each film whose grey levels differ much from its device's; an error if there is hardly any contrast."""
    limits = params.films
    films = evidence.films.merge(evidence.images[["image_id", "machine"]], on="image_id")
    for machine, group in films.groupby("machine", sort=True):
        remarks = _remarks(group, limits) if len(group) >= limits.min_images else [[] for _ in range(len(group))]
        for image_id, contrast, remark in zip(group["image_id"], group["contrast"], remarks, strict=True):
            if contrast < limits.least_contrast:
                flat = f"hardly any contrast: {contrast:.0f} grey levels from the 5th to the 95th percentile"
                yield Finding("error", f"{flat}, expected at least {limits.least_contrast:g}.", image_id)
            elif remark:
                yield Finding("warning", f"{machine}: {'; '.join(remark)}.", image_id)


def _remarks(group: pd.DataFrame, limits: FilmParams) -> list[list[str]]:
    """The unusual properties of each film of a device."""
    remarks: list[list[str]] = [[] for _ in range(len(group))]
    for column, name in _NAMES.items():
        values = group[column].to_numpy(np.float64)
        usual = float(np.median(values))
        sd = max(MAD_TO_SD * float(np.median(np.abs(values - usual))), _LEAST_SD[column])
        for row in np.flatnonzero(np.abs(values - usual) > limits.outlier_sd * sd):
            remarks[row].append(f"{name} {values[row]:.3g}, usually {usual:.3g} ± {sd:.2g}")
    return remarks
