"""Agreement of predicted and true ordered classes: CVM stages, skeletal classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.errors import InvalidValueError
from ceph_pipeline.evaluation.intervals import Interval, Patients, correlation_interval, rate_intervals


@dataclass(frozen=True)
class Agreement:
    """Agreement of predicted and true classes.

    Attributes:
        n: Number of images with a predicted and a true class.
        confusion: `(S, S)` counts; rows are true classes, columns predicted classes.
        accuracy: Percentage of exact predictions.
        within_one: Percentage of predictions that are exact or off by one class.
        majority_baseline: Accuracy, in percent, of always predicting the most common true class.
        macro_f1: Mean of 2·TP / (2·TP + FP + FN) over the classes that occur, true or predicted, 0–1.
        kappa: Cohen's κ.
        quadratic_kappa: Cohen's κ, with disagreement weighted by the squared distance of the classes.
        accuracy_interval: 95 % interval over images; None for fewer than ten images or patients.
        kappa_interval: 95 % interval of κ; None also if κ is undefined in more than 5 % of the resamples.
        quadratic_kappa_interval: 95 % interval of the weighted κ, with the same conditions.
        undefined_percent: Percentage of resamples in which κ is undefined, because the same single class is the only true and the
            only predicted class; NaN for fewer than ten images or patients.

    An undefined value is NaN: all values without images, and κ if only one class occurs, true and predicted.

    Source: Cohen, Weighted kappa, Psychological Bulletin 1968.
    """

    n: int
    confusion: NDArray[np.int64]
    accuracy: float
    within_one: float
    majority_baseline: float
    macro_f1: float
    kappa: float
    quadratic_kappa: float
    accuracy_interval: Interval | None
    kappa_interval: Interval | None
    quadratic_kappa_interval: Interval | None
    undefined_percent: float


def agreement(
    true: ArrayLike,
    predicted: ArrayLike,
    n_classes: int,
    *,
    patients: Patients = None,
    n_resamples: int = 10_000,
    seed: int = 42,
) -> Agreement:
    """Compare classes numbered 0 … S − 1.

    Args:
        true: `(N,)` classes, NaN where unknown.
        predicted: `(N,)` classes, NaN where unknown; images with both classes are used.
        n_classes: S, at least 2.
        patients: Patient of each image; images of one patient are resampled together.
        n_resamples: Number of bootstrap resamples for the intervals.
        seed: Seed of the resamples.

    Raises:
        ValueError: the lengths differ, or a class is not one of 0 … S − 1.
    """
    true, predicted = np.asarray(true, np.float64), np.asarray(predicted, np.float64)
    if true.shape != predicted.shape or true.ndim != 1:
        raise InvalidValueError(f"true and predicted classes must both be (N,), got {true.shape} and {predicted.shape}.")
    known = ~(np.isnan(true) | np.isnan(predicted))
    pairs = np.stack([true[known], predicted[known]]).astype(np.int64)
    of_known = None if patients is None else np.asarray(patients, str)[known].tolist()
    if pairs.size and (pairs.min() < 0 or pairs.max() >= n_classes):
        raise InvalidValueError(f"classes must be numbered 0 … {n_classes - 1}, found {pairs.min()} … {pairs.max()}.")
    cells = np.zeros((pairs.shape[1], n_classes * n_classes))
    cells[np.arange(pairs.shape[1]), pairs[0] * n_classes + pairs[1]] = 1
    confusion = cells.sum(axis=0).reshape(n_classes, n_classes)

    def kappa(power: int) -> tuple[float, Interval | None, float]:
        def figure(totals: NDArray[np.float64]) -> NDArray[np.float64]:
            return _kappa(totals.reshape(-1, n_classes, n_classes), power=power)

        interval, undefined = correlation_interval(cells, figure, patients=of_known, n_resamples=n_resamples, seed=seed)
        return float(figure(confusion)[0]), interval, undefined

    (plain, plain_interval, undefined), (quadratic, quadratic_interval, _) = kappa(0), kappa(2)
    total = confusion.sum()
    return Agreement(
        n=int(total),
        confusion=confusion.astype(np.int64),
        accuracy=float(_percent(confusion[None], 0)[0]),
        within_one=float(_percent(confusion[None], 1)[0]),
        majority_baseline=float(100 * confusion.sum(axis=1).max() / total) if total else float("nan"),
        macro_f1=_macro_f1(confusion),
        kappa=plain,
        quadratic_kappa=quadratic,
        accuracy_interval=rate_intervals([100.0 * (pairs[0] == pairs[1])[:, None]], patients=of_known)[0],
        kappa_interval=plain_interval,
        quadratic_kappa_interval=quadratic_interval,
        undefined_percent=100 * undefined,
    )


def classify(values: ArrayLike, bounds: tuple[float, ...]) -> NDArray[np.float64]:
    """Class of each value: the number of bounds below it; a value on a bound belongs to the lower class, NaN stays NaN."""
    values = np.asarray(values, np.float64)
    return np.where(np.isnan(values), np.nan, np.searchsorted(np.asarray(bounds), values, side="left").astype(np.float64))


def _percent(tables: NDArray[np.float64], distance: int) -> NDArray[np.float64]:
    """Percentage of the counts `(B, S, S)` whose classes differ by at most `distance`."""
    near = _distances(tables.shape[-1]) <= distance
    total = tables.sum(axis=(1, 2))
    return _ratio(100 * (tables * near).sum(axis=(1, 2)), total)


def _kappa(tables: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    """1 − observed / chance disagreement of `(B, S, S)` counts; with power 0 all disagreements have the same weight."""
    distance = _distances(tables.shape[-1])
    weights = np.where(distance > 0, distance.astype(np.float64) ** power, 0.0)
    total = tables.sum(axis=(1, 2))
    expected = np.einsum("bi,bj,ij->b", tables.sum(axis=2), tables.sum(axis=1), weights)
    observed = (tables * weights).sum(axis=(1, 2)) * total
    return 1 - _ratio(observed, expected)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ratio above / below, NaN where undefined."""
    ratio = np.full(len(below), np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


def _macro_f1(confusion: NDArray[np.float64]) -> float:
    hits, seen = np.diag(confusion), confusion.sum(axis=0) + confusion.sum(axis=1)
    return float(np.mean(2 * hits[seen > 0] / seen[seen > 0])) if seen.any() else float("nan")


def _distances(n_classes: int) -> NDArray[np.int64]:
    return np.abs(np.subtract.outer(np.arange(n_classes), np.arange(n_classes)))
