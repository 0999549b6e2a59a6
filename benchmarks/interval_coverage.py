"""Simulated coverage of the evaluation's 95 % intervals, by number of images.

    python benchmarks/interval_coverage.py [--samples 2000] [--resamples 2000]

The simulated errors resemble those of detectors: Rayleigh distances with one scale per landmark, multiplied by a lognormal
factor per image. 4.8 % are gross errors, which are three and a half times as large, and more frequent on difficult images. Each
number is the percentage of samples whose interval contains the true value; the nominal value is 95. "beats" is the percentage of
samples in which one of two equally good systems beats the other; the nominal value is 2.5. Samples without an interval (all
points are hits, or κ is undefined in more than 5 % of the resamples) are excluded, and their percentage is in brackets. The
evaluation gives no interval for fewer than ten images. The column "percentile" is the percentile bootstrap, for comparison.
"""

from unittest.mock import patch

import click
import numpy as np
from numpy.typing import NDArray

from ceph_pipeline.evaluation import intervals
from ceph_pipeline.evaluation.agreement import agreement
from ceph_pipeline.evaluation.bootstrap import draws

N_IMAGES = (5, 10, 15, 20, 30, 50, 150)
N_LANDMARKS = 19
SCALES_MM = np.random.default_rng(0).uniform(0.5, 1.6, N_LANDMARKS)
IMAGE_SD, GROSS_SHARE, GROSS_FACTOR = 0.3, 0.04, 3.5
CLASSES, CLASS_SHARES, ACCURACY = 3, np.array([0.25, 0.5, 0.25]), 0.8

Array = NDArray[np.float64]


def draw_errors(rng: np.random.Generator, n_images: int) -> tuple[Array, Array]:
    """Errors `(N, K)` in mm of two equally good systems; the same images are difficult for both."""
    hard = np.exp(rng.normal(0, IMAGE_SD, (n_images, 1)))

    def system() -> Array:
        errors = SCALES_MM * hard * rng.rayleigh(0.8, (n_images, N_LANDMARKS))
        return np.where(rng.random(errors.shape) < GROSS_SHARE * hard**2, GROSS_FACTOR * errors, errors)

    return system(), system()


def draw_classes(rng: np.random.Generator, n_images: int) -> tuple[Array, Array]:
    """True and predicted classes; a wrong prediction is each of the other classes with equal probability."""
    true = rng.choice(CLASSES, p=CLASS_SHARES, size=n_images)
    wrong = rng.random(n_images) > ACCURACY
    return true.astype(float), np.where(wrong, (true + rng.integers(1, CLASSES, n_images)) % CLASSES, true).astype(float)


def percentile_interval(errors: Array, n_resamples: int) -> intervals.Interval:
    """The interval of the percentile bootstrap."""
    means = np.concatenate([weights @ errors.mean(axis=1) for weights in draws(len(errors), n_resamples, 42)]) / len(errors)
    return intervals.Interval(*np.percentile(means, [2.5, 97.5]).tolist())


def intervals_of(errors: Array, n_resamples: int) -> dict[str, intervals.Interval | None]:
    """The intervals of one system's errors, by name."""
    at_2_mm, at_4_mm = intervals.rate_intervals([100.0 * (errors <= limit) for limit in (2, 4)])
    return {
        "percentile": percentile_interval(errors, n_resamples),
        "MRE": intervals.mean_interval(errors, n_resamples=n_resamples),
        "one landmark": intervals.mean_interval(errors[:, :1], n_resamples=n_resamples),
        "SDR 2 mm": at_2_mm,
        "SDR 4 mm": at_4_mm,
    }


def coverage(n_images: int, n_samples: int, n_resamples: int, truths: dict[str, float]) -> dict[str, str]:
    """One row of the table, by column."""
    rng = np.random.default_rng([7, n_images])
    held: dict[str, list[bool | None]] = {}

    def record(name: str, interval: intervals.Interval | None, truth: float) -> None:
        held.setdefault(name, []).append(interval.low <= truth <= interval.high if interval else None)

    for _ in range(n_samples):
        new, old = draw_errors(rng, n_images)
        for name, interval in intervals_of(new, n_resamples).items():
            record(name, interval, truths[name])
        compared = intervals.improvement(new, old, n_resamples=n_resamples)
        record("difference", compared.difference_interval, 0.0)
        held.setdefault("beats", []).append(compared.interval.low > 0 if compared.interval else None)
        classes = agreement(*draw_classes(rng, n_images), CLASSES, n_resamples=n_resamples // 4)
        record("accuracy", classes.accuracy_interval, 100 * ACCURACY)
        record("κ", classes.kappa_interval, truths["κ"])
        record("quadratic κ", classes.quadratic_kappa_interval, truths["quadratic κ"])
    return {name: _percent(of_name) for name, of_name in held.items()}


def _percent(held: list[bool | None]) -> str:
    known = [value for value in held if value is not None]
    missing = 100 * (1 - len(known) / len(held))
    shown = f"{100 * np.mean(known):.1f}" if known else "–"
    return f"{shown} ({missing:.0f} none)" if missing >= 0.5 else shown


@click.command()
@click.option("--samples", default=2000, show_default=True, help="Number of simulated test sets of each size.")
@click.option("--resamples", default=2000, show_default=True, help="Number of resamples of each bootstrap.")
@click.option("--draws", default=200_000, show_default=True, help="Number of images from which the true values are computed.")
def main(samples: int, resamples: int, draws: int) -> None:
    """Simulate the coverage of the evaluation's 95 % intervals."""
    rng = np.random.default_rng(1)
    many = draw_errors(rng, draws)[0]
    mean = float(many.mean())
    truths = {"percentile": mean, "MRE": mean, "one landmark": float(many[:, 0].mean())}
    truths |= {f"SDR {limit} mm": 100 * float((many <= limit).mean()) for limit in (2, 4)}
    classes = agreement(*draw_classes(rng, 2 * draws), CLASSES, n_resamples=1)
    truths |= {"κ": classes.kappa, "quadratic κ": classes.quadratic_kappa}
    header: list[str] = []
    with patch.object(intervals, "MIN_IMAGES", 2):
        for n_images in N_IMAGES:
            row = coverage(n_images, samples, resamples, truths)
            if not header:
                header = ["images", *row]
                print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
            print(f"| {n_images} | {' | '.join(row.values())} |", flush=True)


if __name__ == "__main__":
    main()
