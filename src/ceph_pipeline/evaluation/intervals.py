"""95 % confidence intervals of means, rates and differences over images.

The sample consists of images, not of points, because the points of one image share its quality, patient and pixel size. Films of
one patient are similar, and are resampled together if patients are known. There is no interval for fewer than `MIN_IMAGES`
images or patients. With five of them, percentiles of the bootstrap have a coverage of 80 %, and the methods used here give no
interval for a third of the accuracies and half of the κ (simulated in `benchmarks/interval_coverage.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.evaluation.bootstrap import studentised_limits, undefined_share

MIN_IMAGES = 10
"""Minimum number of images for an interval; images of one patient count once."""

_ROUNDING = 1e-12
"""Smaller variances between images are rounding errors of equal rates."""

Patients = Sequence[str] | NDArray[np.str_] | None
"""Patient of each of N images; None: each image is of another patient."""

MAX_UNDEFINED = 0.05
"""Largest share of resamples with an undefined statistic; above this share there is no interval."""


class Interval(NamedTuple):
    """A 95 % interval; in reports a list of both ends."""

    low: float
    high: float

    def not_negative(self) -> Interval:
        """The interval clipped at 0, for statistics that cannot be negative; one gross error can make the low end negative."""
        return Interval(max(self.low, 0.0), max(self.high, 0.0))


def ends(interval: Interval | None) -> tuple[float, float]:
    """Low and high end; NaN without an interval."""
    return interval or (np.nan, np.nan)


@dataclass(frozen=True)
class Improvement:
    """Paired difference of two sets of errors on the same points.

    Attributes:
        percent: 100 · (1 − mean of the new errors / mean of the old); positive is better.
        interval: 95 % interval of `percent`; None for too few images.
        difference: Mean of the new errors minus mean of the old, in the errors' unit; negative is better.
        difference_interval: 95 % interval of `difference`.
        n_images: Images with at least one point known in both.
    """

    percent: float
    interval: Interval | None
    difference: float
    difference_interval: Interval | None
    n_images: int


def mean_interval(errors: ArrayLike, *, patients: Patients = None, n_resamples: int = 10_000, seed: int = 42) -> Interval | None:
    """Studentised bootstrap interval of the mean over all known errors, images resampled with replacement.

    Args:
        errors: `(N, K)`, one row per image; NaN and images without a known error are ignored.
        patients: Patient of each image; images of one patient are resampled together.
        n_resamples: Number of resamples.
        seed: Seed of the resamples.

    Returns:
        The interval, clipped at 0; None for fewer than `MIN_IMAGES` patients, or if over 5 % of the resamples have no spread.

    Source: Efron and Tibshirani, An introduction to the bootstrap, 1993, section 12.5.
    """
    interval = difference_interval(errors, patients=patients, n_resamples=n_resamples, seed=seed)
    return interval and interval.not_negative()


def difference_interval(
    differences: ArrayLike, *, patients: Patients = None, n_resamples: int = 10_000, seed: int = 42
) -> Interval | None:
    """As `mean_interval`, for the mean of differences, which may be negative."""
    differences = np.asarray(differences, np.float64)
    sums, counts = np.nansum(differences, axis=1), (~np.isnan(differences)).sum(axis=1).astype(np.float64)
    (interval,) = ratio_intervals(sums[:, None], counts[:, None], patients=patients, n_resamples=n_resamples, seed=seed)
    return interval


def landmark_intervals(
    errors: ArrayLike, *, patients: Patients = None, n_resamples: int = 10_000, seed: int = 42
) -> list[Interval | None]:
    """As `mean_interval`, for the mean error of each of the K landmarks."""
    errors = np.asarray(errors, np.float64)
    known = (~np.isnan(errors)).astype(np.float64)
    found = ratio_intervals(np.nan_to_num(errors), known, patients=patients, n_resamples=n_resamples, seed=seed)
    return [interval and interval.not_negative() for interval in found]


def improvement(
    new: ArrayLike, old: ArrayLike, *, patients: Patients = None, n_resamples: int = 10_000, seed: int = 42
) -> Improvement:
    """Paired comparison of two sets of errors on the same images and points.

    Each resample uses the same images for both, so that the difficulty of an image cancels out.

    Args:
        new: `(N, K)` errors of the system that should be better.
        old: `(N, K)` errors of the other system; points with both errors are used.
        patients: Patient of each image; images of one patient are resampled together.
        n_resamples: Number of resamples.
        seed: Seed of the resamples.

    Raises:
        ValueError: the shapes differ, or no point is known in both.
    """
    new, old = np.asarray(new, np.float64), np.asarray(old, np.float64)
    if new.shape != old.shape or new.ndim != 2:
        raise InvalidValueError(f"paired errors must both be (N, K), got {new.shape} and {old.shape}.")
    shared = ~(np.isnan(new) | np.isnan(old))
    if not shared.any():
        raise InvalidValueError("no point is known in both sets of errors: they come from different images.")
    new_sums, old_sums = (np.where(shared, errors, 0.0).sum(axis=1) for errors in (new, old))
    counts = shared.sum(axis=1).astype(np.float64)
    above, below = np.stack([new_sums, new_sums - old_sums], axis=1), np.stack([old_sums, counts], axis=1)
    quotient, of_difference = ratio_intervals(above, below, patients=patients, n_resamples=n_resamples, seed=seed)
    ratio, difference = (above.sum(axis=0) / below.sum(axis=0)).tolist()
    quotient = quotient and quotient.not_negative()
    of_percent = Interval(100 * (1 - quotient.high), 100 * (1 - quotient.low)) if quotient else None
    return Improvement(100 * (1 - ratio), of_percent, difference, of_difference, int((counts > 0).sum()))


def ratio_intervals(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    *,
    patients: Patients = None,
    n_resamples: int = 10_000,
    seed: int = 42,
) -> list[Interval | None]:
    """Studentised bootstrap intervals of F ratios Σ sums / Σ counts, images resampled with replacement.

    Args:
        sums: `(N, F)`, contribution of each image to the numerator.
        counts: `(N, F)` ≥ 0, contribution to the denominator; 0 if the image is not included.
        patients: Patient of each image; images of one patient are resampled together.
        n_resamples: Number of resamples.
        seed: Seed of the resamples.

    Returns:
        F intervals; None for fewer than `MIN_IMAGES` included patients.
    """
    sums, counts = by_patient(sums, patients), by_patient(counts, patients)
    enough = (counts > 0).sum(axis=0) >= MIN_IMAGES
    found: list[Interval | None] = [None] * sums.shape[1]
    if enough.any():
        seen = (counts[:, enough] > 0).any(axis=1)
        limits = studentised_limits(sums[seen][:, enough], counts[seen][:, enough], n_resamples, seed)
        for column, (low, high, undefined) in zip(np.flatnonzero(enough), limits, strict=True):
            found[column] = Interval(float(low), float(high)) if undefined <= MAX_UNDEFINED else None
    return found


def by_patient(rows: NDArray[np.float64], patients: Patients) -> NDArray[np.float64]:
    """Sums `(P, F)` of the images' contributions `(N, F)` over each patient, in order of appearance."""
    if patients is None:
        return rows
    _, first, of_image = np.unique(np.asarray(patients, str), return_index=True, return_inverse=True)
    summed = np.zeros((len(first), rows.shape[1]))
    np.add.at(summed, np.argsort(np.argsort(first))[of_image], rows)
    return summed


def rate_intervals(hits: Sequence[ArrayLike], *, patients: Patients = None) -> list[Interval | None]:
    """Wilson intervals of rates whose hits are clustered in images, with the effective number of independent points.

    The variance between images, or between patients, determines the number n' of independent points with the same variance.
    Wilson's interval is computed with n' and Student's t with P − 1 degrees of freedom for P patients. The studentised bootstrap
    fails near 100 %: a few images contain all misses, and resamples without these images have no spread.

    Args:
        hits: For each rate `(N, K)`: 100 for a hit, 0 for a miss, NaN for a point that is not included.
        patients: Patient of each image; images of one patient are one cluster.

    Returns:
        Intervals in percent; None for fewer than `MIN_IMAGES` patients, and for rates of 0 or 100 %.

    Source: Wilson, JASA 1927; Korn and Graubard, Survey Methodology 1998, for the effective sample size.
    """
    return [_rate_interval(np.asarray(each, np.float64), patients) for each in hits]


def _rate_interval(hits: NDArray[np.float64], patients: Patients) -> Interval | None:
    of_images = np.stack([np.nansum(hits, axis=1) / 100, (~np.isnan(hits)).sum(axis=1)], axis=1)
    found, counts = by_patient(of_images, patients).T
    counted = counts > 0
    n_patients, n_points = int(counted.sum()), int(counts.sum())
    if n_patients < MIN_IMAGES:
        return None
    share = float(found.sum()) / n_points
    if share <= 0 or share >= 1:
        return None
    residuals = (found - share * counts)[counted]
    variance = float(residuals @ residuals) / n_points**2 * n_patients / (n_patients - 1)
    effective = share * (1 - share) / variance if variance > _ROUNDING else float(n_points)
    quantile = _student_quantile(n_patients)
    weight = 1 + quantile**2 / effective
    middle = (share + quantile**2 / (2 * effective)) / weight
    half = quantile / weight * np.sqrt(share * (1 - share) / effective + quantile**2 / (4 * effective**2))
    return Interval(100 * (middle - half), 100 * (middle + half))


def correlation_interval(
    rows: NDArray[np.float64],
    figure: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    patients: Patients = None,
    n_resamples: int = 10_000,
    seed: int = 42,
) -> tuple[Interval | None, float]:
    """Interval of a statistic between −1 and 1, such as κ, by the jackknife of its Fisher transform.

    Args:
        rows: `(N, C)`, contribution of each image to the C sums.
        figure: Function from sums `(B, C)` to the statistic `(B,)`, NaN where undefined.
        patients: Patient of each image; images of one patient are resampled together.
        n_resamples: Number of resamples for the share of undefined statistics.
        seed: Seed of the resamples.

    Returns:
        The interval, and the share of resamples in which the statistic is undefined, NaN without resamples. The interval is None
        for fewer than `MIN_IMAGES` patients, if the statistic is undefined in more than 5 % of the resamples, and if it is ±1.

    Source: Efron and Tibshirani 1993, chapter 11; Fisher's z = artanh κ.
    """
    rows = by_patient(rows, patients)
    n_patients = len(rows)
    if n_patients < MIN_IMAGES:
        return None, float("nan")
    undefined = undefined_share(rows, figure, n_resamples, seed)
    total = rows.sum(axis=0)
    value, left_out = float(figure(total[None])[0]), figure(total - rows)
    if undefined > MAX_UNDEFINED or not abs(value) < 1 or np.isnan(left_out).any():
        return None, undefined
    error = np.sqrt((n_patients - 1) / n_patients * ((left_out - left_out.mean()) ** 2).sum())
    half = _student_quantile(n_patients) * error / (1 - value**2)
    low, high = np.tanh([np.arctanh(value) - half, np.arctanh(value) + half])
    return Interval(float(low), float(high)), undefined


def _student_quantile(n_patients: int) -> float:
    """97.5th percentile of Student's t with N − 1 degrees of freedom."""
    from scipy.special import stdtrit  # imported here to keep the registration of pipelines fast

    return float(stdtrit(n_patients - 1, 0.975))
